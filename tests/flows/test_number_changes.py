"""The change of a number: the codes and who must prove what, the change, and its undoing from the old number."""

import pytest
from django.test import RequestFactory
from django.utils import timezone

from otp_app import accounts, notifications, services, stores, tokens
from otp_app.accounts import authorization_codes, contexts, devices, events
from otp_app.accounts import confirmations as kept
from otp_app.challenges import codes, random_id
from otp_app.delivery import sweeper
from otp_app.errors import (
    ConfirmationRequired,
    InvalidOrExpiredCode,
    InvalidRequest,
    Limited,
    NumberTooNew,
    PhoneTaken,
    Unavailable,
    UserNotChanged,
)
from otp_app.flows import confirmations, number_changes
from otp_app.models import (
    Authenticator,
    AuthorizationCode,
    EmailAddress,
    NumberChange,
    Passkey,
    RecoveryCode,
    Token,
)
from otp_app.signals import phone_changed
from tests import members
from tests.factories import new_phone, other_than
from tests.races import race
from tests.sites import new_site, requested

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture(autouse=True)
def no_waits(settings):
    settings.OTP_WAITS = ()


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def notices(monkeypatch):
    """The notifications that were sent, as (kind, phone, subject)."""
    sent = []
    monkeypatch.setattr(
        notifications, "send", lambda user, kind, *, phone="", subject="", **_: sent.append((kind, phone, subject))
    )
    return sent


def confirm(user, phone):
    challenge = confirmations.send(user=user, purpose="change_phone", context={"text": phone}).challenge
    return confirmations.verify(user=user, challenge_id=challenge.id, code=codes.code_for(challenge))


def send(user, phone, confirmation=None):
    confirmation = confirm(user, phone) if confirmation is None else confirmation
    return number_changes.send(user=user, phone=phone, confirmation=confirmation).challenge


def verify(user, challenge, code=None, **more):
    return number_changes.verify(user=user, challenge_id=challenge.id, code=code or codes.code_for(challenge), **more)


def change(user, phone):
    """Change the number, and return the id of the change."""
    challenge = send(user, phone)
    verify(user, challenge)
    user.refresh_from_db()
    return challenge.id


def sign_in(phone):
    challenge = services.send_code(phone=phone).challenge
    return services.sign_in(phone=phone, code=codes.code_for(challenge), challenge_id=challenge.id)


def undo(change_id):
    return number_changes.undo(change_id=change_id)


# the codes


@pytest.mark.usefixtures("each_store")
@pytest.mark.django_db(transaction=True)
def test_a_confirmation_by_the_old_number_and_a_code_to_the_new_one_change_the_number(user, outbox):
    old, new = user.phone, new_phone()
    challenge = send(user, new)
    assert [message.to for message in outbox] == [old, new]
    assert outbox[0].body.endswith(f"\n{new}")
    changed, phone, _ = verify(user, challenge)
    user.refresh_from_db()
    assert changed == user
    assert user.phone == phone == new
    assert sign_in(new).user == user


@pytest.mark.parametrize("value", ["", "x"])
def test_without_a_confirmation_no_code_is_sent(user, outbox, value):
    with pytest.raises(ConfirmationRequired) as refused:
        send(user, new_phone(), value)
    assert refused.value.purpose == "change_phone"
    assert not outbox
    assert not NumberChange.objects.exists()


def test_a_confirmation_is_of_one_new_number_and_works_once(user):
    value = confirm(user, phone := new_phone())
    with pytest.raises(ConfirmationRequired):
        send(user, new_phone(), value)
    send(user, phone, value)
    with pytest.raises(ConfirmationRequired):
        send(user, phone, value)


def test_a_refused_send_gives_the_confirmation_back_and_leaves_no_row(user, settings):
    value, settings.OTP_WAITS = confirm(user, phone := new_phone()), (60,)
    services.send_code(phone=phone)
    with pytest.raises(Limited):
        send(user, phone, value)
    assert not NumberChange.objects.exists()
    settings.OTP_WAITS = ()
    assert send(user, phone, value)


