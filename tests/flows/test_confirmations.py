"""Confirmations: a code for one purpose and context, and the value that it is changed into, which works once."""

import pytest

from otp_app import services
from otp_app.accounts import confirmations as kept
from otp_app.challenges import codes
from otp_app.delivery import sweeper
from otp_app.errors import ChannelNotOffered, InvalidOrExpiredCode, InvalidRequest, Limited, Unavailable
from otp_app.flows import confirmations
from otp_app.models import Confirmation
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = pytest.mark.django_db

CONTEXT = {"amount": "1 200 000 UZS", "payee": "Choyxona"}
PURPOSES = ("change_phone", "erase", "payment")
STORES = pytest.mark.usefixtures("each_store")


@pytest.fixture(autouse=True)
def declared(settings):
    settings.OTP_POLICIES = {"payment": {}, "erase": {}, "login": {}}


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


def send(user, purpose="payment", context=CONTEXT):
    return confirmations.send(user=user, purpose=purpose, context=context).challenge


def verify(user, challenge, code=None):
    named = {"challenge_id": challenge.id, "code": code or codes.code_for(challenge)}
    return confirmations.verify(user=user, **named)


def confirm(user, purpose="payment", context=CONTEXT):
    return verify(user, send(user, purpose, context))


# the code


@STORES
@pytest.mark.django_db(transaction=True)
def test_the_message_goes_to_the_own_number_and_shows_what_is_confirmed(user, outbox):
    challenge = send(user)
    (message,) = outbox
    assert (message.to, message.channel) == (user.phone, "sms")
    assert message.body.endswith("\n1 200 000 UZS, Choyxona")
    assert verify(user, challenge, message.code)


def test_a_code_works_once(user):
    challenge = send(user)
    verify(user, challenge)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)


def test_a_wrong_code_is_wrong(user):
    challenge = send(user)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge, other_than(codes.code_for(challenge)))
    assert verify(user, challenge)


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "１２３４５６"])
def test_a_mistyped_code_costs_no_check(user, code):
    challenge = send(user)
    with pytest.raises(InvalidRequest) as refused:
        verify(user, challenge, code)
    assert refused.value.errors == {"otp": ["This must be 6 digits."]}
    assert services.state(challenge_id=challenge.id).checks_left == challenge.checks_left


def test_each_purpose_has_codes_of_its_own_length(user, settings):
    settings.OTP_POLICIES = {"payment": {"length": 8}}
    challenge = send(user)
    assert len(codes.code_for(challenge)) == 8
    assert verify(user, challenge)


@pytest.mark.parametrize("other", [{"amount": "9 200 000 UZS", "payee": "Choyxona"}, CONTEXT | {"payee": "Makro"}, {}])
def test_a_changed_context_in_the_table_makes_the_right_code_wrong(user, other):
    challenge = send(user)
    Confirmation.objects.update(context=kept.contexts.encoded(other))
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)


def test_the_code_depends_on_user_purpose_and_context_and_on_nothing_shown(user, django_user_model):
    other = django_user_model.objects.create_user(new_phone())
    nonce = "0" * 32
    asked = [
        (user, "payment", "{}"),
        (user, "erase", "{}"),
        (user, "payment", '{"amount": "5"}'),
        (other, "payment", "{}"),
    ]
    begun = {kept.begin(*each, nonce) for each in asked}
    assert len(begun) == len(asked)


def test_no_message_shows_a_context_that_is_not_the_codes(user, outbox, monkeypatch):
    begin = kept.begin

    def begin_and_change(*args):
        challenge_id = begin(*args)
        Confirmation.objects.update(context='{"amount": "1 UZS"}')
        return challenge_id

    monkeypatch.setattr(kept, "begin", begin_and_change)
    with pytest.raises(InvalidOrExpiredCode):
        send(user)
    assert not outbox


def test_a_code_from_before_a_rotation_of_the_key_is_right_after_it(user, settings):
    challenge = send(user)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, " + 50 * "y"
    assert verify(user, challenge)


def test_another_users_challenge_is_unknown_and_loses_no_check(user, django_user_model):
    challenge = send(user)
    with pytest.raises(InvalidOrExpiredCode):
        verify(django_user_model.objects.create_user(new_phone()), challenge)
    assert services.state(challenge_id=challenge.id).checks_left == challenge.checks_left


@pytest.mark.parametrize("challenge_id", ["", "x", "0" * 32])
def test_an_unknown_challenge_is_refused(user, challenge_id):
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(user=user, challenge_id=challenge_id, code="123456")


@pytest.mark.parametrize("purpose", ["login", "unheard_of", ""])
def test_a_purpose_that_nobody_declared_is_refused_and_so_is_the_sign_in(user, purpose):
    with pytest.raises(InvalidRequest) as refused:
        send(user, purpose)
    assert refused.value.errors == {"purpose": ["This purpose is unknown."]}


def test_a_user_without_a_phone_is_told_so(user):
    user.phone = None
    with pytest.raises(InvalidRequest) as refused:
        send(user)
    assert refused.value.errors == {"phone": ["Your account has no phone number."]}


