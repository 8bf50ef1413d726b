"""POST /api/verify-otp/."""

import pytest
from django.contrib.auth import get_user_model

from otp_app.accounts import devices
from otp_app.models import ChallengeRow, Token
from otp_app.signals import signed_in
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db


def post(client, name, body):
    return client.post(f"/api/{name}/", body, content_type="application/json")


@pytest.fixture
def sent(client, outbox):
    """Return a phone, the id of its challenge and the code that was sent."""

    def send(phone=None):
        phone = phone or new_phone()
        challenge_id = post(client, "send-otp", {"phone": phone}).json()["challenge_id"]
        return phone, challenge_id, outbox[-1].code

    return send


def test_the_right_code_signs_in_and_the_answer_is_the_published_one(client, sent):
    phone, _, code = sent()
    response = post(client, "verify-otp", {"phone": phone, "otp": code})
    assert response.status_code == 200
    answer = response.json()
    token = answer.pop("token")
    assert devices.recognise(phone, answer.pop("device"))
    user = get_user_model().objects.get(phone=phone)
    assert answer == {
        "message": "OTP verified successfully",
        "expires_in": 2592000,
        "user": {"id": user.pk, "phone": phone, "is_new": True},
    }
    assert token.startswith("otp_")
    assert response["Cache-Control"] == "no-store"
    assert client.get("/api/me/", headers={"authorization": f"Bearer {token}"}).json() == {
        "id": user.pk,
        "phone": phone,
        "full_name": "",
        "language": "",
    }


def test_the_second_sign_in_is_the_same_user(client, sent):
    phone, challenge_id, code = sent()
    first = post(client, "verify-otp", {"phone": phone, "otp": code, "challenge_id": challenge_id}).json()
    _, _, code = sent(phone)
    second = post(client, "verify-otp", {"phone": phone, "otp": code}).json()
    assert second["user"] == {**first["user"], "is_new": False}
    assert second["token"] != first["token"]


def refused(response):
    return (response.status_code, response.json()["code"]) == (400, "invalid_or_expired_code")


def test_wrong_used_expired_unknown_and_exhausted_are_one_answer(client, sent, clock):
    answers = []
    phone, challenge_id, code = sent()
    answers.append(post(client, "verify-otp", {"phone": phone, "otp": other_than(code)}))
    post(client, "verify-otp", {"phone": phone, "otp": code})
    answers.append(post(client, "verify-otp", {"phone": phone, "otp": code, "challenge_id": challenge_id}))
    answers.append(post(client, "verify-otp", {"phone": new_phone(), "otp": code}))
    phone, challenge_id, code = sent()
    for _ in range(5):
        post(client, "verify-otp", {"phone": phone, "otp": other_than(code), "challenge_id": challenge_id})
    answers.append(post(client, "verify-otp", {"phone": phone, "otp": code, "challenge_id": challenge_id}))
    phone, challenge_id, code = sent()
    clock.advance(300)
    answers.append(post(client, "verify-otp", {"phone": phone, "otp": code, "challenge_id": challenge_id}))
    assert all(map(refused, answers))
    assert len({answer.content for answer in answers}) == 1
    assert Token.objects.count() == 1


def test_the_owner_with_the_id_gets_in_past_a_stranger_who_guesses_by_phone(client, sent):
    phone, challenge_id, code = sent()
    for _ in range(20):
        assert refused(post(client, "verify-otp", {"phone": phone, "otp": other_than(code)}))
    body = {"phone": phone, "otp": code, "challenge_id": challenge_id}
    assert post(client, "verify-otp", body).status_code == 200


def test_verification_by_phone_alone_can_be_turned_off(client, sent, settings):
    settings.OTP_REQUIRE_CHALLENGE_ID = True
    phone, challenge_id, code = sent()
    response = post(client, "verify-otp", {"phone": phone, "otp": code})
    assert response.json()["code"] == "invalid_request"
    assert "challenge_id" in response.json()["errors"]
    body = {"phone": phone, "otp": code, "challenge_id": challenge_id}
    assert post(client, "verify-otp", body).status_code == 200


def test_a_deactivated_user_gets_the_error_of_a_wrong_code_and_the_challenge_is_closed(client, sent):
    phone = new_phone()
    get_user_model().objects.create_user(phone, is_active=False)
    _, challenge_id, code = sent(phone)
    wrong = post(client, "verify-otp", {"phone": phone, "otp": other_than(code)})
    right = post(client, "verify-otp", {"phone": phone, "otp": code})
    assert refused(right)
    assert right.content == wrong.content
    assert ChallengeRow.objects.get(id=challenge_id).status == "approved"
    assert not Token.objects.exists()


@pytest.mark.parametrize(
    "otp", ["12345", "1234567", "", "12345a", "123 456", "１２３４５６", "١٢٣٤٥٦", "12345\n", "-12345"]
)
def test_what_is_not_six_ascii_digits_costs_no_check(client, sent, otp):
    phone, challenge_id, _ = sent()
    response = post(client, "verify-otp", {"phone": phone, "otp": otp})
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert list(response.json()["errors"]) == ["otp"]
    assert ChallengeRow.objects.get(id=challenge_id).checks_left == 5


def test_a_rotation_of_the_secret_key_keeps_codes_alive(client, sent, settings, outbox, clock):
    phone, challenge_id, code = sent()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 10, [settings.SECRET_KEY]
    clock.advance(60)
    post(client, "send-otp", {"phone": phone, "challenge_id": challenge_id})
    assert outbox[-1].code == code
    assert post(client, "verify-otp", {"phone": phone, "otp": code}).status_code == 200


def test_a_retired_key_ends_its_codes_and_its_resends_are_given_back(client, sent, settings, clock):
    phone, challenge_id, code = sent()
    settings.SECRET_KEY = "another" * 10
    clock.advance(60)
    response = post(client, "send-otp", {"phone": phone, "challenge_id": challenge_id})
    assert response.json()["code"] == "delivery_failed"
    assert refused(post(client, "verify-otp", {"phone": phone, "otp": code}))


def test_a_sign_in_tells_the_project(client, sent):
    heard = []

    def hear(**told):
        heard.append((told["user"].phone, told["is_new"], told["new_device"]))

    signed_in.connect(hear)
    phone, _, code = sent()
    post(client, "verify-otp", {"phone": phone, "otp": code})
    signed_in.disconnect(hear)
    assert heard == [(phone, True, False)]


def test_a_known_user_without_a_known_device_is_told_to_the_project(client, outbox, clock):
    heard = []

    def hear(**told):
        heard.append((told["is_new"], told["new_device"]))

    signed_in.connect(hear)
    phone, device = new_phone(), {}
    for known in ({}, {}, device):
        clock.advance(3600)
        post(client, "send-otp", {"phone": phone})
        answer = post(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code} | known)
        device["device"] = answer.json()["device"]
    signed_in.disconnect(hear)
    assert heard == [(True, False), (False, True), (False, False)]
