"""What the release before has counted and blocked goes on counting, there and back."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from otp_app import counters
from otp_app.challenges import Status
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, suppressions
from otp_app.errors import Limited
from otp_app.keys import phone_key
from otp_app.limits import request_limits
from otp_app.models import BlockRow, ChallengeRow, Failure, Token
from otp_app.stores import wire
from otp_app.stores.sql import SqlStore
from tests.asking import check, open_one, send_again
from tests.factories import new_challenge

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = "0004_early_reports"
[(_, AFTER)] = MigrationLoader(None).graph.leaf_nodes("otp_app")
HOUR = 3_600_000
MONTH = 30 * 24 * HOUR
PHONE = "+998911110000"


def migrate(name):
    """Go there; return the models as they are then."""
    MigrationExecutor(connection).migrate([("otp_app", name)])
    return MigrationExecutor(connection).loader.project_state([("otp_app", name)]).apps


@pytest.fixture
def before():
    """The models of the release before; afterwards those of this one are there again, and no counter of that."""
    yield migrate(BEFORE)
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("otp_app"))
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


def test_the_failures_of_a_phone_count_on_by_their_instants(before):
    count_before(phone_key(PHONE), {str(now() - 23 * HOUR): 15, str(now() - HOUR): 1}, span=MONTH)
    migrate(AFTER)
    challenge = new_challenge(phone=PHONE)
    with pytest.raises(Limited) as refused:
        SqlStore().open(challenge, request_limits.for_send(PHONE, None, checks=5))
    assert refused.value.limit == "failures_per_phone_day"
    assert 3500 < refused.value.retry_after <= 3600


def blocks():
    """Of a provider and a number, each with its key."""
    return [circuit_breaker.key_of("one"), suppressions.keys_of(PHONE, "sms")[0]]


def test_what_is_blocked_is_blocked_there_and_back_and_there_again(before):
    until = now() + HOUR
    for key in blocks():
        count_before(key, {}, span=0, blocked_until=until)
    for _ in range(2):
        migrate(AFTER)
        assert counters.blocks("default", blocks()) == dict.fromkeys(blocks(), until)
        migrate(BEFORE)
        assert blocked_before() == dict.fromkeys(blocks(), until)


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
    counters.block("default", key, 0)
    facts = {"subject": "prefix", "limit": "unconverted_per_prefix_hour", "reason": "", "since": 0, "until": until}
    BlockRow.objects.create(key=key, forgives=key, lifted_at=now(), **facts)
    migrate(BEFORE)
    assert blocked_before() == {}


def test_the_release_before_gets_the_blocks_of_operators_and_nothing_that_it_would_take_for_one(before):
    migrate(AFTER)
    for subject, values in {
        "region KZ": {"mode": "shut"},
        "region UZ": {"mode": "watch"},
        "prefix +99890123": {"mode": "open", "amount": 5, "until": 2000},
    }.items():
        BlockRow.objects.create(subject=subject, since=1, **values)
    rows = migrate("0006_own_history").get_model("otp_app", "BlockRow").objects
    assert list(rows.values_list("subject", "until")) == [("region KZ", 2**53)]
    rows.create(key="a" * 32, forgives="a" * 32, subject="region RU", limit="", reason="", since=1, until=2)
    migrate(AFTER)
    assert BlockRow.objects.get(subject="region RU").mode == BlockRow.Mode.SHUT


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


def test_who_is_signed_in_stays_so_and_the_release_before_goes_on_writing_tokens(before):
    migrate(AFTER)
    user = get_user_model().objects.create_user(PHONE)
    later = datetime.now(UTC) + timedelta(days=1)
    facts = {"user_id": user.pk, "expires_at": later, "used_at": later}
    MigrationExecutor(connection).loader.project_state([("otp_app", "0007_by_hand")]).apps.get_model(
        "otp_app", "Token"
    ).objects.create(digest=b"1" * 32, **facts)
    row = Token.objects.get()
    assert (row.began_at, row.client_name, row.network) == (None, "", "")
    migrate("0007_by_hand").get_model("otp_app", "Token").objects.create(digest=b"2" * 32, **facts)
    migrate(AFTER)
    assert Token.objects.filter(user=user, client_name="", network="").count() == 2