def test_a_send_whose_fate_is_unknown_keeps_its_row(user, monkeypatch):
    value = confirm(user, phone := new_phone())

    def fail(**_):
        raise Unavailable

    monkeypatch.setattr(services, "send_code", fail)
    with pytest.raises(Unavailable):
        send(user, phone, value)
    assert NumberChange.objects.count() == 1


def test_the_same_code_is_sent_again_by_its_id(user, outbox, django_user_model):
    challenge = send(user, phone := new_phone())
    number_changes.send(user=user, phone=phone, challenge_id=challenge.id)
    assert outbox[-1].code == outbox[-2].code
    other = django_user_model.objects.create_user(new_phone())
    for asked in ({"user": other, "phone": phone}, {"user": user, "phone": new_phone()}):
        with pytest.raises(InvalidOrExpiredCode):
            number_changes.send(**asked, challenge_id=challenge.id)


def test_the_own_number_is_no_new_one(user):
    with pytest.raises(InvalidRequest) as refused:
        send(user, user.phone, "x")
    assert refused.value.errors == {"phone": ["This is your number already."]}


def test_a_new_number_gets_its_code_where_nobody_may_sign_up(user, settings, outbox):
    settings.OTP_SIGN_UP = "closed"
    change(user, phone := new_phone())
    assert user.phone == phone
    assert phone in [message.to for message in outbox]


def test_a_number_that_the_admin_changes_meanwhile_is_no_longer_the_one_that_confirmed(user, django_user_model):
    challenge = send(user, new_phone())
    django_user_model.objects.update(phone=(given := new_phone()))
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)
    user.refresh_from_db()
    assert user.phone == given


def test_a_challenge_of_another_user_or_none_is_unknown(user, django_user_model):
    challenge = send(user, new_phone())
    other = django_user_model.objects.create_user(new_phone())
    for asked in ((other, challenge.id), (user, "0" * 32), (user, "x")):
        with pytest.raises(InvalidOrExpiredCode):
            number_changes.verify(user=asked[0], challenge_id=asked[1], code=codes.code_for(challenge))
    verify(user, challenge)


def test_a_wrong_code_changes_nothing_and_the_right_one_works_once(user):
    old, challenge = user.phone, send(user, new_phone())
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge, other_than(codes.code_for(challenge)))
    user.refresh_from_db()
    assert user.phone == old
    verify(user, challenge)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)


def test_a_code_to_the_new_number_signs_nobody_in_and_confirms_nothing(user):
    challenge = send(user, phone := new_phone())
    code = codes.code_for(challenge)
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=code, challenge_id=challenge.id)
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=code)
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(user=user, challenge_id=challenge.id, code=code)


@pytest.mark.parametrize("purpose", ["login", "change_phone"])
def test_no_other_code_to_the_new_number_proves_it(user, purpose):
    phone = new_phone()
    send(user, phone)
    other = services.send_code(phone=phone, purpose=purpose).challenge
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, other)


def test_the_proof_of_a_new_number_is_no_purpose_to_confirm(user, settings):
    settings.OTP_POLICIES = {"new_phone": {"ttl": 120}}
    with pytest.raises(InvalidRequest):
        confirmations.send(user=user, purpose="new_phone", context={})
    assert send(user, new_phone()).ttl == 120


# a user without a number


@pytest.fixture
def emailed(django_user_model, monkeypatch):
    """A user whose number is empty."""
    user = django_user_model.objects.create_user(new_phone())
    django_user_model.objects.update(phone="")
    user.refresh_from_db()
    return user


def request_of(user):
    issued = tokens.current().issue(user, None)
    return RequestFactory().post("/", headers={"authorization": f"Bearer {issued.token}"})


def test_a_user_without_a_number_adds_one_from_a_fresh_session(emailed, notices, clock):
    request, phone = request_of(emailed), new_phone()
    challenge = number_changes.send(user=emailed, phone=phone, request=request).challenge
    verify(emailed, challenge)
    emailed.refresh_from_db()
    assert emailed.phone == phone
    assert notices == []


