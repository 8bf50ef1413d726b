"""What the release before has counted and blocked goes on counting, there and back."""

import json

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from otp_app import counters
from otp_app.challenges import Status
from otp_app.counters import rings
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, suppressions
from otp_app.errors import Limited
from otp_app.keys import ledger_id, phone_key
from otp_app.limits import TABLE, Trigger, amount_of, request_limits
from otp_app.limits.values import Counts
from otp_app.models import BlockRow, ChallengeRow, Failure
from otp_app.stores import wire
from otp_app.stores.sql import SqlStore
from tests.asking import check, open_one, send_again
from tests.factories import new_challenge, new_phone

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = "0004_early_reports", "0005_functions"
HOUR = 3_600_000
MONTH = 30 * 24 * HOUR
CLIENT, SITE = "2001:db8:1:2::/64", "2001:db8:1::/48"
PHONE = "+998911110000"
SUBJECTS = {"client": CLIENT, "site": SITE, "prefix": PHONE[:-4], "region": "UZ", "all": "all"}
SENDING = [rule for rule in TABLE if rule.counts is Counts.KEY and rule.trigger & Trigger.FIRST]


def migrate(name):
    """Go there; return the models as they are then."""
    MigrationExecutor(connection).migrate([("otp_app", name)])
    return MigrationExecutor(connection).loader.project_state([("otp_app", name)]).apps


@pytest.fixture
def before():
    """The models of the release before; afterwards those of this one are there again, and no counter of that."""
    yield migrate(BEFORE)
    migrate(AFTER)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM otp_app_counter")


def now():
    return clocks.read_now("default")


def count_before(key, slots, span=24, newest=0, blocked_until=0):
    """Write a counter down as the release before did."""
    row = [key, json.dumps(slots), newest, span, 0, 1, blocked_until, now() + 2 * MONTH]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO otp_app_counter (key, slots, newest, span, amount, version, blocked_until, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            row,
        )


def blocked_before():
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, blocked_until FROM otp_app_counter WHERE blocked_until > 0")
        return {str(key).replace("-", ""): until for key, until in cursor}


