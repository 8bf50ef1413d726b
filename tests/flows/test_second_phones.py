"""A second number: the codes and who must prove what, what it confirms and what it does not, and when it ends."""

import pytest
from django.contrib.auth import get_user_model

from otp_app import accounts, notifications, person, services, stores
from otp_app.accounts import confirmations as kept
from otp_app.accounts import devices, events, released_numbers
from otp_app.accounts import second_phones as seconds
from otp_app.challenges import codes
from otp_app.errors import (
    ConfirmationRequired,
    InvalidOrExpiredCode,
    InvalidRequest,
    Limited,
    NumberTooNew,
    PhoneTaken,
    SecondFactorRequired,
)
from otp_app.flows import confirmations, number_changes, second_phones
from otp_app.models import Authenticator, Confirmation, NumberChange, ReleasedNumber, SecondPhone
from tests import members
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = pytest.mark.django_db

HOUR = 3600
STORES = pytest.mark.usefixtures("each_store")
COMMITTED = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_waits(settings):
    settings.OTP_WAITS = ()
    settings.OTP_POLICIES = {"payment": {}}


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture
def notices(monkeypatch):
    """The notifications that were sent, as (kind, phone, subject)."""
    sent = []

    def send(_user, kind, *, phone="", also="", subject="", **_):
        sent.extend((kind, to, subject) for to in (phone, also) if to)

    monkeypatch.setattr(notifications, "send", send)
    return sent


def confirm(user, purpose="add_second_phone", context=None, by="code"):
    asked = {"purpose": purpose, "context": context or {}, "by": by}
    challenge = confirmations.send(user=user, **asked).challenge
    return confirmations.verify(user=user, challenge_id=challenge.id, code=codes.code_for(challenge))


def send(user, phone, confirmation=None):
    confirmation = confirm(user, context={"text": phone}) if confirmation is None else confirmation
    return second_phones.send(user=user, phone=phone, confirmation=confirmation).challenge


def answer_to(user, challenge):
    """What ``verify`` takes."""
    return {"user": user, "challenge_id": challenge.id, "code": codes.code_for(challenge)}


def add(user, phone):
    """Add a second number, and return its challenge."""
    challenge = send(user, phone)
    second_phones.verify(**answer_to(user, challenge))
    return challenge


def owning(user, clock, phone=None):
    """Add a second number that is no longer new, and return it."""
    add(user, phone := phone or new_phone())
    clock.advance(25 * HOUR)
    return phone


def change(user, phone, confirmation):
    challenge = number_changes.send(user=user, phone=phone, confirmation=confirmation).challenge
    number_changes.verify(**answer_to(user, challenge))
    user.refresh_from_db()
    return challenge.id


def sign_in(phone):
    challenge = services.send_code(phone=phone).challenge
    return services.sign_in(phone=phone, code=codes.code_for(challenge), challenge_id=challenge.id)


def kinds(user):
    return [event.kind for event in events.of(user)]


# the codes


@STORES
@COMMITTED
def test_a_confirmation_by_the_first_number_and_a_code_to_the_second_add_it(user, outbox, notices):
    first, second = user.phone, new_phone()
    challenge = send(user, second)
    assert [message.to for message in outbox] == [first, second]
    assert outbox[0].body.endswith(f"\n{second}")
    assert not seconds.of(user)
    assert second_phones.verify(**answer_to(user, challenge)) == second
    user.refresh_from_db()
    assert (user.phone, seconds.of(user)) == (first, second)
    assert notices == [("second_phone_added", first, challenge.id)]
    assert kinds(user) == ["second_phone_added"]
    assert not NumberChange.objects.exists()
    assert str(SecondPhone.objects.get()) == f"{second[:7]}•••••• {user.pk}"


@pytest.mark.parametrize("value", ["", "x"])
def test_without_a_confirmation_no_code_is_sent(user, outbox, value):
    with pytest.raises(ConfirmationRequired) as refused:
        send(user, new_phone(), value)
    assert refused.value.purpose == "add_second_phone"
    assert not outbox
    assert not NumberChange.objects.exists()


