"""A person at a browser without JavaScript."""

import html
import re

from django.conf import settings
from django.test import Client

from tests.factories import new_phone


class Visitor:
    """Visit the pages, and send the CSRF token of the last page, which the site requires.

    ``habits`` are headers of every request, for example ``HTTP_ACCEPT_LANGUAGE="uz"``.
    """

    def __init__(self, outbox, **habits):
        self.client = Client(enforce_csrf_checks=True, **habits)
        self.outbox = outbox
        self.phone = new_phone()
        self.token = ""

    def get(self, path="/login/", *, secure=False):
        return self._seen(self.client.get(path, secure=secure))

    def post(self, path="/login/", *, secure=False, **fields):
        if not self.token:
            self.get()
        fields = {"csrfmiddlewaretoken": self.token} | fields
        headers = {"origin": "https://testserver"} if secure else {}
        return self._seen(self.client.post(path, fields, secure=secure, headers=headers))

    def ask(self, phone="", query="", **fields):
        """Enter the number, and return the page that asks for the code."""
        response = self.post(f"/login/{query}", phone=phone or self.phone, **fields)
        assert response.status_code == 302, text_of(response)
        return self.get(response["Location"])

    def enter(self, code="", number=1, query="", *, secure=False):
        """Enter ``code``, or else the one that was sent last."""
        return self.post(f"/login/{number}/{query}", code=code or self.outbox[-1].code, secure=secure)

    def sign_in(self, phone="", query="", *, number=1, secure=False):
        self.ask(phone, query)
        response = self.enter(number=number, query=query, secure=secure)
        assert response.status_code == 302, text_of(response)
        return response

    @property
    def begun(self):
        """Return the begun sign-ins in the session."""
        return self.client.session.get("otp_app", [])

    def _seen(self, response):
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.content.decode()):
            self.token = found[1]
        elif settings.CSRF_COOKIE_NAME in response.cookies:  # a new one comes with a sign-in
            self.token = response.cookies[settings.CSRF_COOKIE_NAME].value
        return response


def text_of(response):
    """Return the text of a page on one line, hidden parts included."""
    inner = re.sub(r"(?s)<head>.*?</head>|<script.*?</script>|<[^>]+>", " ", response.content.decode())
    return " ".join(html.unescape(inner).split())
