"""The invariants under real concurrency, on a real database, with transactions that really commit."""

from collections import Counter

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from otp_app import accounts, services, stores
from otp_app.challenges import Challenge, Grant, Status
from otp_app.errors import InvalidOrExpiredCode, Limited
from otp_app.limits import request_limits
from otp_app.limits.values import Counts, RequestLimits
from otp_app.models import Delivery, Token
from otp_app.stores.sql import SqlStore
from tests.asking import check, open_one, sending
from tests.factories import new_challenge, new_phone, other_than
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 24


@pytest.fixture(autouse=True)
def _room_for_every_thread(each_store):
    """Each thread may have a connection at once; how a full pool behaves is another test's business."""
    yield
    for connection in connections.all():
        connection.close()


def kinds(results):
    return Counter(type(result).__name__ for result in results)


def test_i2_thirty_parallel_wrong_guesses_compare_five(outbox):
    phone = new_phone()
    challenge_id = services.send_code(phone=phone).challenge.id
    wrong = other_than(outbox[-1].code)
    store = stores.current()
    results = race(lambda _: store.spend_check(phone, "login", challenge_id, RequestLimits()), THREADS)
    assert kinds(results) == {"Challenge": 5, "NoneType": THREADS - 5}
    assert sorted(result.checks_left for result in results if result) == [0, 1, 2, 3, 4]
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=wrong, challenge_id=challenge_id)
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=outbox[-1].code, challenge_id=challenge_id)


def test_i2_by_phone_alone_three_are_compared(outbox):
    phone = new_phone()
    services.send_code(phone=phone)
    results = race(lambda _: stores.current().spend_check(phone, "login", None, RequestLimits()), THREADS)
    assert kinds(results) == {"Challenge": 3, "NoneType": THREADS - 3}


def test_i1_parallel_right_codes_give_one_token(outbox):
    phone = new_phone()
    challenge_id = services.send_code(phone=phone).challenge.id
    code = outbox[-1].code
    results = race(lambda _: services.sign_in(phone=phone, code=code, challenge_id=challenge_id), THREADS)
    assert kinds(results) == {"SignIn": 1, "InvalidOrExpiredCode": THREADS - 1}
    assert Token.objects.count() == get_user_model().objects.count() == 1


def test_approvals_of_two_challenges_of_a_phone_at_once_leave_one_approved(settings, outbox):
    settings.OTP_WAITS = ()
    phone = new_phone()
    opened = [services.send_code(phone=phone).challenge for _ in range(4)]
    store = stores.current()
    results = race(lambda number: store.close(opened[number % 4], Status.APPROVED), THREADS)
    assert results.count(True) == 1
    assert Counter(store.get(item.id).status for item in opened) == {Status.APPROVED: 1, Status.CANCELED: 3}


def test_first_sign_ins_of_a_phone_at_once_give_one_user(outbox):
    phone = new_phone()
    results = race(lambda _: accounts.user_for(phone), THREADS)
    assert len({user.pk for user, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1
    assert get_user_model().objects.count() == 1


def test_i8_one_send_to_a_phone_within_the_wait(outbox):
    phone = new_phone()
    results = race(lambda number: services.send_code(phone=phone, client=f"192.0.2.{number}"), THREADS)
    assert kinds(results) == {"Grant": 1, "Limited": THREADS - 1}
    assert {result.retry_after for result in results if isinstance(result, Limited)} <= set(range(1, 61))
    assert len(outbox) == 1


@pytest.mark.parametrize(
    ("setting", "limit"),
    [
        ("OTP_UNCONVERTED_PER_SUBNET_DAY", "unconverted_per_subnet_day"),
        ("OTP_UNCONVERTED_PER_NETWORK_DAY", "unconverted_per_network_day"),
        ("OTP_UNCONVERTED_OF_STRANGERS_DAY", "unconverted_of_strangers_day"),
        ("OTP_UNCONVERTED_PER_REGION_DAY", "unconverted_per_region_day"),
    ],
)
def test_i8_no_key_counter_overshoots_its_sends(settings, outbox, setting, limit):
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]  # so that there are strangers
    setattr(settings, setting, 7)
    results = race(lambda _: services.send_code(phone=new_phone(), client="192.0.2.1"), THREADS)
    assert kinds(results) == {"Grant": 7, "Limited": THREADS - 7}
    assert {result.limit for result in results if isinstance(result, Limited)} == {limit}
    assert len(outbox) == 7


@pytest.mark.parametrize("rule", ["unconverted_per_prefix_day", "sends_per_prefix_day"])
def test_i8_a_prefix_does_not_overshoot(settings, outbox, rule):
    setattr(settings, f"OTP_{rule.upper()}", 10)
    numbers = [f"+9989012{n:05d}" for n in range(10_000, 10_000 + THREADS)]
    results = race(lambda n: services.send_code(phone=numbers[n], client=f"192.0.2.{n}"), THREADS)
    assert kinds(results) == {"Grant": 10, "Limited": THREADS - 10}
    assert {result.limit for result in results if isinstance(result, Limited)} == {rule}


def test_i8_a_ceiling_in_money_is_not_overshot(settings, outbox):
    settings.OTP_PROVIDERS = [{**settings.OTP_PROVIDERS[0], "PRICE": 0.3}]
    settings.OTP_BUDGET_PER_DAY = 1
    results = race(lambda _: services.send_code(phone=new_phone()), THREADS)
    assert kinds(results) == {"Grant": 3, "Limited": THREADS - 3}


def test_i8_an_answered_message_counts_once_in_each_bucket(each_store):
    opened = [open_one(each_store, client="192.0.2.1").challenge for _ in range(THREADS)]
    race(lambda n: each_store.close(opened[n // 2], Status.APPROVED), THREADS)
    limits = [limit for limit in sending(new_challenge(), "192.0.2.1").limits if limit.counts is Counts.ANSWERED]
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits)}
    assert used["answered_in_subnet"] == used["answered_in_region"] == THREADS // 2


def test_i8_a_proof_is_taken_once(outbox):
    store = stores.current()

    def prove(_number):
        phone = new_phone()
        return store.open(new_challenge(phone=phone), request_limits.for_send(phone, None, checks=5, proof="one"))

    assert kinds(race(prove, THREADS)) == {"Grant": 1, "ProofRequired": THREADS - 1}


def test_i8_a_client_does_not_overshoot_its_checks(settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 7
    store = stores.current()
    opened = [store.open(new_challenge(), RequestLimits()).challenge for _ in range(THREADS)]
    taken = request_limits.for_check("192.0.2.1")
    results = race(lambda n: store.spend_check(opened[n].phone, "login", opened[n].id, taken), THREADS)
    assert kinds(results) == {"Challenge": 7, "Limited": THREADS - 7}


@pytest.mark.parametrize("other", ["undo", "approve"])
def test_i8_a_send_that_did_not_leave_is_given_back_once(each_store, other):
    """Even if the right code arrives at the same time, by luck: only one of the two gives the send back."""
    undone, kept = (open_one(each_store, client="192.0.2.1").challenge for _ in range(2))
    checked = check(each_store, undone)

    def give_back(number):
        if number and other == "approve":
            each_store.close(checked, Status.APPROVED)
        else:
            each_store.undo_send(undone)

    assert race(give_back, THREADS) == [None] * THREADS
    limits = [limit for limit in sending(kept, "192.0.2.1").limits if limit.converts]
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits)}
    assert used["unconverted_per_subnet_day"] == used["unconverted_per_region_day"] == 1


@pytest.mark.parametrize("end", ["approve", "undo"])
def test_i8_what_is_given_back_while_others_take_is_neither_lost_nor_given_twice(each_store, end):
    """The threads share the counters of their client and those of all requests."""
    opened = [check(each_store, open_one(each_store, client="192.0.2.1").challenge) for _ in range(10)]

    def either(number):
        if number % 2:
            return open_one(each_store, client="192.0.2.1")
        challenge = opened[number // 2]
        return each_store.close(challenge, Status.APPROVED) if end == "approve" else each_store.undo_send(challenge)

    race(either, 2 * len(opened))
    limits = [limit for limit in sending(new_challenge(), "192.0.2.1").limits if limit.converts]
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits)}
    assert used["unconverted_per_subnet_day"] == used["unconverted_per_region_day"] == len(opened)


