"""The front door, for callers in Python."""

import pytest
from django.db import transaction

from otp_app import devices, services, stores
from otp_app.challenges import Status, random_id
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, InvalidPhone, Limited, OtpError, Unavailable
from otp_app.models import ChallengeRow, Token
from otp_app.policies import policy_for
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db


def test_a_code_for_one_purpose_is_none_for_another(outbox):
    phone = new_phone()
    challenge_id = services.send_code(phone=phone, purpose="change_phone").challenge.id
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=outbox[-1].code, challenge_id=challenge_id)
    approved = services.verify_code(phone=phone, code=outbox[-1].code, purpose="change_phone")
    assert approved.id == challenge_id


def test_a_purpose_has_its_own_numbers(settings, outbox):
    settings.OTP_POLICIES = {"transfer": {"length": 8, "ttl": 120, "checks": 3, "sends": 1}}
    grant = services.send_code(phone=new_phone(), purpose="transfer")
    assert (grant.expires_in, grant.challenge.checks_left, grant.challenge.sends_left) == (120, 3, 0)
    assert len(outbox[-1].code) == 8


def test_an_undeclared_purpose_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="unknown purpose 'logn'"):
        policy_for("logn")


def test_a_wrong_code_is_an_error_and_the_check_stays_spent(outbox):
    phone = new_phone()
    challenge = services.send_code(phone=phone).challenge
    with pytest.raises(InvalidOrExpiredCode):
        services.verify_code(phone=phone, code=other_than(outbox[-1].code), challenge_id=challenge.id)
    assert stores.current().get(challenge.id).checks_left == 4


@pytest.mark.parametrize("challenge_id", ["", "x", "0" * 31, "G" * 32, "0" * 32 + "\n"])
def test_what_is_no_id_is_no_open_challenge(challenge_id):
    for call in (
        lambda: services.send_code(phone=new_phone(), challenge_id=challenge_id),
        lambda: services.verify_code(phone=new_phone(), code="123456", challenge_id=challenge_id),
        lambda: services.cancel(challenge_id=challenge_id),
    ):
        with pytest.raises(InvalidOrExpiredCode):
            call()


def test_a_canceled_challenge_answers_to_no_code(outbox):
    phone = new_phone()
    challenge_id = services.send_code(phone=phone).challenge.id
    assert services.cancel(challenge_id=challenge_id)
    assert not services.cancel(challenge_id=challenge_id)
    assert not services.cancel(challenge_id=random_id())
    with pytest.raises(InvalidOrExpiredCode):
        services.verify_code(phone=phone, code=outbox[-1].code, challenge_id=challenge_id)


def test_own_code_without_a_client_is_not_limited_by_client(settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    services.send_code(phone=new_phone())
    services.send_code(phone=new_phone())


@pytest.mark.django_db(transaction=True)
def test_a_service_inside_a_transaction_names_the_mistake(outbox):
    phone = new_phone()
    services.send_code(phone=phone)
    for call in (
        lambda: services.send_code(phone=new_phone()),
        lambda: services.verify_code(phone=phone, code=outbox[-1].code),
    ):
        with transaction.atomic(), pytest.raises(InsideTransaction, match="non_atomic_requests"):
            call()
    assert ChallengeRow.objects.get().status == Status.PENDING


def test_an_error_is_told_by_its_code():
    assert str(InvalidPhone()) == "invalid_phone"
    assert isinstance(InvalidPhone(), OtpError)


def test_a_known_device_is_not_kept_from_checking_by_its_neighbours(settings, outbox, each_store):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    phone, client = new_phone(), "192.0.2.1"
    services.send_code(phone=phone)
    device = services.sign_in(phone=phone, code=outbox[-1].code).device
    neighbour = new_phone()
    services.send_code(phone=neighbour)
    with pytest.raises(InvalidOrExpiredCode):
        services.verify_code(phone=neighbour, code=other_than(outbox[-1].code), client=client)
    with pytest.raises(Limited):
        services.verify_code(phone=neighbour, code=outbox[-1].code, client=client)
    services.send_code(phone=phone, client=client, device=device)
    assert services.verify_code(phone=phone, code=outbox[-1].code, client=client, device=device).device


def test_signing_out_everywhere_fails_as_a_whole_and_can_be_asked_for_again(outbox, monkeypatch, each_store):
    phone = new_phone()
    services.send_code(phone=phone)
    done = services.sign_in(phone=phone, code=outbox[-1].code)

    def fail():
        raise Unavailable

    monkeypatch.setattr(each_store, "now", fail, raising=False)
    with pytest.raises(Unavailable):
        services.sign_out_everywhere(user=done.user)
    monkeypatch.undo()
    assert Token.objects.filter(user=done.user).exists()
    services.sign_out_everywhere(user=done.user)
    assert not Token.objects.filter(user=done.user).exists()
    assert devices.recognise(phone, done.device) == ""
