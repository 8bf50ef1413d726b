"""Secrets that no page, session or address may hold, and what another site's form cannot do."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver

from otp_app.models import ChallengeRow, Counter
from tests.sites import asked_by, new_site
from tests.web.visitor import Visitor

pytestmark = pytest.mark.django_db

# Each address with a form that would do something for a person who is signed in, or is about to be.
FORMS = [
    ("/login/", {"phone": "+998901112244"}),
    ("/login/", {"language": "ru"}),
    ("/login/1/", {"code": "right"}),
    ("/login/code/", {"phone": "own", "code": "right"}),
    ("/login/1/send/", {}),
    ("/login/1/extend/", {}),
    ("/account/continue/", {}),
    ("/account/sign-out/", {}),
    ("/account/sign-out-everywhere/", {}),
]


def _everything():
    """Return all rows that a request could change in the database."""
    return [list(model.objects.order_by("pk").values()) for model in (ChallengeRow, Counter, get_user_model())]


@pytest.mark.parametrize(("path", "fields"), FORMS)
@pytest.mark.parametrize("token", ["none", "of another browser"])
def test_a_form_of_another_site_changes_nothing_and_sends_nothing(visitor, outbox, clock, path, fields, token):
    """Login CSRF too: a hidden form cannot sign a person in to another account."""
    visitor.ask()
    if path.startswith("/account"):
        visitor.enter()
    clock.advance(60)
    if token == "of another browser":
        attacker = Visitor(outbox)
        attacker.get()
        fields = fields | {"csrfmiddlewaretoken": attacker.token}
    known = {"right": outbox[-1].code, "own": visitor.phone}
    fields = {name: known.get(value, value) for name, value in fields.items()}
    before, session, sent = _everything(), dict(visitor.client.session), len(outbox)
    response = visitor.client.post(path, fields)
    assert response.status_code == 403
    assert "django_language" not in response.cookies
    assert (_everything(), dict(visitor.client.session), len(outbox)) == (before, session, sent)


def test_the_token_of_one_browser_with_its_cookie_planted_is_of_no_use_over_tls(visitor, outbox):
    """An attacker on the network may plant cookies, but cannot forge the Origin of a request."""
    visitor.get(secure=True)
    fields = {"phone": visitor.phone, "csrfmiddlewaretoken": visitor.token}
    response = visitor.client.post("/login/", fields, secure=True, headers={"origin": "https://evil.example"})
    assert response.status_code == 403
    assert outbox == []


def test_a_project_without_the_middleware_is_protected_all_the_same(visitor, settings, outbox):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name.lower()]
    response = Client(enforce_csrf_checks=True).post("/login/", {"phone": visitor.phone})
    assert response.status_code == 403
    assert outbox == []


def test_the_code_stands_on_no_page_and_not_in_the_session(visitor, clock, settings):
    settings.OTP_CODE_LENGTH = 10  # so that a code that is found somewhere is not there by chance
    pages = [visitor.ask()]
    code = visitor.outbox[-1].code
    clock.advance(60)
    visitor.post("/login/1/send/")
    pages += [visitor.get("/login/1/"), visitor.get("/login/1/state/"), visitor.get(), visitor.get("/account/")]
    pages += [visitor.enter("99" + code), visitor.post("/login/1/send/")]
    sessions = [str(dict(visitor.client.session))]
    pages += [visitor.enter(code), visitor.get("/account/"), visitor.get()]
    sessions.append(str(dict(visitor.client.session)))
    for page in pages:
        assert code not in page.content.decode() + str(dict(page.headers))
    assert all(code not in session for session in sessions)


def test_the_id_of_a_challenge_stands_in_no_address_page_or_cookie(visitor, clock):
    query = asked_by(new_site())
    pages = [visitor.post("/login/" + query, phone=visitor.phone)]
    challenge = visitor.begun[0]["challenge_id"]
    clock.advance(60)
    pages += [visitor.get("/login/1/" + query), visitor.get("/login/1/state/"), visitor.post("/login/1/extend/")]
    pages += [visitor.post("/login/1/send/" + query), visitor.enter("1"), visitor.enter(query=query)]
    for page in pages:
        shown = page.content.decode() + str(dict(page.headers)) + page.cookies.output()
        assert challenge not in shown


def test_a_session_of_somebody_else_leads_to_no_sign_in_under_way(visitor, outbox):
    visitor.ask()
    other = Visitor(outbox)
    for step in ("", "state/"):
        assert other.get(f"/login/1/{step}").status_code in (302, 404)
    assert other.enter()["Location"] == "/login/"
    assert "_auth_user_id" not in other.client.session


def test_every_address_of_the_page_is_out_of_a_transaction_of_the_request():
    """Otherwise the rollback of an error would give a spent check back."""
    (found,) = [entry for entry in get_resolver().url_patterns if getattr(entry, "app_name", "") == "otp_web"]
    assert len(found.url_patterns) == 12
    for entry in found.url_patterns:
        assert entry.callback._non_atomic_requests == {"default"}, entry.name