def test_the_limits_of_sends_hold_and_a_refused_send_leaves_no_row(user):
    send(user)
    with pytest.raises(Limited):
        send(user)
    assert Confirmation.objects.count() == 1


def test_a_send_whose_fate_is_unknown_keeps_its_row(user, monkeypatch):
    def fail(**_):
        raise Unavailable

    monkeypatch.setattr(services, "send_code", fail)
    with pytest.raises(Unavailable):
        send(user)
    assert Confirmation.objects.count() == 1


def test_where_there_is_no_route_for_sms_nothing_is_sent(user, settings):
    settings.OTP_ROUTES = {"*": {"call": ["memory"]}}
    with pytest.raises(ChannelNotOffered):
        send(user)


# the value


@STORES
@pytest.mark.django_db(transaction=True)
def test_a_value_is_used_once(user):
    value = confirm(user)
    assert kept.use(user, "payment", value)
    assert not kept.use(user, "payment", value)


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_once_one_counts(user):
    value = confirm(user)
    assert race(lambda _: kept.use(user, "payment", value), 16).count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_answers_at_once_one_gets_a_value(user):
    challenge = send(user)
    code = codes.code_for(challenge)
    results = race(lambda _: verify(user, challenge, code), 4)
    assert sum(isinstance(each, str) for each in results) == 1
    assert sum(isinstance(each, InvalidOrExpiredCode) for each in results) == 3


def test_who_was_overtaken_after_the_code_gets_no_second_value(user):
    row = kept.open_for(user, send(user).id)
    kept.confirm(row)
    with pytest.raises(InvalidOrExpiredCode):
        kept.confirm(row)


def test_a_value_ends_ten_minutes_after_the_code(user, clock):
    value = confirm(user)
    clock.advance(599)
    assert kept.use(user, "payment", value)
    clock.advance(3600)
    late = confirm(user)
    clock.advance(601)
    assert not kept.use(user, "payment", late)


def test_a_value_is_of_one_user_and_context_and_a_refusal_does_not_use_it_up(user, django_user_model):
    value = confirm(user)
    assert not kept.use(django_user_model.objects.create_user(new_phone()), "payment", value)
    assert not kept.use(user, "payment", value, CONTEXT | {"amount": "1 UZS"})
    assert not kept.use(user, "payment", value + "x")
    assert kept.use(user, "payment", value, CONTEXT)


def test_the_table_holds_neither_value_nor_code(user):
    challenge = send(user)
    value = verify(user, challenge)
    row = repr(Confirmation.objects.values_list().get())
    assert value not in row
    assert codes.code_for(challenge) not in row
    assert str(Confirmation.objects.get()) == f"payment {user.pk}"


def test_confirmations_are_purged_after_a_day(user, clock):
    send(user)
    clock.advance(23 * 3600)
    sweeper.purge()
    assert Confirmation.objects.exists()
    clock.advance(2 * 3600)
    sweeper.purge()
    assert not Confirmation.objects.exists()


# purpose by purpose


@pytest.mark.parametrize("other", [*PURPOSES, "login"])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_challenge_of_one_purpose_is_none_for_another(user, purpose, other):
    challenge = send(user, purpose, {})
    named = {"phone": user.phone, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    if other == purpose:
        assert services.verify_code(**named, purpose=other).id == challenge.id
    else:
        with pytest.raises(InvalidOrExpiredCode):
            services.verify_code(**named, purpose=other)


@pytest.mark.parametrize("other", PURPOSES)
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_value_of_one_purpose_is_none_for_another(user, purpose, other):
    value = confirm(user, purpose, {})
    assert kept.use(user, other, value) is (other == purpose)


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_no_confirmation_signs_anybody_in(user, purpose, with_id):
    challenge = send(user, purpose, {})
    named = {"challenge_id": challenge.id} if with_id else {}
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=user.phone, code=codes.code_for(challenge), **named)


def test_no_sign_in_confirms_anything(user):
    challenge = services.send_code(phone=user.phone).challenge
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)
    services.sign_in(phone=user.phone, code=codes.code_for(challenge), challenge_id=challenge.id)
    assert not Confirmation.objects.exists()


@STORES
@pytest.mark.django_db(transaction=True)
def test_what_a_factor_shall_answer_writes_at_most_a_hundred_rows_a_day(user, clock, monkeypatch):
    monkeypatch.setattr(confirmations.factors, "is_held", lambda user, by: by == "authenticator")
    monkeypatch.setattr(confirmations.factors, "offer", lambda *_: {})
    asked = {"user": user, "purpose": "payment", "context": CONTEXT}
    with pytest.raises(InvalidRequest):  # which costs nothing
        confirmations.begin(**asked, by="passkey")
    for _ in range(100):
        confirmations.begin(**asked, by="authenticator")
    with pytest.raises(Limited):
        confirmations.begin(**asked, by="authenticator")
    assert Confirmation.objects.count() == 100
    clock.advance(25 * 3600)
    assert confirmations.begin(**asked, by="authenticator")["challenge_id"]
