"""docs/confirmations.md: its settings, requests, message and views do what the page says."""

import json
import re

import pytest
from django.test import RequestFactory
from django.utils.translation import override

from otp_app import tokens
from otp_app.accounts import confirmations
from otp_app.challenges.policies import policy_for
from tests.factories import new_phone
from tests.programs import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "confirmations.md").read_text(encoding="utf-8")
SETTINGS, VIEWS = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
(BODY,) = re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE)
(MESSAGE,) = re.findall(r"(?ms)^```text\n(.*?)^```$", PAGE)


def names_of(code):
    names = {}
    exec(compile(code, "<docs/confirmations.md>", "exec"), names)  # noqa: S102  (our own page)
    return names


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def bearer(user, settings):
    settings.OTP_POLICIES = names_of(SETTINGS)["OTP_POLICIES"]
    return {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}


@pytest.fixture
def confirm(client, bearer, outbox):
    def make(body):
        sent = client.post("/api/confirm/", body, content_type="application/json", headers=bearer).json()
        answer = {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
        return client.post("/api/confirm/verify/", answer, content_type="application/json", headers=bearer).json()

    return make


def test_the_payment_of_the_page_is_confirmed_and_paid_once(confirm, bearer, outbox):
    body = json.loads(BODY)
    confirmed = confirm(body)
    assert outbox[-1].body == MESSAGE.strip().replace("123456", outbox[-1].code)
    assert confirmed["expires_in"] == confirmations.LIFE_SECONDS
    view = names_of(VIEWS)["PaymentView"].as_view()
    headers = {**bearer, "otp-confirmation": confirmed["confirmation"], "amount": body["context"]["amount"]}
    assert view(RequestFactory().post("/", headers=headers | {"amount": "9 UZS"})).status_code == 403
    assert view(RequestFactory().post("/", headers=headers)).data == {"paid": "1 200 000 UZS"}
    assert view(RequestFactory().post("/", headers=headers)).data["purpose"] == "payment"


def test_the_decorated_view_of_the_page_runs_once(confirm, user):
    assert policy_for("erase").ttl == 120
    value = confirm({"purpose": "erase"})["confirmation"]
    request = RequestFactory().post("/", headers={"otp-confirmation": value})
    request.user = user
    erase = names_of(VIEWS)["erase"]
    assert json.loads(erase(request).content) == {"erased": True}
    with override("en"):
        assert erase(request).status_code == 403