def used_before(rule, n, *instants):
    """So much of a line was taken at each of these instants, else now."""
    slots = [at // rings.width(rule.period) for at in instants or [now()]]
    counted = {str(slot): n * slots.count(slot) for slot in slots}
    count_before(ledger_id(rule.name, SUBJECTS[rule.per]), counted, newest=max(slots))


def taken_before(at, *, first=True):
    """What a send has taken, as the release before kept it with its challenge: in the order of the table."""
    return [
        [
            ledger_id(rule.name, SUBJECTS[rule.per]),
            at // rings.width(rule.period),
            5 if rule.name == "failures_per_day" else 1,
            rule.per in ("region", "all"),
            rule.converts,
            at,
        ]
        for rule in SENDING
        if first or rule.trigger & Trigger.AGAIN
    ]


def opened_before(models):
    """An open challenge that was sent twice."""
    sends = [now() - 20_000, now() - 10_000]
    made = new_challenge(phone=PHONE, sends_left=1, created_at=sends[0], sent_at=tuple(sends))
    facts = {name: getattr(made, name) for name in made.__slots__ if name not in ("increments", "status")}
    charges = taken_before(sends[0]) + taken_before(sends[1], first=False)
    models.get_model("otp_app", "ChallengeRow").objects.create(
        **facts, status="pending", expires_at=made.expires_at, charges=charges
    )
    return made


def open_another():
    """Of the same prefix, client and region, but another phone."""
    challenge = new_challenge(phone=PHONE[:-4] + new_phone()[-4:])
    return SqlStore().open(challenge, request_limits.for_send(challenge.phone, CLIENT, checks=5))


@pytest.mark.parametrize("rule", [rule for rule in SENDING if amount_of(rule) < 10**6], ids=lambda rule: rule.name)
def test_a_limit_that_was_full_but_for_one_lets_one_through(before, rule):
    opened_before(before)
    used_before(rule, amount_of(rule) - (5 if rule.name == "failures_per_day" else 1))
    migrate(AFTER)
    open_another()
    with pytest.raises(Limited) as refused:
        open_another()
    assert refused.value.limit == rule.name


def test_the_failures_of_a_phone_count_on_by_their_instants(before):
    count_before(phone_key(PHONE), {str(now() - 23 * HOUR): 15, str(now() - HOUR): 1}, span=MONTH)
    migrate(AFTER)
    challenge = new_challenge(phone=PHONE)
    with pytest.raises(Limited) as refused:
        SqlStore().open(challenge, request_limits.for_send(PHONE, None, checks=5))
    assert refused.value.limit == "failures_per_phone_day"
    assert 3500 < refused.value.retry_after <= 3600


def test_an_open_challenge_is_answered_and_gives_back_what_its_sends_took(before):
    opened = opened_before(before)
    for rule in SENDING:
        used_before(rule, 5, *opened.sent_at)
    migrate(AFTER)
    store = SqlStore()
    assert store.get(opened.id).sent_at == opened.sent_at
    assert store.close(check(store, opened), Status.APPROVED)
    usages = store.usage(request_limits.for_send(PHONE, CLIENT, checks=5).limits, phone=PHONE)
    left = {usage.limit.name: usage.used for usage in usages if usage.limit.counts is Counts.KEY}
    once = {"failures_per_day": 5}
    assert left == {rule.name: once.get(rule.name, 8) if rule.converts else 10 for rule in SENDING}


def test_the_last_send_of_an_open_challenge_can_be_undone(before):
    opened = opened_before(before)
    for rule in SENDING:
        used_before(rule, 5, *opened.sent_at)
    migrate(AFTER)
    SqlStore().undo_send(opened)
    usages = SqlStore().usage(request_limits.for_send(PHONE, CLIENT, checks=5).limits, phone=PHONE)
    left = {usage.limit.name: usage.used for usage in usages if usage.limit.counts is Counts.KEY}
    assert left == {rule.name: 9 if rule.trigger & Trigger.AGAIN else 10 for rule in SENDING}
    assert SqlStore().get(opened.id).sent_at == opened.sent_at[:1]


def blocks():
    """Of a prefix, a provider and a number, each with its key."""
    prefix = ledger_id("unconverted_per_prefix_hour", PHONE[:-4])
    return [prefix, circuit_breaker.key_of("one"), suppressions.keys_of(PHONE, "sms")[0]]


def test_what_is_blocked_is_blocked_there_and_back_and_there_again(before):
    until, (prefix, *others) = now() + HOUR, blocks()
    opened_before(before)
    for key in (prefix, *others):
        count_before(key, {}, span=0, blocked_until=until)
    for _ in range(2):
        migrate(AFTER)
        with pytest.raises(Limited) as refused:
            open_another()
        assert refused.value.limit == "unconverted_per_prefix_hour"
        assert 3500 < refused.value.retry_after <= 3600
        assert counters.blocks("default", others) == dict.fromkeys(others, until)
        migrate(BEFORE)
        assert blocked_before() == dict.fromkeys((prefix, *others), until)


def test_a_block_that_began_since_is_there_for_the_release_before(before):
    migrate(AFTER)
    until = now() + HOUR
    counters.block("default", blocks()[0], until)
    migrate(BEFORE)
    assert blocked_before() == {blocks()[0]: until}


def test_a_block_that_was_lifted_since_is_lifted_for_the_release_before(before):
    until, key = now() + HOUR, blocks()[0]
    count_before(key, {}, span=0, blocked_until=until)
    migrate(AFTER)
    SqlStore().lift(key, 0)
    facts = {"subject": "prefix", "limit": "unconverted_per_prefix_hour", "reason": "", "since": 0, "until": until}
    BlockRow.objects.create(key=key, forgives=key, lifted_at=now(), **facts)
    migrate(BEFORE)
    assert blocked_before() == {}


def test_failures_since_count_for_the_release_before(before):
    count_before(phone_key(PHONE), {"1000": 2}, span=MONTH)
    migrate(AFTER)
    for phone in (PHONE, "+998911110001"):
        Failure.objects.create(phone=phone_key(phone), at=2000, checks=3)
    migrate(BEFORE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, slots, span FROM otp_app_counter")
        found = {str(key).replace("-", ""): (wire.loaded(slots), span) for key, slots, span in cursor}
    assert found[phone_key(PHONE)] == ({"1000": 2, "2000": 3}, MONTH)
    assert found[phone_key("+998911110001")] == ({"2000": 3}, MONTH)


def test_a_challenge_that_the_release_before_opens_beside_this_one_is_sent_again_answered_and_undone(clock):
    """It names all the columns that it knows, and gives what it does not know of as NULL."""
    store = SqlStore()
    answered, undone = open_one(store, client="192.0.2.1").challenge, open_one(store, client="192.0.2.1").challenge
    ChallengeRow.objects.update(taken=None, charges=[["a" * 32, 1, 1, False, True, answered.sent_at[0]]])
    clock.advance(60)
    again = send_again(store, store.get(answered.id)).challenge
    assert {increment.sent_at for increment in again.increments} == {again.sent_at[1]}
    assert store.close(check(store, again), Status.APPROVED)
    store.undo_send(store.get(undone.id))
    assert store.get(undone.id).status is Status.CANCELED