def test_an_old_session_adds_no_number_though_the_user_has_a_fresh_one_elsewhere(emailed, clock):
    request, phone = request_of(emailed), new_phone()
    clock.advance(number_changes.FRESH_SECONDS + 1)
    request_of(emailed)
    for asked in (request, None):
        with pytest.raises(ConfirmationRequired):
            number_changes.send(user=emailed, phone=phone, request=asked)


def test_a_fresh_session_is_no_confirmation_for_whoever_has_a_number(user):
    with pytest.raises(ConfirmationRequired):
        number_changes.send(user=user, phone=new_phone(), request=request_of(user))


def test_whoever_has_a_factor_confirms_the_first_number_by_it(emailed):
    """A token that was stolen a minute after the sign-in would else give the account a number of the thief's."""
    request, phone = request_of(emailed), new_phone()
    own_factors(emailed)
    with pytest.raises(ConfirmationRequired):
        number_changes.send(user=emailed, phone=phone, request=request)
    begun = kept.begin(emailed, "change_phone", contexts.encoded({"text": phone}), random_id(), "authenticator")
    assert send(emailed, phone, kept.confirm(kept.open_for(emailed, begun)))


def test_nobody_takes_back_a_number_that_there_was_not(emailed):
    phone = new_phone()
    challenge = number_changes.send(user=emailed, phone=phone, request=request_of(emailed)).challenge
    verify(emailed, challenge)
    with pytest.raises(InvalidOrExpiredCode):
        undo(challenge.id)


# the change


def test_the_old_number_is_told_and_its_devices_and_what_was_begun_end(user, notices, clock):
    old, token = user.phone, tokens.current().issue(user, None)
    device = sign_in(old).device
    other = confirm(user, new_phone())
    begun = send(user, new_phone())
    change_id = change(user, new_phone())
    assert notices == [("number_changed", old, change_id)]
    assert devices.recognise(old, device) == ""
    assert not kept.use(user, "change_phone", other)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, begun)
    assert tokens.authenticate(token.token) == user
    assert events.of(user)[0].kind == "number_changed"


def test_the_device_is_known_with_the_new_number(user):
    challenge = send(user, phone := new_phone())
    _, _, device = verify(user, challenge)
    assert devices.recognise(phone, device)


def test_codes_for_other_sites_end(user):
    authorization_codes.issue(requested(new_site()), user)
    change(user, new_phone())
    assert not AuthorizationCode.objects.exists()


def test_a_signal_and_the_accounts_are_told(user, monkeypatch):
    told, changed, old, phone = [], [], user.phone, new_phone()

    def receive(sender, user, old, new, request, **_):
        told.append((user, old, new))

    phone_changed.connect(receive)
    monkeypatch.setattr(accounts.Accounts, "changed", lambda _, *facts: changed.append(facts))
    change_id = change(user, phone)
    assert told == changed == [(user, old, phone)]
    undo(change_id)
    assert told[1:] == changed[1:] == [(user, phone, old)]
    phone_changed.disconnect(receive)


def test_the_number_of_whoever_is_erased_meanwhile_is_not_changed(user, monkeypatch):
    challenge = send(user, new_phone())
    verify_code = number_changes.verify_code

    def slowly(*args):
        type(user).objects.all().delete()
        return verify_code(*args)

    monkeypatch.setattr(number_changes, "verify_code", slowly)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge)


def test_a_taken_number_is_told_to_who_has_proven_it_only(user, django_user_model, outbox):
    taken = django_user_model.objects.create_user(new_phone())
    challenge = send(user, taken.phone)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, challenge, other_than(codes.code_for(challenge)))
    with pytest.raises(PhoneTaken):
        verify(user, challenge)
    user.refresh_from_db()
    assert user.phone != taken.phone
    assert not NumberChange.objects.exclude(changed_at=None).exists()


