"""/api/second-phone/ and /api/second-phone/verify/, and confirmations by the second number."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import tokens
from otp_app.accounts import confirmations, events, second_phones
from otp_app.challenges import random_id
from otp_app.models import NumberChange, SecondPhone
from tests import members
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db

ADDRESS = "/api/second-phone/"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def ask(client, user):
    """Ask as the user, with a confirmation in the header where one is named."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}

    def request(method, path=ADDRESS, body=None, confirmed="", **headers):
        if confirmed:
            headers["otp-confirmation"] = value_of(user, confirmed)
        given = [] if method == "get" else [body or {}]
        return getattr(client, method)(path, *given, content_type="application/json", headers=bearer | headers)

    return request


def value_of(user, purpose, context="{}"):
    row = confirmations.open_for(user, confirmations.begin(user, purpose, context, random_id()))
    return confirmations.confirm(row)


@pytest.fixture
def confirmed(user):
    def make(phone):
        return {"phone": phone, "confirmation": value_of(user, "add_second_phone", f'{{"text": "{phone}"}}')}

    return make


@pytest.fixture
def proven(ask, confirmed, outbox):
    """Return the right answer of the code to a second number."""

    def make(phone):
        sent = ask("post", body=confirmed(phone)).json()
        return {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}

    return make


@pytest.fixture
def owned(user):
    """A second number that is not new."""
    second_phones.keep(user, phone := new_phone(), random_id(), None)
    SecondPhone.objects.update(verified_at=1)
    return phone


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_person_adds_a_second_number(ask, user, confirmed, outbox, slash):
    first, phone = user.phone, new_phone()
    assert ask("get", f"/api/second-phone{slash}").json() == {"phone": ""}
    sent = ask("post", f"/api/second-phone{slash}", confirmed(phone))
    challenge_id = NumberChange.objects.get().pk.hex
    assert sent.json() == {
        "message": "OTP sent successfully",
        "challenge_id": challenge_id,
        "expires_in": 300,
        "resend_in": 60,
        "phone": phone,
    }
    added = ask("post", f"/api/second-phone/verify{slash}", {"challenge_id": challenge_id, "otp": outbox[-1].code})
    assert added["Cache-Control"] == "no-store"
    assert added.json() == ask("get").json() == {"phone": phone}
    assert outbox[-1].to == first
    assert outbox[-1].body == "OTP: a second phone number was added to your account. Not you? Remove it."
    user.refresh_from_db()
    assert user.phone == first
    assert ask("get", "/api/me/").json()["phone"] == first


def test_the_whole_way_by_the_first_number_names_the_second_in_its_message(ask, outbox):
    phone = new_phone()
    asked = ask("post", "/api/confirm/", {"purpose": "add_second_phone", "context": {"text": phone}}).json()
    text = "adds a second phone number to your account, valid for 5 min. Never share it."
    assert outbox[-1].body == f"OTP: {outbox[-1].code} {text}\n{phone}"
    answer = {"challenge_id": asked["challenge_id"], "otp": outbox[-1].code}
    value = ask("post", "/api/confirm/verify/", answer).json()["confirmation"]
    assert ask("post", body={"phone": phone, "confirmation": value}).status_code == 200