def test_i8_the_last_send_of_a_challenge_is_taken_once(settings, outbox):
    settings.OTP_WAITS = ()
    phone = new_phone()
    challenge_id = services.send_code(phone=phone).challenge.id
    results = race(lambda _: services.send_code(phone=phone, challenge_id=challenge_id), THREADS)
    assert kinds(results) == {"Grant": 2, "InvalidOrExpiredCode": THREADS - 2}
    assert len(outbox) == 3


def test_i8_who_need_not_wait_gets_no_more_sends_than_a_challenge_has(settings, outbox):
    settings.OTP_ROUTES = {"*": {channel: ["memory"] for channel in ("sms", "call", "telegram")}}
    phone = new_phone()
    challenge_id = services.send_code(phone=phone).challenge.id
    Delivery.objects.update(status=Delivery.Status.UNDELIVERED)
    ways = ["call", "telegram"]
    results = race(lambda n: services.send_code(phone=phone, challenge_id=challenge_id, channel=ways[n % 2]), THREADS)
    assert 1 <= kinds(results)["Grant"] <= 2
    assert kinds(results).keys() <= {"Grant", "Limited", "InvalidOrExpiredCode"}
    assert len(outbox) == 1 + kinds(results)["Grant"]


def test_a_mixture_of_everything_on_one_phone_and_client_ends_without_a_deadlock(each_store, settings, outbox, clock):
    settings.OTP_WAITS = ()
    settings.OTP_SENDS_PER_PHONE_HOUR = settings.OTP_SENDS_PER_PHONE_DAY = 1000
    settings.OTP_FAILURES_PER_PHONE_DAY = settings.OTP_FAILURES_PER_PHONE_MONTH = 1000
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = settings.OTP_CHECKS_PER_CLIENT_HOUR = 1000
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 1000
    phone, client = new_phone(), "192.0.2.1"
    clock.advance(-3 * 24 * 3600)
    for _ in range(20):
        services.send_code(phone=phone, client=client)
    clock.advance(3 * 24 * 3600)  # these are dead now: work for the purge
    opened = services.send_code(phone=phone, client=client).challenge
    code = outbox[-1].code

    def anything(number):
        match number % 5:
            case 0:
                return services.send_code(phone=phone, client=client)
            case 1:
                return services.send_code(phone=phone, client=client, challenge_id=opened.id)
            case 2:
                return services.verify_code(phone=phone, client=client, code=other_than(code))
            case 3:
                return services.verify_code(phone=phone, client=client, code=code, challenge_id=opened.id)
            case _:
                return stores.current().purge()

    results = race(anything, 40)
    expected = (Grant, Challenge, InvalidOrExpiredCode, int)
    assert [result for result in results if not isinstance(result, expected)] == []
    purged = 20 if isinstance(each_store, SqlStore) else 0
    assert sum(result for result in results if isinstance(result, int)) == purged