def test_a_confirmation_of_the_change_adds_no_second_number_and_the_other_way_round(user):
    phone = new_phone()
    with pytest.raises(ConfirmationRequired):
        send(user, phone, confirm(user, "change_phone", {"text": phone}))
    with pytest.raises(ConfirmationRequired):
        number_changes.send(user=user, phone=phone, confirmation=confirm(user, context={"text": phone}))


def test_a_confirmation_is_of_one_second_number_and_a_refused_send_gives_it_back(user, settings):
    value, settings.OTP_WAITS = confirm(user, context={"text": (phone := new_phone())}), (60,)
    with pytest.raises(ConfirmationRequired):
        send(user, new_phone(), value)
    services.send_code(phone=phone)
    with pytest.raises(Limited):
        send(user, phone, value)
    assert not NumberChange.objects.exists()
    settings.OTP_WAITS = ()
    assert send(user, phone, value)


def test_a_user_without_a_number_needs_a_confirmation_though_the_session_is_fresh(user, monkeypatch):
    get_user_model().objects.update(phone="")
    user.refresh_from_db()
    monkeypatch.setattr(number_changes, "_is_fresh", lambda *_: True)
    with pytest.raises(ConfirmationRequired):
        send(user, new_phone(), "")


def test_the_same_code_is_sent_again_by_its_id(user, outbox):
    challenge = send(user, phone := new_phone())
    second_phones.send(user=user, phone=phone, challenge_id=challenge.id)
    assert outbox[-1].code == outbox[-2].code


def test_the_code_of_a_second_number_changes_no_first_one_and_the_other_way_round(user):
    begun = send(user, phone := new_phone())
    with pytest.raises(InvalidOrExpiredCode):
        number_changes.verify(**answer_to(user, begun))
    with pytest.raises(InvalidOrExpiredCode):
        number_changes.send(user=user, phone=phone, challenge_id=begun.id)
    confirmation = confirm(user, "change_phone", {"text": phone})
    other = number_changes.send(user=user, phone=phone, confirmation=confirmation).challenge
    with pytest.raises(InvalidOrExpiredCode):
        second_phones.verify(**answer_to(user, other))
    second_phones.verify(**answer_to(user, begun))


def test_a_challenge_of_another_user_and_a_wrong_code_add_nothing_and_the_right_one_works_once(user):
    answer = answer_to(user, send(user, new_phone()))
    other = get_user_model().objects.create_user(new_phone())
    for wrong in ({"user": other}, {"challenge_id": "x"}, {"code": other_than(answer["code"])}):
        with pytest.raises(InvalidOrExpiredCode):
            second_phones.verify(**answer | wrong)
    second_phones.verify(**answer)
    with pytest.raises(InvalidOrExpiredCode):
        second_phones.verify(**answer)
    assert SecondPhone.objects.count() == 1


def test_a_code_to_a_number_that_is_to_be_the_second_signs_nobody_in_and_confirms_nothing(user):
    challenge = send(user, phone := new_phone())
    code = codes.code_for(challenge)
    for named in ({}, {"challenge_id": challenge.id}):
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=phone, code=code, **named)
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(user=user, challenge_id=challenge.id, code=code)


def test_the_own_number_is_no_second_one(user):
    with pytest.raises(InvalidRequest) as refused:
        send(user, user.phone, "x")
    assert refused.value.errors == {"phone": ["This is your number already."]}


def test_a_first_number_of_somebody_is_told_to_who_has_proven_it_only(user, outbox):
    taken = get_user_model().objects.create_user(new_phone())
    answer = answer_to(user, send(user, taken.phone))
    assert outbox[-1].to == taken.phone
    with pytest.raises(InvalidOrExpiredCode):
        second_phones.verify(**answer | {"code": other_than(answer["code"])})
    with pytest.raises(PhoneTaken) as refused:
        second_phones.verify(**answer)
    assert refused.value.retry_after is None
    assert not seconds.of(user)