def test_a_number_that_somebody_takes_meanwhile_is_taken(user, django_user_model, monkeypatch):
    challenge = send(user, phone := new_phone())
    django_user_model.objects.create_user(phone)
    find, seen = accounts.Accounts.find, []

    def late(self, phone, request):
        seen.append(phone)
        return find(self, phone, request) if len(seen) > 1 else None  # as if an admin had just added the other

    monkeypatch.setattr(accounts.Accounts, "find", late)
    with pytest.raises(PhoneTaken):
        verify(user, challenge)
    assert len(seen) == 2


def test_a_number_that_the_model_refuses_is_a_mistake_of_the_program(user, monkeypatch):
    challenge = send(user, phone := new_phone())

    def refuse(self, user, phone):
        raise accounts.REFUSALS[0](f"not {phone}")

    monkeypatch.setattr(accounts.Accounts, "set_phone", refuse)
    with pytest.raises(UserNotChanged) as refused:
        verify(user, challenge)
    assert phone not in str(refused.value)


def test_accounts_that_write_where_they_do_not_read_change_nothing(user, settings):
    old, user.full_name = user.phone, user.phone
    user.save()
    settings.OTP_ACCOUNTS = members.path(members.Mislaying)
    challenge = send(user, new_phone())
    with pytest.raises(UserNotChanged):
        verify(user, challenge)
    user.refresh_from_db()
    assert user.phone == user.full_name == old


# the old number


def test_the_old_number_takes_itself_back_and_all_sessions_end(user, clock):
    old, token, phone = user.phone, tokens.current().issue(user, None), new_phone()
    change_id = change(user, phone)
    thief = sign_in(phone)
    assert thief.user == user
    value = kept.confirm(kept.open_for(user, kept.begin(user, "delete_account", "{}", "0" * 32)))
    assert undo(change_id)
    user.refresh_from_db()
    assert user.phone == old
    assert not Token.objects.exists()
    assert not tokens.authenticate(token.token)
    assert not kept.use(user, "delete_account", value)
    assert devices.recognise(phone, thief.device) == ""
    assert events.of(user)[0].kind == "number_restored"
    assert sign_in(old).user == user
    assert sign_in(phone).is_new


def own_factors(user):
    """Give a user one of each, and return what is left of them later."""
    facts = {"sign_count": 0, "backup_eligible": True, "backed_up": True, "created_at": timezone.now()}
    for name in (b"1", b"2"):
        Passkey.objects.create(user=user, credential_id=name, public_key=b"", user_handle=b"", **facts)
    Authenticator.objects.create(user=user, key="a", last_step=1)
    RecoveryCode.objects.create(user=user, number=1, hash="x")
    EmailAddress.objects.create(user=user, email="a@example.com", checks_left=0, created_at=1, verified_at=1)
    models = (Authenticator, EmailAddress, Passkey, RecoveryCode)
    return lambda: [model.__name__ for model in models if model.objects.filter(user=user).exists()]


@pytest.mark.parametrize(
    ("added", "left"),
    [
        ([], ["Authenticator", "EmailAddress", "Passkey", "RecoveryCode"]),
        (["passkey_added"], ["Authenticator", "EmailAddress", "RecoveryCode"]),
        (["authenticator_added"], ["EmailAddress", "Passkey"]),
        (["recovery_codes_renewed"], ["EmailAddress", "Passkey"]),
        (["email_added"], ["Authenticator", "Passkey", "RecoveryCode"]),
        (["passkey_added", "authenticator_added", "email_added"], []),
    ],
)
def test_what_was_added_since_the_change_opens_nothing_after_the_undo(user, clock, added, left):
    factors_left = own_factors(user)
    for kind in ("passkey_added", "authenticator_added", "email_added"):
        events.record(user, kind)
    clock.advance(25 * 3600)
    change_id = change(user, new_phone())
    clock.advance(25 * 3600)
    for kind in added:
        events.record(user, kind)
    undo(change_id)
    assert factors_left() == left


