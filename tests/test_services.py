"""The front door, for callers in Python."""

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import transaction

from otp_app import services, stores
from otp_app.accounts import devices
from otp_app.challenges import Status, random_id
from otp_app.challenges.policies import extended_ttl, policy_for
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, InvalidPhone, Limited, OtpError, Unavailable
from otp_app.models import ChallengeRow, Token
from otp_app.signals import signed_in
from otp_app.tokens.session import SessionTokens
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


def test_a_receiver_that_fails_undoes_no_sign_in_and_its_error_is_logged(client, outbox, caplog):
    def fail(**_):
        raise LookupError("of the receiver")

    phone, seen = new_phone(), []

    def see(user, is_new, **_):
        seen.append((user.phone, is_new))

    signed_in.connect(fail)
    signed_in.connect(see)
    try:
        services.send_code(phone=phone)
        body = {"phone": phone, "otp": outbox[-1].code}
        response = client.post("/api/verify-otp/", body, content_type="application/json")
    finally:
        signed_in.disconnect(fail)
        signed_in.disconnect(see)
    assert (response.status_code, seen) == (200, [(phone, True)])
    token = {"authorization": f"Bearer {response.json()['token']}"}
    assert client.get("/api/me/", headers=token).json()["phone"] == phone
    (record,) = [each for each in caplog.records if each.name == "django.dispatch"]
    assert (record.levelname, record.exc_info[0]) == ("ERROR", LookupError)


@pytest.mark.parametrize("challenge_id", ["", "x", "0" * 31, "G" * 32, "0" * 32 + "\n"])
def test_what_is_no_id_is_no_open_challenge(challenge_id):
    for call in (
        lambda: services.send_code(phone=new_phone(), challenge_id=challenge_id),
        lambda: services.verify_code(phone=new_phone(), code="123456", challenge_id=challenge_id),
        lambda: services.cancel(challenge_id=challenge_id),
        lambda: services.extend(challenge_id=challenge_id),
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
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
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


@pytest.mark.parametrize(("ttl", "whole"), [(60, 120), (300, 600), (450, 600), (600, 600)])
def test_a_challenge_may_live_twice_as_long_but_never_longer_than_nist_allows(settings, ttl, whole):
    settings.OTP_POLICIES = {"transfer": {"ttl": ttl}}
    assert extended_ttl("transfer") == whole


def test_more_time_is_given_once_and_changes_nothing_else(outbox, clock, each_store):
    phone = new_phone()
    challenge = services.send_code(phone=phone).challenge
    services.extend(challenge_id=challenge.id)
    state = services.state(challenge_id=challenge.id)
    assert 540 < state.expires_in <= 600
    assert (state.checks_left, state.sends_left) == (5, 2)
    with pytest.raises(InvalidOrExpiredCode):
        services.extend(challenge_id=challenge.id)
    clock.advance(540)
    assert services.verify_code(phone=phone, code=outbox[-1].code, challenge_id=challenge.id)


def test_the_time_is_that_of_the_challenges_own_purpose(settings, each_store):
    settings.OTP_POLICIES = {"transfer": {"ttl": 60}}
    challenge = services.send_code(phone=new_phone(), purpose="transfer").challenge
    services.extend(challenge_id=challenge.id)
    assert services.state(challenge_id=challenge.id).expires_in in range(90, 121)


def test_there_is_no_more_time_for_what_is_over_or_was_never_there(clock, each_store):
    expired = services.send_code(phone=new_phone()).challenge.id
    clock.advance(300)
    canceled = services.send_code(phone=new_phone()).challenge.id
    services.cancel(challenge_id=canceled)
    for challenge_id in (expired, canceled, random_id()):
        with pytest.raises(InvalidOrExpiredCode):
            services.extend(challenge_id=challenge_id)


@pytest.fixture
def signed_in_by_page(outbox, rf):
    """The session of somebody who signed in on the hosted page."""

    def sign_in(phone):
        request = rf.get("/")
        SessionMiddleware(lambda _: None).process_request(request)
        challenge_id = services.send_code(phone=phone).challenge.id
        code = {"code": outbox[-1].code, "challenge_id": challenge_id}
        services.sign_in(phone=phone, **code, request=request, backend=SessionTokens())
        return request

    return sign_in


@pytest.mark.parametrize("backend", ["opaque.OpaqueTokens", "session.SessionTokens"])
def test_signing_out_everywhere_ends_the_sessions_of_the_page_whatever_clients_get(
    signed_in_by_page, settings, backend
):
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{backend}"
    phone = new_phone()
    theirs, others = signed_in_by_page(phone), signed_in_by_page(new_phone())
    user = SessionTokens().authenticate(theirs)
    assert user.phone == phone
    services.sign_out_everywhere(user=user)
    assert SessionTokens().authenticate(theirs) is None
    assert SessionTokens().authenticate(others) is not None
