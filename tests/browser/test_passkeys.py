"""Passkeys of a real browser, by the lines of docs/passkeys.md on a page of the service's own origin."""

import re

import pytest

from tests.browser.authenticators import VirtualAuthenticator
from tests.programs import ROOT
from tests.service.conftest import UNREACHED_LIMITS, surprises
from tests.service.running import running
from tests.service.talking import code_of, get, phone, post, send, verify

ORIGIN = "http://localhost:8000"  # whatever the port of the service is
(LINES,) = re.findall(r"(?ms)^```js\n(.*?)^```$", (ROOT / "docs" / "passkeys.md").read_text(encoding="utf-8"))
PAGE = f"<!doctype html><title>Passkeys</title><script>{LINES}</script>"


@pytest.fixture(scope="module")
def passkey_service(tmp_path_factory):
    party = {"OTP_PASSKEY_RP_ID": "localhost", "OTP_PASSKEY_ORIGINS": ORIGIN}
    with running(tmp_path_factory.mktemp("passkeys"), **UNREACHED_LIMITS | party) as started:
        yield started
        assert surprises(started) == []


class Visitor:
    """Hold a page of the origin, and an authenticator of the browser's."""

    def __init__(self, service, context):
        self.page = context.new_page()
        context.route(f"{ORIGIN}/**", lambda route: self._answer(route, service))
        self.page.goto(f"{ORIGIN}/passkeys.html")
        self.authenticator = VirtualAuthenticator(self.page)

    def _answer(self, route, service):
        if route.request.url.endswith("/passkeys.html"):
            route.fulfill(body=PAGE, content_type="text/html")
        else:
            address = route.request.url.replace(ORIGIN, f"http://127.0.0.1:{service.port}")
            route.fulfill(response=route.fetch(url=address))

    def run(self, call, *arguments):
        """Return what a function of the page's ``passkeys`` returns, or the text of its error."""
        tried = f"try {{ return await passkeys.{call}(...given) }} catch (error) {{ return error.message }}"
        return self.page.evaluate(f"async (given) => {{ {tried} }}", list(arguments))


@pytest.fixture
def visitor(passkey_service, chromium):
    with chromium.new_context() as context:
        yield Visitor(passkey_service, context)


@pytest.fixture
def signed_in(passkey_service):
    """Return the number and the token of somebody new."""
    number = phone()
    sent = send(passkey_service, number).json
    token = verify(passkey_service, number, code_of(passkey_service, sent["challenge_id"])).json["token"]
    return number, token


def confirmation(service, token):
    service.clock.advance(60)  # the code of the sign-in was sent a moment ago
    headers = {"Authorization": f"Bearer {token}"}
    sent = post(service, "/api/confirm/", {"purpose": "add_passkey"}, headers=headers).json
    body = {"challenge_id": sent["challenge_id"], "otp": code_of(service, sent["challenge_id"])}
    return post(service, "/api/confirm/verify/", body, headers=headers).json["confirmation"]


def test_a_browser_adds_a_passkey_and_signs_in_by_it_without_a_name(visitor, passkey_service, signed_in):
    number, token = signed_in
    assert visitor.run("supported")
    added = visitor.run("add", token, confirmation(passkey_service, token), "laptop")
    assert (added["name"], added["used_at"]) == ("laptop", None)
    (held,) = visitor.authenticator.held()
    assert (held["rpId"], held["userName"]) == ("localhost", number[:-6] + "••••••")
    for _ in range(2):
        answer = visitor.run("signIn")
        assert answer["user"]["phone"] == number
    me = get(passkey_service, "/api/me/", headers={"Authorization": f"Bearer {answer['token']}"})
    assert me.json["phone"] == number


def test_a_browser_answers_a_confirmation_and_makes_no_second_passkey(visitor, passkey_service, signed_in):
    _, token = signed_in
    headers = {"Authorization": f"Bearer {token}"}
    visitor.run("add", token, confirmation(passkey_service, token), "laptop")
    begun = post(passkey_service, "/api/confirm/", {"purpose": "add_passkey", "by": "passkey"}, headers=headers).json
    factor = {"by": "passkey", "answer": visitor.run("sign", begun["options"])}
    body = {"challenge_id": begun["challenge_id"], "factor": factor}
    value = post(passkey_service, "/api/confirm/verify/", body, headers=headers).json["confirmation"]
    assert "already registered" in visitor.run("add", token, value, "laptop")
    assert len(visitor.authenticator.held()) == 1


def test_a_browser_whose_person_was_not_verified_signs_nobody_in(visitor, passkey_service, signed_in):
    _, token = signed_in
    visitor.run("add", token, confirmation(passkey_service, token), "laptop")
    visitor.authenticator.send("setUserVerified", isUserVerified=False)
    assert "not allowed" in visitor.run("signIn")


def test_a_copy_of_a_passkey_is_refused(visitor, passkey_service, signed_in):
    _, token = signed_in
    visitor.run("add", token, confirmation(passkey_service, token), "laptop")
    (copied,) = visitor.authenticator.held()
    assert visitor.run("signIn")["token"]
    visitor.authenticator.send("clearCredentials")
    visitor.authenticator.send("addCredential", credential=copied)
    assert visitor.run("signIn") == "invalid_or_expired_code"
