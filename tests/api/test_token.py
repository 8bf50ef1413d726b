"""POST /api/token/: a site gets a token for a person whom it sent to the hosted page."""

import json

import pytest
from django.contrib.auth import get_user_model

from otp_app.models import AuthorizationCode, Token, UserSession
from tests.sites import BACK, VERIFIER, answer_in, asked_by, new_site
from tests.web.visitor import Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return new_site()


@pytest.fixture
def visitor(outbox):
    return Visitor(outbox)


@pytest.fixture
def asked(site, visitor):
    """Return a valid request: the person has signed in, and the site has got a code."""
    address = visitor.sign_in(query=asked_by(site))["Location"]
    code = answer_in(address)["code"]
    return {"client": site.pk, "redirect_uri": BACK, "code": code, "code_verifier": VERIFIER}


def post(client, body, path="/api/token/", **how):
    return client.post(path, body, content_type="application/json", **how)


@pytest.mark.parametrize("path", ["/api/token/", "/api/token"])
def test_from_the_page_to_a_token_that_signs_in(client, asked, visitor, path):
    response = post(client, asked, path)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    answer = response.json()
    token = answer.pop("token")
    user = get_user_model().objects.get(phone=visitor.phone)
    assert answer == {"expires_in": 2592000, "user": {"id": user.pk, "phone": visitor.phone}}
    me = client.get("/api/me/", headers={"authorization": f"Bearer {token}"})
    assert me.json() == {"id": user.pk, "phone": visitor.phone, "full_name": "", "language": ""}


def test_the_page_itself_has_given_no_token_to_anybody(asked):
    assert not Token.objects.exists()


@pytest.mark.parametrize("name", ["client", "redirect_uri", "code", "code_verifier"])
def test_whatever_is_wrong_is_one_answer_and_the_code_is_gone_if_it_was_one(client, asked, name):
    wrong = post(client, asked | {name: "x" * 43})
    again = post(client, asked)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_or_expired_code")
    assert again.status_code == (200 if name == "code" else 400)


def test_a_code_is_good_once(client, asked):
    assert post(client, asked).status_code == 200
    second = post(client, asked)
    assert (second.status_code, second.json()["code"]) == (400, "invalid_or_expired_code")
    assert Token.objects.count() == 1


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], ["x"], {}, ""])
@pytest.mark.parametrize("name", ["client", "redirect_uri", "code", "code_verifier"])
def test_a_field_that_is_no_text_of_its_length_is_named_and_the_code_stays(client, asked, name, value):
    response = post(client, json.dumps(asked | {name: value}))
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert list(response.json()["errors"]) == [name]
    assert AuthorizationCode.objects.count() == 1


@pytest.mark.parametrize("name", ["client", "redirect_uri", "code", "code_verifier"])
def test_every_field_is_needed(client, asked, name):
    response = post(client, {key: value for key, value in asked.items() if key != name})
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [name]
    assert AuthorizationCode.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "longest"), [("client", 64), ("redirect_uri", 2048), ("code", 64), ("code_verifier", 128)]
)
def test_each_field_has_a_longest_length(client, asked, name, longest):
    assert post(client, asked | {name: "x" * longest}).json()["code"] == "invalid_or_expired_code"
    assert list(post(client, asked | {name: "x" * (longest + 1)}).json()["errors"]) == [name]


@pytest.mark.parametrize("more", [{"client_secret": "x"}, {"grant_type": "authorization_code"}, {"phone": "x"}])
def test_a_field_that_is_not_known_is_refused_and_the_code_stays(client, asked, more):
    response = post(client, asked | more)
    assert response.json()["errors"] == {next(iter(more)): ["This field is unknown."]}
    assert AuthorizationCode.objects.count() == 1


def test_a_form_is_no_json(client, asked):
    response = client.post("/api/token/", asked)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert AuthorizationCode.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_other_methods_are_405(client, method):
    assert getattr(client, method)("/api/token/").status_code == 405


def test_a_code_expires_by_the_clock(client, clock, asked):
    clock.advance(60)
    assert post(client, asked).json()["code"] == "invalid_or_expired_code"


def test_the_token_of_a_site_counts_among_the_sessions_of_which_the_oldest_goes(client, asked, visitor, settings):
    settings.OTP_MAX_SESSIONS = 1
    token = post(client, asked).json()["token"]
    assert client.get("/api/me/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert not UserSession.objects.exists()  # the browser's, which was begun before