@pytest.mark.django_db(transaction=True)
def test_an_address_that_the_undo_removes_is_told(user, mailoutbox):
    own_factors(user)
    events.record(user, "email_added")
    undo(change(user, new_phone()))
    assert [message.to for message in mailoutbox] == [["a@example.com"]] * 2  # of the change, and of its own removal


def test_what_was_added_within_a_day_before_the_change_opens_nothing_after_the_undo(user, clock):
    factors_left = own_factors(user)
    events.record(user, "passkey_added")
    clock.advance(23 * 3600)
    undo(change(user, new_phone()))
    assert factors_left() == ["Authenticator", "EmailAddress", "RecoveryCode"]


def test_recovery_codes_go_with_the_last_factor_that_they_stand_in_for(user):
    factors_left = own_factors(user)
    Authenticator.objects.all().delete()
    events.record(user, "passkey_added")
    undo(change(user, new_phone()))
    assert factors_left() == ["EmailAddress"]


@pytest.mark.parametrize(("new_before", "is_staff", "stay"), [(25, False, True), (23, False, False), (23, True, True)])
def test_the_old_number_removes_no_factors_after_a_change_that_an_old_one_confirmed_nor_those_of_staff(
    user, clock, new_before, is_staff, stay
):
    user.is_staff = is_staff
    user.save()
    factors_left = own_factors(user)
    events.record(user, "passkey_added")
    clock.advance(new_before * 3600)
    phone = new_phone()
    begun = kept.begin(user, "change_phone", contexts.encoded({"text": phone}), random_id(), "passkey")
    challenge = send(user, phone, kept.confirm(kept.open_for(user, begun)))
    verify(user, challenge)
    events.record(user, "authenticator_added")
    undo(challenge.id)
    every = ["Authenticator", "EmailAddress", "Passkey", "RecoveryCode"]
    assert factors_left() == (every if stay else ["EmailAddress"])


@pytest.mark.parametrize("kind", ["passkey_added", "authenticator_added", "email_added"])
def test_what_is_gone_already_is_not_told_twice(user, kind):
    change_id = change(user, new_phone())
    events.record(user, kind)
    undo(change_id)
    assert not any(event.kind.endswith("_removed") for event in events.of(user))


def test_a_new_number_deletes_no_account_as_long_as_the_change_can_be_undone(user, clock):
    change(user, new_phone())
    clock.advance(71 * 3600)
    with pytest.raises(NumberTooNew):
        confirmations.send(user=user, purpose="delete_account", context={})
    assert confirmations.send(user=user, purpose="add_email", context={})
    clock.advance(2 * 3600)
    assert confirmations.send(user=user, purpose="delete_account", context={})


def test_a_change_is_undone_once(user):
    change_id = change(user, new_phone())
    undo(change_id)
    with pytest.raises(InvalidOrExpiredCode):
        undo(change_id)


def test_a_change_is_undone_for_72_hours(user, clock):
    first = change(user, new_phone())
    clock.advance(72 * HOUR - 60)
    assert undo(first)
    user.refresh_from_db()
    late = change(user, new_phone())
    clock.advance(72 * HOUR + 1)
    with pytest.raises(InvalidOrExpiredCode):
        undo(late)


@pytest.mark.parametrize("change_id", ["", "x", "0" * 32])
def test_what_is_no_change_is_not_undone(user, change_id):
    change(user, new_phone())
    with pytest.raises(InvalidOrExpiredCode):
        undo(change_id)


def test_a_change_that_was_only_begun_is_not_undone(user):
    challenge = send(user, new_phone())
    with pytest.raises(InvalidOrExpiredCode):
        undo(challenge.id)


def test_the_first_number_takes_itself_back_over_a_second_change_and_the_second_does_not(user, clock):
    old = user.phone
    first = change(user, new_phone())
    clock.advance(25 * HOUR)
    second = change(user, new_phone())
    assert undo(first)
    user.refresh_from_db()
    assert user.phone == old
    with pytest.raises(InvalidOrExpiredCode):
        undo(second)


