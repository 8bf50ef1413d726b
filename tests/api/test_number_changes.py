"""POST /api/phone/ and /api/phone/verify/."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import tokens
from otp_app.accounts import devices
from otp_app.models import NumberChange, Token
from tests import members
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def post(client, user):
    """Post as the user."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}

    def send(path, body=None, **headers):
        return client.post(path, body or {}, content_type="application/json", headers=bearer | headers)

    return send


@pytest.fixture
def confirmed(post, outbox):
    def make(phone):
        sent = post("/api/confirm/", {"purpose": "change_phone", "context": {"text": phone}}).json()
        answer = {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
        return {"phone": phone, "confirmation": post("/api/confirm/verify/", answer).json()["confirmation"]}

    return make


@pytest.fixture
def proven(post, confirmed, outbox):
    """Return the right answer of the code to a new number."""

    def make(phone):
        sent = post("/api/phone/", confirmed(phone)).json()
        return {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}

    return make


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_person_changes_the_number(client, post, user, confirmed, outbox, slash):
    phone = new_phone()
    sent = post(f"/api/phone{slash}", confirmed(phone))
    challenge_id = NumberChange.objects.get().pk.hex
    assert sent.json() == {
        "message": "OTP sent successfully",
        "challenge_id": challenge_id,
        "expires_in": 300,
        "resend_in": 60,
        "phone": phone,
    }
    changed = post(f"/api/phone/verify{slash}", {"challenge_id": challenge_id, "otp": outbox[-1].code})
    assert changed["Cache-Control"] == "no-store"
    assert changed.json()["user"] == {"id": user.pk, "phone": phone}
    assert devices.recognise(phone, changed.json()["device"])
    user.refresh_from_db()
    assert user.phone == phone


def test_other_sessions_go_on_unless_they_are_to_end(post, user, proven, settings):
    settings.OTP_WAITS = ()
    tokens.current().issue(user, None)
    assert post("/api/phone/verify/", proven(new_phone()) | {"end_others": False}).status_code == 200
    assert Token.objects.count() == 2


def test_other_sessions_end_where_that_is_asked_for_and_this_one_does_not(post, user, proven):
    other = tokens.current().issue(user, None).token
    assert post("/api/phone/verify/", proven(new_phone()) | {"end_others": True}).status_code == 200
    assert tokens.authenticate(other) is None
    assert Token.objects.count() == 1


@pytest.mark.parametrize("address", ["/api/phone/", "/api/phone/verify/"])
def test_whoever_has_not_signed_in_changes_nothing(client, address):
    assert client.post(address, {}, content_type="application/json").status_code == 401


def test_without_a_confirmation_the_answer_says_for_what_one_is_wanted(post):
    refused = post("/api/phone/", {"phone": new_phone()})
    assert (refused.status_code, refused.json()["purpose"]) == (403, "change_phone")


@pytest.mark.parametrize(
    ("address", "body", "member"),
    [
        ("/api/phone/", {}, "phone"),
        ("/api/phone/", {"phone": "+998901234567", "confirmation": 5}, "confirmation"),
        ("/api/phone/", {"phone": "+998901234567", "second": True}, "second"),
        ("/api/phone/verify/", {"otp": "123456"}, "challenge_id"),
        ("/api/phone/verify/", {"challenge_id": "x", "otp": "12345"}, "otp"),
        ("/api/phone/verify/", {"challenge_id": "x", "otp": "123456", "end_others": 1}, "end_others"),
        ("/api/phone/verify/", {"challenge_id": "x", "otp": "123456", "end_others": None}, "end_others"),
    ],
)
def test_what_is_not_of_the_form_is_named(post, address, body, member):
    refused = post(address, body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert set(refused.json()["errors"]) == {member}


def test_the_code_has_as_many_digits_as_its_purpose_says(post, proven, settings):
    settings.OTP_POLICIES = {"new_phone": {"length": 8}}
    answer = proven(new_phone())
    assert len(answer["otp"]) == 8
    assert post("/api/phone/verify/", answer).status_code == 200


def test_a_wrong_code_is_answered_as_everywhere(post, proven):
    answer = proven(new_phone())
    refused = post("/api/phone/verify/", answer | {"otp": other_than(answer["otp"])})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")


def test_the_same_request_under_an_idempotency_key_sends_one_message(post, confirmed, outbox):
    body = confirmed(new_phone())
    sent = len(outbox)
    first, again = (post("/api/phone/", body, idempotency_key="k1") for _ in range(2))
    assert first.status_code == 200
    assert first.content == again.content
    assert len(outbox) == sent + 1


def test_the_same_code_is_sent_again(post, proven, outbox, settings):
    settings.OTP_WAITS = ()
    answer = proven(phone := new_phone())
    again = post("/api/phone/", {"phone": phone, "challenge_id": answer["challenge_id"]})
    assert again.json()["challenge_id"] == answer["challenge_id"]
    assert outbox[-1].code == answer["otp"]


@pytest.mark.parametrize("sign_up", ["open", "invited"])
def test_until_the_code_came_a_taken_number_is_answered_as_a_free_one(
    post, confirmed, django_user_model, outbox, settings, sign_up
):
    settings.OTP_ACCOUNTS, settings.OTP_SIGN_UP = members.path(members.Guests), sign_up
    settings.OTP_WAITS = ()
    free, taken, closed = (new_phone() for _ in range(3))
    django_user_model.objects.create_user(taken)
    django_user_model.objects.create_user(closed, is_active=False)
    answers = []
    for phone in (free, taken, closed):
        body, sent = confirmed(phone), len(outbox)
        with CaptureQueriesContext(connection) as queries:
            answer = post("/api/phone/", body)
        assert len(outbox) == sent + 1
        told = answer.json()
        wrong = post("/api/phone/verify/", {"challenge_id": told["challenge_id"], "otp": other_than(outbox[-1].code)})
        shape = answer.content.replace(told["challenge_id"].encode(), b"").replace(phone.encode(), b"")
        answers.append((answer.status_code, shape, sorted(answer.headers.items()), len(queries), wrong.content))
    assert answers[0] == answers[1] == answers[2]


def test_who_has_proven_a_taken_number_is_told_so(post, proven, django_user_model):
    django_user_model.objects.create_user(taken := new_phone())
    refused = post("/api/phone/verify/", proven(taken))
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_taken")
    assert refused.json()["detail"] == "This number belongs to another account."


def test_whoever_signs_up_with_a_number_that_its_owner_may_take_back_is_told_so(
    client, post, user, proven, outbox, settings
):
    settings.OTP_WAITS, old = (), user.phone
    post("/api/phone/verify/", proven(new_phone()))
    client.post("/api/send-otp/", {"phone": old}, content_type="application/json")
    body = {"phone": old, "otp": outbox[-1].code}
    refused = client.post("/api/verify-otp/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_taken")
    assert refused["Retry-After"] == str(refused.json()["retry_after"])


def test_for_a_day_the_new_number_does_not_confirm_the_next_change(post, proven, settings):
    settings.OTP_WAITS = ()
    post("/api/phone/verify/", proven(new_phone()))
    refused = post("/api/confirm/", {"purpose": "change_phone"})
    assert (refused.status_code, refused.json()["code"]) == (403, "number_too_new")
    assert refused.json()["purpose"] == "change_phone"
    assert refused["Retry-After"] == str(refused.json()["retry_after"])
    assert refused.json()["detail"].startswith("Your phone number was changed a short time ago. Try again in 24 hours.")
