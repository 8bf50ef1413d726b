"""docs/factors.md: its requests do what the page says."""

import json
import re

import pytest

from otp_app import tokens
from otp_app.accounts import events
from tests.factories import new_phone
from tests.factors.test_authenticators import code_of, enrolled
from tests.programs import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "factors.md").read_text(encoding="utf-8")
PROOF, BEGIN = map(json.loads, re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE))
ADDRESSES = re.findall(r"(?m)^(GET|POST|DELETE) +(/api/\S+)", PAGE)


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def ask(client, user):
    headers = {"authorization": f"Bearer {tokens.current().issue(user, None).token}"}

    def request(method, path, body=None):
        given = [] if method == "GET" else [body or {}]
        return getattr(client, method.lower())(path, *given, content_type="application/json", headers=headers)

    return request


def test_the_payment_of_the_page_is_confirmed_by_the_authenticator(ask, user, settings):
    settings.OTP_POLICIES = {"payment": {}}
    factor, _ = enrolled(user)
    begun = ask("POST", "/api/confirm/", BEGIN).json()
    proof = {"factor": PROOF["factor"] | {"answer": code_of(factor, 1)}}
    confirmed = ask("POST", "/api/confirm/verify/", proof | {"challenge_id": begun["challenge_id"]})
    assert confirmed.json()["expires_in"] == 600


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_each_address_is_there(ask, method, path):
    assert ask(method, path).status_code in (200, 400, 403)


def test_each_event_of_factors_is_named():
    kinds = [kind for kind in events.Kind if re.match("authenticator|recovery_code|email", kind)]
    assert [kind for kind in kinds if f"`{kind}`" not in PAGE] == []