def test_after_the_second_change_is_undone_the_first_still_can_be(user, clock):
    old, middle = user.phone, new_phone()
    first = change(user, middle)
    clock.advance(25 * HOUR)
    undo(change(user, new_phone()))
    user.refresh_from_db()
    assert user.phone == middle
    undo(first)
    user.refresh_from_db()
    assert user.phone == old


def test_an_undone_change_ends_what_was_begun_by_the_new_number(user, clock):
    change_id = change(user, new_phone())
    clock.advance(25 * HOUR)
    begun = send(user, new_phone())
    undo(change_id)
    with pytest.raises(InvalidOrExpiredCode):
        verify(user, begun)


def test_as_long_as_it_can_be_undone_nobody_else_gets_the_old_number(user, django_user_model, clock):
    old, other = user.phone, django_user_model.objects.create_user(new_phone())
    change(user, new_phone())
    with pytest.raises(PhoneTaken) as refused:
        sign_in(old)
    assert 71 * HOUR < refused.value.retry_after <= 72 * HOUR
    with pytest.raises(PhoneTaken) as refused:
        change(other, old)
    assert refused.value.retry_after
    clock.advance(72 * HOUR)
    assert sign_in(old).is_new


def test_whoever_had_the_number_may_go_back_to_it(user, clock):
    old = user.phone
    first = change(user, new_phone())
    clock.advance(25 * HOUR)
    change(user, old)
    assert user.phone == old
    assert undo(first)


def test_a_number_that_the_admin_has_given_away_is_not_taken_back_but_all_sessions_end(user, django_user_model):
    old, phone = user.phone, new_phone()
    change_id = change(user, phone)
    django_user_model.objects.create_user(old)
    sign_in(phone)
    assert not undo(change_id)
    user.refresh_from_db()
    assert user.phone == phone
    assert not Token.objects.exists()


def test_changes_are_purged_when_they_can_no_longer_be_undone(user, clock):
    change(user, new_phone())
    assert str(NumberChange.objects.get()) == NumberChange.objects.get().pk.hex
    clock.advance(95 * HOUR)
    sweeper.purge()
    assert NumberChange.objects.exists()
    clock.advance(2 * HOUR)
    sweeper.purge()
    assert not NumberChange.objects.exists()


# the new number


def test_for_a_day_the_new_number_confirms_nothing_about_the_account(user, clock, settings):
    settings.OTP_POLICIES = {"payment": {}}
    change(user, new_phone())
    clock.advance(24 * HOUR - 60)
    with pytest.raises(NumberTooNew) as refused:
        confirmations.send(user=user, purpose="change_phone", context={})
    assert refused.value.purpose == "change_phone"
    assert 0 < refused.value.retry_after <= 60
    assert confirmations.send(user=user, purpose="payment", context={})
    clock.advance(61)
    assert confirmations.send(user=user, purpose="change_phone", context={})


def test_a_number_that_took_itself_back_is_not_new(user):
    undo(change(user, new_phone()))
    user.refresh_from_db()
    assert confirmations.send(user=user, purpose="change_phone", context={})


# races


