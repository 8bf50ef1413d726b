"""Somebody who signs in, by the API or by the page, as the project's clients do."""

import re
import time

from django.test import Client


class Person:
    """Hold a phone, and the browser or app in which it signs in."""

    outbox = None  # of all of them

    def __init__(self, phone, host="localhost"):
        self.phone = phone
        self.client = Client(enforce_csrf_checks=True, SERVER_NAME=host)

    def post(self, path, token="", **body):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.client.post(path, body, content_type="application/json", headers=headers)
        return {"status": answer.status_code, **(answer.json() if answer.content else {})}

    def get(self, path, token=""):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.client.get(path, headers=headers)
        return {"status": answer.status_code, **answer.json()}

    def ask(self, *, reached=True):
        """Ask for a code, and return what verifies it; ``reached``: there will be a message."""
        before = len(self.outbox.messages)
        sent = self.post("/api/send-otp/", phone=self.phone)
        code = self.code_after(before) if reached else "000000"
        return {"phone": self.phone, "otp": code, "challenge_id": sent["challenge_id"]}

    def code_after(self, before):
        """Return the code of the next message, which may come after the answer where not everybody may sign up."""
        end = time.monotonic() + 60
        while len(self.outbox.messages) == before and time.monotonic() < end:
            time.sleep(0.01)
        return self.outbox.messages[before].code

    def sign_in(self, *, reached=True, **more):
        return self.post("/api/verify-otp/", **self.ask(reached=reached), **more)

    def sign_in_by_page(self):
        """Return the address that the page leads to, and whether the account's page shows the phone."""
        before = len(self.outbox.messages)
        where = self.send("/login/", phone=self.phone)
        where = self.send(where, code=self.code_after(before))
        page = self.client.get("/account/").content.decode()
        return where, self.phone in page.replace(" ", "")

    def send(self, path, **fields):
        page = self.client.get(path).content.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        return self.client.post(path, fields | {"csrfmiddlewaretoken": token}).headers.get("Location", "")