def test_a_number_that_its_former_owner_may_take_back_is_taken_for_others_and_not_for_that_owner(user, clock):
    former, phone = user.phone, new_phone()
    change(user, phone, confirm(user, "change_phone", {"text": phone}))
    with pytest.raises(PhoneTaken) as refused:
        add(get_user_model().objects.create_user(new_phone()), former)
    assert refused.value.retry_after
    clock.advance(25 * HOUR)
    add(user, former)
    assert seconds.of(user) == former


def test_a_change_of_the_first_number_ends_a_second_one_that_was_only_begun(user):
    answer, phone = answer_to(user, send(user, new_phone())), new_phone()
    change(user, phone, confirm(user, "change_phone", {"text": phone}))
    with pytest.raises(InvalidOrExpiredCode):
        second_phones.verify(**answer)


def test_a_first_number_that_the_admin_changes_meanwhile_is_no_longer_the_one_that_confirmed(user):
    answer = answer_to(user, send(user, new_phone()))
    get_user_model().objects.update(phone=new_phone())
    with pytest.raises(InvalidOrExpiredCode):
        second_phones.verify(**answer)
    assert not seconds.of(user)


def test_another_second_number_takes_the_place_of_the_first_one_and_that_is_told_there_too(user, notices, clock):
    former = owning(user, clock)
    value = confirm(user, "payment", by="second_phone")
    challenge = add(user, phone := new_phone())
    assert seconds.of(user) == phone
    assert set(notices[1:]) == {("second_phone_added", to, challenge.id) for to in (user.phone, former)}
    assert not kept.use(user, "payment", value)


def test_the_same_number_proven_again_is_told_to_the_first_alone(user, notices):
    add(user, phone := new_phone())
    add(user, phone)
    assert [to for _, to, _ in notices] == [user.phone] * 2


# what it confirms


@STORES
@COMMITTED
def test_a_code_to_the_second_number_confirms_as_one_to_the_first_does(user, outbox):
    add(user, phone := new_phone())
    context = {"amount": "5 UZS"}
    value = confirm(user, "payment", context, by="second_phone")
    assert outbox[-1].to == phone
    assert outbox[-1].body.endswith("\n5 UZS")
    assert kept.use(user, "payment", value, context)
    assert not kept.use(user, "payment", value, context)


def test_whoever_has_lost_the_first_number_changes_it_by_the_second(user, clock, outbox):
    second, first = owning(user, clock), user.phone
    before, phone = len(outbox), new_phone()
    change(user, phone, confirm(user, "change_phone", {"text": phone}, by="second_phone"))
    assert [message.to for message in outbox[before:]] == [second, phone, first]  # the last one is the notice
    assert (user.phone, seconds.of(user)) == (phone, second)


@pytest.mark.parametrize("sign_up", ["invited", "closed"])
def test_a_confirmation_reaches_it_where_not_everybody_may_sign_up(user, clock, outbox, settings, sign_up, monkeypatch):
    settings.OTP_ACCOUNTS, settings.OTP_SIGN_UP = members.path(members.Guests), sign_up
    monkeypatch.setattr("otp_app.queues.background.run", lambda work, grant: work(grant))
    phone = owning(user, clock)
    assert confirm(user, "change_phone", by="second_phone")
    assert outbox[-1].to == phone
    sent = len(outbox)
    services.send_code(phone=phone)  # a sign-in by it is what it was: nobody's
    assert len(outbox) == sent


def test_a_user_without_a_second_number_is_told_so(user):
    with pytest.raises(InvalidRequest) as refused:
        confirm(user, by="second_phone")
    assert refused.value.errors == {"by": ["Your account has no second phone number."]}
    assert not Confirmation.objects.exists()


def test_for_a_day_it_confirms_nothing_about_the_account(user, clock):
    add(user, new_phone())
    clock.advance(24 * HOUR - 60)
    with pytest.raises(NumberTooNew) as refused:
        confirm(user, "change_phone", by="second_phone")
    assert refused.value.purpose == "change_phone"
    assert 0 < refused.value.retry_after <= 60
    assert str(refused.value.detail).startswith("Your second phone number was added a short time ago.")
    assert confirm(user, "payment", by="second_phone")
    assert confirm(user, "change_phone")  # the first number is not new
    clock.advance(61)
    assert confirm(user, "change_phone", by="second_phone")


