"""What stands against a phone's next send is read under the lock of that phone, also by a statement that began before.

On PostgreSQL one statement takes the lock and reads, and sees the database as it was when it began.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from otp_app.errors import InvalidOrExpiredCode, Limited
from otp_app.keys import phone_key
from otp_app.models import Counter, Delivery
from otp_app.stores import crowds, standing
from otp_app.stores.sql import SqlStore
from tests.asking import open_one, send_again, sending
from tests.factories import new_challenge, new_phone

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, who sees all that is written"),
]

PATIENCE = 30  # seconds; no test means to wait so long
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def store(clock, exact):
    return SqlStore()


def lock(phone, device=""):
    challenge = new_challenge(phone=phone, device=device)
    with transaction.atomic():
        return standing.lock("default", sending(challenge), phone, device)


# a statement that began before


class Slow:
    """The first who comes here has written everything, and ends its transaction when it is told to."""

    def __init__(self, monkeypatch):
        self.here, self.go_on = threading.Event(), threading.Event()
        self._really = crowds.look_wrong
        monkeypatch.setattr(crowds, "look_wrong", self)

    def __call__(self, *asked):
        if not self.here.is_set():
            self.here.set()
            assert self.go_on.wait(PATIENCE)
        return self._really(*asked)


def wait_until_somebody_waits():
    pause = threading.Event()
    for _ in range(PATIENCE * 100):
        with connection.cursor() as cursor:
            cursor.execute(_WAITING)
            if cursor.fetchone()[0]:
                return
        pause.wait(0.01)
    pytest.fail("nobody waits for a lock")


def in_a_thread(call):
    try:
        return call()
    finally:
        connections.close_all()


@pytest.fixture
def overlapping(monkeypatch):
    """What a second call gives that begins when a first has written all and ended nothing; the first must go well."""

    def run(first, second):
        slow = Slow(monkeypatch)
        with ThreadPoolExecutor(2) as pool:
            earlier = pool.submit(in_a_thread, first)
            assert slow.here.wait(PATIENCE)
            later = pool.submit(in_a_thread, second)
            wait_until_somebody_waits()
            slow.go_on.set()
            earlier.result(PATIENCE)
            return later.exception(PATIENCE)

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [False, True])
def test_i8_of_two_sends_to_a_phone_the_later_counts_the_earlier_though_its_snapshot_is_older(
    store, clock, overlapping, known
):
    phone = new_phone()
    if known:
        open_one(store, phone=phone)
        clock.advance(3600)
    refused = overlapping(*[lambda: open_one(store, phone=phone)] * 2)
    assert isinstance(refused, Limited)
    assert refused.limit == "wait_per_phone"
    assert Delivery.objects.count() == 1 + known


@pytest.mark.django_db(transaction=True)
def test_i8_of_two_sends_of_a_challenge_the_later_counts_the_earlier_though_its_snapshot_is_older(
    store, clock, settings, overlapping
):
    settings.OTP_WAITS = ()
    opened = open_one(store, sends_left=2).challenge
    clock.advance(60)
    assert isinstance(overlapping(*[lambda: send_again(store, opened)] * 2), InvalidOrExpiredCode)
    assert store.get(opened.id).sends_left == 0
    assert Delivery.objects.count() == 2


# the version by which it is known


@pytest.fixture
def read_early(monkeypatch):
    """What is read with the lock is as if the snapshot had these versions of the phone's row, and no challenge."""

    def with_versions(*versions):
        together = standing.together

        def overtaken(alias, parts):
            counted, _, _ = together(alias, parts)
            return [counted, [], [[version] for version in versions]]

        monkeypatch.setattr(standing, "together", overtaken)

    return with_versions


def test_a_lock_that_nobody_overtook_takes_one_statement(store, django_assert_num_queries):
    opened = open_one(store).challenge
    challenge = new_challenge(phone=opened.phone)
    with transaction.atomic(), django_assert_num_queries(1):
        assert standing.lock("default", sending(challenge), opened.phone, "").past == [opened]
    assert lock(new_phone()).past == []


@pytest.mark.parametrize(
    ("versions", "again"),
    [
        ((2,), False),  # as it was before this one wrote the third
        ((1,), True),  # somebody has written the second in between
        ((7,), True),  # it was deleted by a purge, and written anew
        ((), True),  # nobody had written it, then
    ],
)
def test_what_was_read_before_somebody_else_wrote_is_read_again(store, read_early, versions, again):
    opened = open_one(store).challenge
    lock(opened.phone)
    read_early(*versions)
    assert lock(opened.phone).past == ([opened] if again else [])


def test_where_the_row_is_new_nobody_can_have_overtaken_it(store, read_early):
    opened = open_one(store).challenge
    Counter.objects.filter(key=phone_key(opened.phone)).delete()
    read_early()
    assert lock(opened.phone).past == []


def test_where_the_row_was_deleted_since_it_is_read_again(store, read_early):
    opened = open_one(store).challenge
    Counter.objects.filter(key=phone_key(opened.phone)).delete()
    read_early(4)
    assert lock(opened.phone).past == [opened]


def test_devices_and_strangers_see_their_own_also_when_it_is_read_again(store, read_early):
    phone = new_phone()
    stranger = open_one(store, phone=phone).challenge
    device = open_one(store, phone=phone, device="a device").challenge
    read_early()
    assert lock(phone).past == [stranger]
    assert lock(phone, "a device").past == [device]