def test_without_a_confirmation_the_answer_says_for_what_one_is_wanted(ask, outbox):
    refused = ask("post", body={"phone": new_phone()})
    assert (refused.status_code, refused.json()["purpose"]) == (403, "add_second_phone")
    refused = ask("delete")
    assert (refused.status_code, refused.json()["purpose"]) == (403, "remove_second_phone")
    assert not outbox


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_whoever_has_not_signed_in_sees_and_changes_nothing(client, method):
    assert getattr(client, method)(ADDRESS, content_type="application/json").status_code == 401
    assert client.post(f"{ADDRESS}verify/", {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    ("address", "body", "member"),
    [
        ("", {}, "phone"),
        ("", {"phone": "+998901234567", "confirmation": 5}, "confirmation"),
        ("", {"phone": "+998901234567", "second": True}, "second"),
        ("verify/", {"otp": "123456"}, "challenge_id"),
        ("verify/", {"challenge_id": "x", "otp": "12345"}, "otp"),
        ("verify/", {"challenge_id": "x", "otp": "123456", "end_others": True}, "end_others"),
    ],
)
def test_what_is_not_of_the_form_is_named(ask, address, body, member):
    refused = ask("post", f"{ADDRESS}{address}", body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert set(refused.json()["errors"]) == {member}


def test_a_wrong_code_is_answered_as_everywhere(ask, proven):
    answer = proven(new_phone())
    refused = ask("post", f"{ADDRESS}verify/", answer | {"otp": other_than(answer["otp"])})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")


def test_the_same_request_under_an_idempotency_key_sends_one_message(ask, confirmed, outbox):
    body = confirmed(new_phone())
    first, again = (ask("post", body=body, idempotency_key="k1") for _ in range(2))
    assert first.status_code == 200
    assert first.content == again.content
    assert len(outbox) == 1


def test_the_same_code_is_sent_again(ask, proven, outbox, settings):
    settings.OTP_WAITS = ()
    answer = proven(phone := new_phone())
    again = ask("post", body={"phone": phone, "challenge_id": answer["challenge_id"]})
    assert again.json()["challenge_id"] == answer["challenge_id"]
    assert outbox[-1].code == answer["otp"]


@pytest.mark.parametrize("sign_up", ["open", "invited"])
def test_until_the_code_came_a_taken_number_is_answered_as_a_free_one(
    ask, confirmed, django_user_model, outbox, settings, sign_up
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
            answer = ask("post", body=body)
        assert len(outbox) == sent + 1
        told = answer.json()
        wrong = {"challenge_id": told["challenge_id"], "otp": other_than(outbox[-1].code)}
        refused = ask("post", f"{ADDRESS}verify/", wrong)
        shape = answer.content.replace(told["challenge_id"].encode(), b"").replace(phone.encode(), b"")
        answers.append((answer.status_code, shape, sorted(answer.headers.items()), len(queries), refused.content))
    assert answers[0] == answers[1] == answers[2]


def test_who_has_proven_a_taken_number_is_told_so(ask, proven, django_user_model):
    django_user_model.objects.create_user(taken := new_phone())
    refused = ask("post", f"{ADDRESS}verify/", proven(taken))
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_taken")
    assert ask("get").json() == {"phone": ""}


def test_it_can_be_removed_once_with_a_confirmation_of_that(ask, user, owned, outbox):
    assert ask("delete", confirmed="add_second_phone").status_code == 403
    assert ask("delete", confirmed="remove_second_phone").status_code == 204
    assert ask("delete", confirmed="remove_second_phone").json()["code"] == "not_found"
    assert ask("get").json() == {"phone": ""}
    assert [event.kind for event in events.of(user)] == ["second_phone_removed", "second_phone_added"]
    assert [message.to for message in outbox] == [owned]


# confirmations by it


def test_a_confirmation_by_it_is_a_send_to_it_and_is_verified_as_any(ask, user, owned, outbox):
    body = {"purpose": "change_phone", "context": {"text": (phone := new_phone())}, "by": "second_phone"}
    first, again = (ask("post", "/api/confirm/", body, idempotency_key="k1") for _ in range(2))
    assert set(first.json()) == {"message", "challenge_id", "expires_in", "resend_in"}
    assert first.content == again.content
    assert [message.to for message in outbox] == [owned]
    answer = {"challenge_id": first.json()["challenge_id"], "otp": outbox[-1].code}
    value = ask("post", "/api/confirm/verify/", answer).json()["confirmation"]
    sent = ask("post", "/api/phone/", {"phone": phone, "confirmation": value}).json()
    proof = {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
    assert ask("post", "/api/phone/verify/", proof).json()["user"] == {"id": user.pk, "phone": phone}


def test_for_a_day_the_answer_says_how_long_it_has_to_wait(ask, user):
    second_phones.keep(user, new_phone(), random_id(), None)
    refused = ask("post", "/api/confirm/", {"purpose": "change_phone", "by": "second_phone"})
    assert (refused.status_code, refused.json()["code"]) == (403, "number_too_new")
    assert refused.json()["purpose"] == "change_phone"
    assert refused["Retry-After"] == str(refused.json()["retry_after"])
    assert refused.json()["detail"].startswith("Your second phone number was added a short time ago. Try again in 24")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "У вашей учётной записи нет второго номера телефона."),
        ("uz", "Hisobingizda ikkinchi telefon raqami yoʻq."),
    ],
)
def test_who_has_none_is_told_so_in_the_persons_language(ask, language, text):
    body = {"purpose": "change_phone", "by": "second_phone"}
    refused = ask("post", "/api/confirm/", body, **{"accept-language": language})
    assert (refused.status_code, refused.json()["errors"]) == (400, {"by": [text]})


def test_no_code_to_it_signs_anybody_in(client, ask, owned, outbox):
    ask("post", "/api/confirm/", {"purpose": "change_phone", "by": "second_phone"})
    body = {"phone": owned, "otp": outbox[-1].code}
    refused = client.post("/api/verify-otp/", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")