def test_it_deletes_no_account_before_a_change_that_it_may_have_come_by_cannot_be_undone(user, clock):
    add(user, new_phone())
    clock.advance(71 * HOUR)
    with pytest.raises(NumberTooNew):
        confirm(user, "delete_account", by="second_phone")
    clock.advance(2 * HOUR)
    assert confirm(user, "delete_account", by="second_phone")


def test_an_older_second_number_confirms_while_a_first_one_is_new(user, clock):
    owning(user, clock)
    change(user, phone := new_phone(), confirm(user, "change_phone", {"text": phone}))
    with pytest.raises(NumberTooNew):
        confirm(user, "change_phone")
    assert confirm(user, "change_phone", by="second_phone")


def test_it_is_no_second_factor(user, clock, settings):
    owning(user, clock)
    Authenticator.objects.create(user=user, key="a", last_step=1)
    settings.OTP_CODE_ALONE = False
    with pytest.raises(SecondFactorRequired) as refused:
        confirm(user, "payment", by="second_phone")
    assert [factor["by"] for factor in refused.value.factors] == ["authenticator"]


def test_a_confirmation_by_one_number_is_not_answered_by_the_code_to_the_other(user, clock):
    owning(user, clock)
    first, second = (
        confirmations.send(user=user, purpose="payment", context={}, by=by).challenge for by in ("code", "second_phone")
    )
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(**answer_to(user, first) | {"code": codes.code_for(second)})
    factor = {"by": "second_phone", "answer": codes.code_for(second)}
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(user=user, challenge_id=second.id, factor=factor)


def test_nobody_signs_in_with_it(user, clock):
    phone = owning(user, clock)
    challenge = confirmations.send(user=user, purpose="payment", context={}, by="second_phone").challenge
    for named in ({}, {"challenge_id": challenge.id}):
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=phone, code=codes.code_for(challenge), **named)
    signed_in = sign_in(phone)
    assert signed_in.is_new
    assert signed_in.user != user


# its end


def test_whoever_signs_up_with_it_becomes_its_owner_and_it_confirms_nothing_for_others_any_more(user, clock):
    phone = owning(user, clock)
    open_one = confirmations.send(user=user, purpose="payment", context={}, by="second_phone").challenge
    value = confirm(user, "payment", by="second_phone")
    assert sign_in(phone).is_new
    assert not seconds.of(user)
    assert not kept.use(user, "payment", value)
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(**answer_to(user, open_one))
    assert kinds(user) == ["second_phone_removed", "second_phone_added"]
    assert events.of(user)[0].network == ""


def test_it_ends_for_all_who_share_it_and_for_nobody_else(user, clock):
    phone, others = new_phone(), [get_user_model().objects.create_user(new_phone()) for _ in range(2)]
    for each, number in ((user, phone), (others[0], phone), (others[1], other := new_phone())):
        add(each, number)
    assert seconds.of(user) == seconds.of(others[0]) == phone
    sign_in(phone)
    assert [seconds.of(each) for each in (user, *others)] == ["", "", other]


def test_a_number_that_becomes_the_first_of_its_owner_or_of_another_is_no_second_one(user, clock):
    phone, other = owning(user, clock), get_user_model().objects.create_user(new_phone())
    add(other, phone)
    change(user, phone, confirm(user, "change_phone", {"text": phone}))
    assert (user.phone, seconds.of(user), seconds.of(other)) == (phone, "", "")


def test_an_undone_change_removes_a_second_number_that_was_added_since(user, clock):
    change_id = change(user, phone := new_phone(), confirm(user, "change_phone", {"text": phone}))
    clock.advance(25 * HOUR)
    add(user, new_phone())
    number_changes.undo(change_id=change_id)
    assert not seconds.of(user)
    assert "second_phone_removed" in kinds(user)