def of_kind(results, kind):
    return [each for each in results if isinstance(each, kind)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", [InvalidOrExpiredCode, PhoneTaken])
def test_of_many_users_who_change_to_one_number_at_once_one_gets_it(django_user_model, monkeypatch, refused):
    users, phone = [django_user_model.objects.create_user(new_phone()) for _ in range(4)], new_phone()
    answers = [prove(each, phone) for each in users]
    if refused is PhoneTaken:  # as if each code had been right before the first of the changes
        monkeypatch.setattr(services, "verify_code", lambda **named: stores.current().get(named["challenge_id"]))
    results = race(lambda number: number_changes.verify(**answers[number]), 4)
    assert len(of_kind(results, tuple)) == 1
    assert len(of_kind(results, refused)) == 3
    assert django_user_model.objects.filter(phone=phone).count() == 1
    assert NumberChange.objects.exclude(changed_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_users_one_gets_the_number_where_no_constraint_keeps_it_unique(django_user_model, monkeypatch, settings):
    users = [django_user_model.objects.create_user(each, full_name=each) for each in (new_phone(), new_phone())]
    settings.OTP_ACCOUNTS, phone = members.path(members.Slow), new_phone()
    answers = [prove(each, phone) for each in users]
    monkeypatch.setattr(services, "verify_code", lambda **named: stores.current().get(named["challenge_id"]))
    results = race(lambda number: number_changes.verify(**answers[number]), 2)
    assert len(of_kind(results, tuple)) == len(of_kind(results, PhoneTaken)) == 1
    assert django_user_model.objects.filter(full_name=phone).count() == 1


def prove(user, phone):
    """Return what ``verify`` takes."""
    challenge = send(user, phone)
    return {"user": user, "challenge_id": challenge.id, "code": codes.code_for(challenge)}


@pytest.mark.django_db(transaction=True)
def test_of_many_answers_at_once_one_changes_the_number(user):
    answer = prove(user, new_phone())
    results = race(lambda _: number_changes.verify(**answer), 4)
    assert len(of_kind(results, tuple)) == 1
    assert len(of_kind(results, InvalidOrExpiredCode)) == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_a_user_at_once_one_is_made(user):
    answers = [prove(user, new_phone()) for _ in range(2)]
    results = race(lambda number: number_changes.verify(**answers[number]), 2)
    assert len(of_kind(results, tuple)) == len(of_kind(results, InvalidOrExpiredCode)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", range(3))
def test_a_change_and_a_sign_up_with_the_new_number_at_once_leave_one_owner(user, times, django_user_model):
    old, phone = user.phone, new_phone()
    answer, challenge = prove(user, phone), services.send_code(phone=phone).challenge
    asked = {"phone": phone, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    changed, signed_in = race(
        lambda number: services.sign_in(**asked) if number else number_changes.verify(**answer), 2
    )
    user.refresh_from_db()
    assert django_user_model.objects.filter(phone=phone).count() == 1
    if isinstance(changed, PhoneTaken):
        assert (user.phone, signed_in.is_new) == (old, True)
    else:
        assert (changed[0], user.phone, signed_in.user, signed_in.is_new) == (user, phone, user, False)
    assert django_user_model.objects.count() == (2 if signed_in.is_new else 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", range(3))
def test_a_change_and_a_sign_in_with_the_old_number_at_once_make_no_second_account(user, times, django_user_model):
    old, answer = user.phone, prove(user, phone := new_phone())
    challenge = services.send_code(phone=old).challenge
    asked = {"phone": old, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    changed, signed_in = race(
        lambda number: services.sign_in(**asked) if number else number_changes.verify(**answer), 2
    )
    assert changed[0] == user
    assert isinstance(signed_in, PhoneTaken | InvalidOrExpiredCode) or signed_in.user == user
    assert django_user_model.objects.get().phone == phone


@pytest.mark.django_db(transaction=True)
def test_of_many_who_undo_a_change_at_once_one_does(user):
    old, change_id = user.phone, change(user, new_phone())
    results = race(lambda _: undo(change_id), 4)
    assert results.count(True) == 1
    assert len(of_kind(results, InvalidOrExpiredCode)) == 3
    user.refresh_from_db()
    assert user.phone == old


@pytest.mark.django_db(transaction=True)
def test_undoing_a_change_wins_against_the_next_one(user, clock):
    old, change_id = user.phone, change(user, new_phone())
    clock.advance(25 * HOUR)
    answer = prove(user, new_phone())
    undone, changed = race(lambda number: number_changes.verify(**answer) if number else undo(change_id), 2)
    assert undone is True
    assert isinstance(changed, tuple | InvalidOrExpiredCode)
    user.refresh_from_db()
    assert user.phone == old
