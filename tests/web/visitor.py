"""A browser without JavaScript, and who sits before it."""

import html
import re

from django.conf import settings
from django.test import Client

from tests.factories import new_phone


class Visitor:
    """It sends the CSRF token of the page it saw last, and the site looks for it.

    ``habits`` are the headers of each request, as ``HTTP_ACCEPT_LANGUAGE="uz"``.
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
        """Give the number; the page that asks for the code."""
        response = self.post(f"/login/{query}", phone=phone or self.phone, **fields)
        assert response.status_code == 302, text_of(response)
        return self.get(response["Location"])

    def enter(self, code="", number=1, query="", *, secure=False):
        """The code that came last, unless there is another."""
        return self.post(f"/login/{number}/{query}", code=code or self.outbox[-1].code, secure=secure)

    def sign_in(self, phone="", query="", *, number=1, secure=False):
        self.ask(phone, query)
        response = self.enter(number=number, query=query, secure=secure)
        assert response.status_code == 302, text_of(response)
        return response

    @property
    def begun(self):
        """What the session remembers of the sign-ins under way."""
        return self.client.session.get("otp_app", [])

    def _seen(self, response):
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', response.content.decode()):
            self.token = found[1]
        elif settings.CSRF_COOKIE_NAME in response.cookies:  # a new one comes with a sign-in
            self.token = response.cookies[settings.CSRF_COOKIE_NAME].value
        return response


def text_of(response):
    """What a person reads on a page, on one line. Hidden parts are read as well."""
    inner = re.sub(r"(?s)<head>.*?</head>|<script.*?</script>|<[^>]+>", " ", response.content.decode())
    return " ".join(html.unescape(inner).split())