def test_an_undone_change_leaves_an_older_second_number_unless_it_is_the_one_that_comes_back(user, clock):
    second, first = owning(user, clock), user.phone
    clock.advance(1)
    number_changes.undo(change_id=change(user, phone := new_phone(), confirm(user, "change_phone", {"text": phone})))
    assert seconds.of(user) == second
    user.refresh_from_db()
    change_id = change(user, phone := new_phone(), confirm(user, "change_phone", {"text": phone}))
    seconds.keep(user, first, "0" * 32, None)
    events.SecurityEvent.objects.all().delete()  # so that it is not removed as one that was added since
    number_changes.undo(change_id=change_id)
    user.refresh_from_db()
    assert (user.phone, seconds.of(user)) == (first, "")


def test_an_account_that_lost_its_number_keeps_the_second_and_the_number_that_staff_gives_back_is_no_second(
    user, clock, settings
):
    second, first = owning(user, clock), user.phone
    get_user_model().objects.update(last_login="2020-01-01T00:00Z")
    challenge = services.send_code(phone=first).challenge
    new = services.sign_in(phone=first, code=codes.code_for(challenge), challenge_id=challenge.id, anew=True).user
    user.refresh_from_db()
    assert (accounts.phone_of(user), accounts.phone_of(new)) == ("", first)
    assert seconds.of(user) == second
    other = get_user_model().objects.create_user(new_phone())
    seconds.keep(other, first, "0" * 32, None)  # as if before the number had an owner
    assert released_numbers.give_back(ReleasedNumber.objects.get())
    assert (seconds.of(user), seconds.of(other)) == (second, "")


def test_it_goes_with_its_account(user):
    add(user, new_phone())
    person.erase(user=user)
    assert not SecondPhone.objects.exists()


def test_the_number_that_is_removed_is_told_of_it(user, notices):
    """Else a thief of the first number would remove it before adding another, and its owner would not hear of that."""
    add(user, phone := new_phone())
    notices.clear()
    assert second_phones.remove(user=user)
    assert not second_phones.remove(user=user)
    assert notices == [("second_phone_removed", phone, "")]


def test_a_removed_one_confirms_nothing_any_more(user, clock):
    owning(user, clock)
    open_one = confirmations.send(user=user, purpose="payment", context={}, by="second_phone").challenge
    values = {by: confirm(user, "payment", by=by) for by in ("code", "second_phone")}
    assert seconds.remove(user)
    assert not seconds.remove(user)
    assert not kept.use(user, "payment", values["second_phone"])
    assert kept.use(user, "payment", values["code"])
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(**answer_to(user, open_one))
    assert kinds(user) == ["second_phone_removed", "second_phone_added"]


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_code_on_its_way_while_it_is_removed_or_replaced_confirms_nothing(user, clock, monkeypatch, is_replaced):
    owning(user, clock)
    begin = kept.begin

    def end_and_begin(*args):
        if is_replaced:
            seconds.keep(user, new_phone(), "0" * 32, None)
        else:
            seconds.remove(user)
        return begin(*args)

    monkeypatch.setattr(kept, "begin", end_and_begin)
    challenge = confirmations.send(user=user, purpose="payment", context={}, by="second_phone").challenge
    with pytest.raises(InvalidOrExpiredCode):
        confirmations.verify(**answer_to(user, challenge))


def test_a_second_number_of_a_user_who_is_gone_meanwhile_is_removed_by_nobody(user):
    add(user, new_phone())
    stale = get_user_model().objects.get(pk=user.pk)
    person.erase(user=user)
    assert not seconds.remove(stale)


# races


def of_kind(results, kind):
    return [each for each in results if isinstance(each, kind)]


