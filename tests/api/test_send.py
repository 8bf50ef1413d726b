"""POST /api/send-otp/."""

import phonenumbers
import pytest

from otp_app.models import ChallengeRow, Delivery
from otp_app.phones import test_numbers
from otp_app.providers.base import NotAccepted, Rejected, Unknown
from otp_app.providers.memory import MemoryProvider
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def send(client, body, **headers):
    return client.post("/api/send-otp/", body, content_type="application/json", headers=headers)


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes the provider raise a given error."""

    def fail(error):
        def send(self, message):
            raise error

        monkeypatch.setattr(MemoryProvider, "send", send)

    return fail


def test_a_code_is_sent_and_the_answer_is_the_published_one(client, outbox):
    phone = new_phone()
    response = send(client, {"phone": phone})
    assert response.status_code == 200
    challenge_id = ChallengeRow.objects.get(phone=phone).id.hex
    assert response.json() == {
        "message": "OTP sent successfully",
        "challenge_id": challenge_id,
        "expires_in": 300,
        "resend_in": 60,
        "phone": phone,
    }
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    (message,) = outbox
    assert (message.to, message.reference, message.channel) == (phone, challenge_id, "sms")
    assert message.code in message.body


def test_the_address_without_the_closing_slash_is_the_same(client, outbox):
    response = client.post("/api/send-otp", {"phone": new_phone()}, content_type="application/json")
    assert response.status_code == 200
    assert len(outbox) == 1


def test_every_spelling_of_a_number_is_one_number(client, outbox):
    assert send(client, {"phone": "+998 (90) 765-43-21"}).status_code == 200
    for spelling in ("+998907654321", "+998.90.765.43.21", "+998-90-7654321"):
        assert send(client, {"phone": spelling}).json()["code"] == "limited"
    assert [message.to for message in outbox] == ["+998907654321"]


def test_the_answer_shows_how_a_number_of_the_only_served_country_was_understood(client, outbox, settings):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    assert send(client, {"phone": "90 123 45 67"}).json()["phone"] == "+998901234567"
    answer = {"phone": "tel:00998901234567", "otp": outbox[-1].code}
    verified = client.post("/api/verify-otp/", answer, content_type="application/json").json()
    assert verified["user"]["phone"] == "+998901234567"


def test_a_second_send_waits_and_the_answer_says_how_long(client):
    phone = new_phone()
    send(client, {"phone": phone})
    response = send(client, {"phone": phone})
    assert response.status_code == 429
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["code"] == "limited"
    assert problem["status"] == 429
    assert response["Retry-After"] == str(problem["retry_after"])
    assert 30 < problem["retry_after"] <= 60


def test_the_same_code_is_sent_again_by_its_id(client, outbox, clock):
    phone = new_phone()
    challenge_id = send(client, {"phone": phone}).json()["challenge_id"]
    clock.advance(60)
    answer = send(client, {"phone": phone, "challenge_id": challenge_id}).json()
    assert answer["challenge_id"] == challenge_id
    assert 210 <= answer["expires_in"] <= 240
    assert answer["resend_in"] == 120
    assert outbox[0].code == outbox[1].code


def test_a_new_challenge_has_a_new_code(client, outbox, clock):
    phone = new_phone()
    first = send(client, {"phone": phone}).json()["challenge_id"]
    clock.advance(60)
    assert send(client, {"phone": phone}).json()["challenge_id"] != first
    assert outbox[0].code != outbox[1].code


@pytest.mark.parametrize("asked", ["0" * 32, "no id at all", "A" * 32, "é" * 32])
def test_an_id_that_is_not_open_is_refused(client, outbox, asked):
    response = send(client, {"phone": new_phone(), "challenge_id": asked})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_or_expired_code")
    assert outbox == []


def test_another_phones_id_is_refused_like_an_unknown_one(client, outbox, clock):
    challenge_id = send(client, {"phone": new_phone()}).json()["challenge_id"]
    clock.advance(60)
    response = send(client, {"phone": new_phone(), "challenge_id": challenge_id})
    assert response.json()["code"] == "invalid_or_expired_code"
    assert len(outbox) == 1


@pytest.mark.parametrize(
    ("phone", "code"),
    [
        ("", "invalid_phone"),
        ("901234567", "invalid_phone"),
        ("+998", "invalid_phone"),
        ("+998712345678", "invalid_phone"),
        ("+19005551234", "invalid_phone"),
        ("+870773111632", "region_not_allowed"),
    ],
)
def test_what_is_no_phone_that_receives_texts_is_refused(client, outbox, phone, code):
    response = send(client, {"phone": phone})
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert outbox == []


def test_a_country_that_is_not_served_is_refused(client, settings, outbox):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    response = send(client, {"phone": "+77012345678"})
    assert (response.status_code, response.json()["code"]) == (400, "region_not_allowed")
    assert outbox == []


def test_the_message_and_the_error_are_in_the_clients_language(client, outbox):
    phone = new_phone()
    send(client, {"phone": phone}, accept_language="fr, ru-RU;q=0.9, en;q=0.8")
    assert outbox[0].language == "ru"
    refused = send(client, {"phone": phone}, accept_language="ru").json()
    assert any("а" <= char <= "я" for char in refused["detail"])
    assert any("а" <= char <= "я" for char in refused["title"])
    assert refused["code"] == "limited"


def test_a_rejected_number_is_told_given_back_and_for_a_day_not_tried_again(client, failing, outbox, clock):
    failing(Rejected("21211"))
    phone = new_phone()
    answers = []
    for _ in range(2):
        response = send(client, {"phone": phone})
        assert (response.status_code, response.json()["code"]) == (400, "undeliverable_phone")
        answers.append((response.content, sorted(response.headers.items())))
    assert answers[0] == answers[1]
    assert set(ChallengeRow.objects.values_list("status", flat=True)) == {"canceled"}
    told = Delivery.objects.order_by("pk").values_list("status", "provider", "error")
    assert list(told) == [("failed", "memory", "21211"), ("failed", "", "suppressed")]
    clock.advance(24 * 3600 + 1)
    assert send(client, {"phone": phone}).status_code == 400
    assert Delivery.objects.latest("pk").error == "21211"


def test_a_send_that_surely_failed_is_told_with_when_to_try_again(client, failing):
    failing(NotAccepted("20429"))
    phone = new_phone()
    for _ in range(2):
        response = send(client, {"phone": phone})
        assert (response.status_code, response.json()["code"]) == (503, "delivery_failed")
        assert int(response["Retry-After"]) == response.json()["retry_after"] > 0


def test_failed_sends_are_not_given_back_to_the_client(client, failing, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
    failing(Rejected("21211"))
    codes = [send(client, {"phone": new_phone()}).json()["code"] for _ in range(3)]
    assert codes == ["undeliverable_phone", "undeliverable_phone", "limited"]


def test_a_lost_reply_is_no_error_for_the_person_may_have_the_message(client, failing):
    failing(Unknown("ReadTimeout"))
    phone = new_phone()
    assert send(client, {"phone": phone}).status_code == 200
    assert Delivery.objects.get().status == "unknown"
    assert send(client, {"phone": phone}).json()["code"] == "limited"


def test_a_failed_resend_leaves_the_challenge_open(client, failing, outbox, clock):
    phone = new_phone()
    challenge_id = send(client, {"phone": phone}).json()["challenge_id"]
    code = outbox[0].code
    clock.advance(60)
    failing(NotAccepted("503"))
    assert send(client, {"phone": phone, "challenge_id": challenge_id}).status_code == 503
    body = {"phone": phone, "otp": code, "challenge_id": challenge_id}
    assert client.post("/api/verify-otp/", body, content_type="application/json").status_code == 200


def test_who_has_an_account_cannot_be_told_from_the_answer(client, django_user_model, outbox):
    phones = [new_phone(), new_phone(), new_phone()]
    django_user_model.objects.create_user(phones[0])
    django_user_model.objects.create_user(phones[1], is_active=False)
    answers = [send(client, {"phone": phone}) for phone in phones]
    own = [(answer.json()["challenge_id"], answer.json()["phone"]) for answer in answers]
    assert [phone for _, phone in own] == phones
    bodies = [
        answer.content.decode().replace(id_, "").replace(phone, "")
        for answer, (id_, phone) in zip(answers, own, strict=True)
    ]
    assert len(set(bodies)) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert len(outbox) == 3


@pytest.fixture
def asked(monkeypatch):
    """Count the calls of each function that looks a number up."""
    counts = {}

    def count(module, name):
        real = getattr(module, name)

        def counting(*args, **options):
            counts[name] = counts.get(name, 0) + 1
            return real(*args, **options)

        monkeypatch.setattr(module, name, counting)

    count(phonenumbers, "parse")
    count(phonenumbers, "region_code_for_number")
    count(test_numbers, "code_of")
    return counts


@pytest.mark.parametrize("space", ["", " "])
def test_a_number_is_read_once_and_looked_for_among_the_test_numbers_twice(client, outbox, asked, space):
    phone = new_phone()
    assert send(client, {"phone": phone[:4] + space + phone[4:]}).status_code == 200
    assert [message.to for message in outbox] == [phone]
    assert asked["parse"] == 1
    assert asked["region_code_for_number"] == 1
    assert asked["code_of"] <= 2  # when it is read, and when the code is made