@COMMITTED
@pytest.mark.parametrize("each_code_right", [False, True])
def test_of_many_users_who_prove_one_number_at_once_each_has_it_whose_code_was_right(monkeypatch, each_code_right):
    users, phone = [get_user_model().objects.create_user(new_phone()) for _ in range(4)], new_phone()
    answers = [answer_to(each, send(each, phone)) for each in users]
    if each_code_right:  # as if each had been right before the first was written
        monkeypatch.setattr(services, "verify_code", lambda **named: stores.current().get(named["challenge_id"]))
    results = race(lambda number: second_phones.verify(**answers[number]), 4)
    assert results.count(phone) == SecondPhone.objects.count() == (4 if each_code_right else 1)
    assert len(of_kind(results, InvalidOrExpiredCode)) == 4 - results.count(phone)


@COMMITTED
def test_of_many_answers_at_once_one_adds_it(user, monkeypatch):
    answer = answer_to(user, send(user, phone := new_phone()))
    monkeypatch.setattr(services, "verify_code", lambda **named: stores.current().get(named["challenge_id"]))
    results = race(lambda _: second_phones.verify(**answer), 4)
    assert results.count(phone) == 1
    assert len(of_kind(results, InvalidOrExpiredCode)) == 3
    assert kinds(user) == ["second_phone_added"]


@COMMITTED
def test_of_two_second_numbers_of_a_user_at_once_one_is_left(user):
    answers = [answer_to(user, send(user, new_phone())) for _ in range(2)]
    results = race(lambda number: second_phones.verify(**answers[number]), 2)
    assert seconds.of(user) in results
    assert SecondPhone.objects.count() == 1


@COMMITTED
@pytest.mark.parametrize("times", range(3))
def test_a_proof_and_a_sign_up_with_the_number_at_once_leave_it_to_who_signed_up(user, times):
    answer, challenge = answer_to(user, send(user, phone := new_phone())), services.send_code(phone=phone).challenge
    asked = {"phone": phone, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    proven, signed_in = race(lambda number: services.sign_in(**asked) if number else second_phones.verify(**answer), 2)
    assert signed_in.is_new
    assert proven == phone or isinstance(proven, PhoneTaken)
    assert not SecondPhone.objects.exists()


@COMMITTED
@pytest.mark.parametrize("times", range(3))
def test_a_proof_and_a_change_to_the_number_at_once_leave_it_to_who_changed(user, times, monkeypatch):
    other, phone = get_user_model().objects.create_user(new_phone()), new_phone()
    confirmation = confirm(other, "change_phone", {"text": phone})
    begun = number_changes.send(user=other, phone=phone, confirmation=confirmation).challenge
    answers = answer_to(user, send(user, phone)), answer_to(other, begun)
    monkeypatch.setattr(services, "verify_code", lambda **named: stores.current().get(named["challenge_id"]))
    proven, changed = race(lambda n: (number_changes if n else second_phones).verify(**answers[n]), 2)
    assert changed[:2] == (other, phone)
    assert proven == phone or isinstance(proven, PhoneTaken)
    assert not SecondPhone.objects.exists()


@COMMITTED
@pytest.mark.parametrize("times", range(3))
def test_a_sign_up_with_a_second_number_and_another_in_its_place_at_once_lock_nobody_out(user, times):
    add(user, phone := new_phone())
    answer, challenge = answer_to(user, send(user, other := new_phone())), services.send_code(phone=phone).challenge
    asked = {"phone": phone, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    proven, signed_in = race(lambda n: services.sign_in(**asked) if n else second_phones.verify(**answer), 2)
    assert (proven, signed_in.is_new) == (other, True)
    assert seconds.of(user) == other


@COMMITTED
@pytest.mark.parametrize("times", range(3))
def test_a_removal_wins_against_a_confirmation_by_it_at_the_same_time(user, times):
    add(user, new_phone())
    challenge = confirmations.send(user=user, purpose="payment", context={}, by="second_phone").challenge
    answer = answer_to(user, challenge)
    removed, value = race(lambda n: confirmations.verify(**answer) if n else seconds.remove(user), 2)
    assert removed is True
    assert isinstance(value, str | InvalidOrExpiredCode)
    assert not kept.use(user, "payment", str(value))


def test_devices_of_the_first_number_stay_known(user):
    device = devices.issue(user.phone, stores.current().now())
    add(user, new_phone())
    assert devices.recognise(user.phone, device)
