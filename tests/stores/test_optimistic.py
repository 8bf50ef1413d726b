"""The one statement of a request on PostgreSQL: what it leaves to transactions, and that it leaves nothing behind."""

import os
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from otp_app import demands
from otp_app.challenges import Claim, Grant, Status, random_id
from otp_app.errors import Limited, ProofRequired
from otp_app.keys import phone_key
from otp_app.models import ChallengeRow, Counter, Delivery
from otp_app.queries import ALWAYS, Condition
from otp_app.stores import counters, optimistic, rows, standing
from otp_app.stores.sql import SqlStore
from otp_app.stores.takes import Take, taking
from tests.asking import check, open_one, sending
from tests.factories import new_challenge, new_phone
from tests.races import race

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite changes one table in a statement"),
]

CLIENT = "192.0.2.1"
OF_IPV6 = "2001:db8::1"  # counted as a client and as a site


@pytest.fixture
def store(clock):
    return SqlStore()


@pytest.fixture
def looks(monkeypatch):
    """How often a send looked before it wrote, as it does where nothing is doubtful."""
    seen, look = [], standing.look

    def noted(alias, phone, device):
        seen.append(phone)
        return look(alias, phone, device)

    monkeypatch.setattr(standing, "look", noted)
    return seen


@pytest.fixture
def undone(monkeypatch):
    """The statements that PostgreSQL undid half way, which its log calls errors."""
    seen, really = [], optimistic.all_or_nothing

    def noted(alias, parts):
        answers = really(alias, parts)
        seen.extend([parts] if answers is None else [])
        return answers

    monkeypatch.setattr(optimistic, "all_or_nothing", noted)
    return seen


@pytest.fixture
def log():
    """What the server's log says from now on: the one that the suite starts writes it beside its data."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        path = Path(cursor.fetchone()[0]) / "log"
    try:
        begun = path.stat().st_size
    except OSError:
        if os.environ.get("CI") and not os.environ.get("TEST_DATABASE_URL"):
            raise  # the suite has started the server itself, so nothing excuses that its log is not there
        pytest.skip("the log of this server cannot be read from here")

    def said():
        return path.read_bytes()[begun:].decode()

    return said


@contextmanager
def statements():
    with CaptureQueriesContext(connection) as captured:
        found = []
        yield found
    found += [query["sql"] for query in captured]


def counted():
    """How much every counter holds, but for those that hold nothing."""
    return {row.key: sum(row.slots.values()) for row in Counter.objects.all() if row.slots}


def claiming(phone, channel):
    return {"sms": Claim("one", ("a" * 32,))}


# the usual way


def test_a_send_looks_and_writes_and_a_check_and_an_approval_write_each_in_one_statement_that_commits_itself(
    store, transactional_db
):
    with statements() as of_send:
        opened = open_one(store, client=CLIENT).challenge
    with statements() as of_check:
        checked = check(store, opened, client=CLIENT)
    with statements() as of_approval:
        assert store.close(checked, Status.APPROVED)
    assert [len(each) for each in (of_send, of_check, of_approval)] == [2, 1, 1]
    assert all(each.startswith("WITH ") for each in of_send + of_check + of_approval)


@pytest.mark.parametrize("device", ["", "a device"])
def test_it_writes_what_the_transactions_write(store, monkeypatch, device):
    def written():
        challenge = new_challenge(phone="+998901234567", device=device)
        grant = store.open(challenge, sending(challenge, CLIENT), claiming)
        assert store.get(challenge.id) == grant.challenge
        delivery = Delivery.objects.values().get()
        changing = ("id", "challenge", "sent_at", "claimed_at", "created_at", "updated_at", "reference")
        row = {name: value for name, value in delivery.items() if name not in changing}
        known = [delivery["claimed_at"] - grant.now, delivery["sent_at"] - grant.now, grant.resend_in, grant.blocked]
        for model in (Delivery, ChallengeRow):
            model.objects.all().delete()
        taken = counted(), list(Counter.objects.order_by("key").values_list("key", "span", "amount"))
        Counter.objects.all().delete()
        return row, known, taken

    quick = written()
    monkeypatch.setattr(optimistic, "may_combine", lambda alias: False)
    row, known, (taken, kinds) = written()
    key = phone_key("+998901234567")
    kinds = [kind for kind in kinds if kind[0].hex != key]
    assert quick[:2] == (row, known)
    assert (quick[2][0], [kind for kind in quick[2][1] if kind[0].hex != key]) == (taken, kinds)


def test_a_phone_is_locked_before_what_few_requests_share_and_that_before_what_all_do():
    keys = {name: f"{number}" * 32 for number, name in enumerate(("of all", "client", "prefix", "phone"))}
    takes = [
        Take(keys["prefix"], 24, 1000),
        Take(keys["of all"], 24, 1000, shared=True),
        Take(keys["client"], 24, 1000),
        Take(keys["phone"], 24, 1000, lock=True),
    ]
    asked = taking("default", takes).params[0]
    assert sorted(keys, key=lambda name: asked.index(keys[name])) == ["phone", "client", "prefix", "of all"]


# somebody else was there


def test_i8_whoever_sends_between_the_look_and_the_statement_is_counted(store, monkeypatch):
    phone, look = new_phone(), standing.look

    def overtaken(*asked):
        monkeypatch.setattr(standing, "look", look)
        seen = look(*asked)
        open_one(store, phone=phone)
        return seen

    monkeypatch.setattr(standing, "look", overtaken)
    with pytest.raises(Limited) as refused:
        open_one(store, phone=phone)
    assert refused.value.limit == "wait_per_phone"
    assert (ChallengeRow.objects.count(), Delivery.objects.count()) == (1, 1)
    assert set(counted().values()) == {1, 5}  # a send and its five checks, once


@pytest.mark.parametrize("known", [False, True])
def test_i8_of_many_who_send_to_a_phone_at_once_one_does(store, clock, known, transactional_db):
    phone = new_phone()
    if known:
        open_one(store, phone=phone)
        clock.advance(3600)
    done = race(lambda number: open_one(store, phone=phone), 12)
    assert [type(each) for each in done].count(Limited) == 11
    assert Delivery.objects.count() == 1 + known


def test_where_the_phones_row_is_written_while_an_approval_waits_for_it_the_transaction_decides(store, monkeypatch):
    opened = open_one(store, client=CLIENT).challenge
    checked = check(store, opened, client=CLIENT)
    monkeypatch.setattr(counters, "current_version", lambda key: Condition("7"))
    with statements() as made:
        assert store.close(checked, Status.APPROVED)
    assert len(made) > 1
    assert set(counted().values()) == {1}  # sends count on, what converts was given back


def test_i3_of_many_right_codes_at_once_one_is_approved_and_gives_back_once(store, transactional_db):
    for _ in range(2):
        opened = open_one(store, client=CLIENT).challenge
    checked = check(store, opened)
    done = race(lambda number: store.close(checked, Status.APPROVED), 12)
    assert sorted(done) == [False] * 11 + [True]
    unconverted = demands.for_send(opened.phone, CLIENT).limits
    used = {usage.limit.name: usage.used for usage in store.usage(unconverted)}
    assert (used["sends_per_client_hour"], used["unconverted_per_client_hour"], used["unconverted_per_day"]) == (
        2,
        1,
        1,
    )


def test_i2_of_more_checks_at_once_than_are_left_only_those_are_spent_and_counted(store, settings, transactional_db):
    opened = open_one(store, checks=5, checks_left=2).challenge
    done = race(lambda number: check(store, opened, client=OF_IPV6), 12)
    assert done.count(None) == 10
    used = {usage.limit.name: usage.used for usage in store.usage(demands.for_check(OF_IPV6).limits)}
    assert used == {"checks_per_client_hour": 2, "checks_per_site_hour": 2}


def test_who_comes_too_late_for_the_last_check_is_given_back_what_it_took(store, monkeypatch):
    opened = open_one(store, checks_left=1).challenge
    assert check(store, opened, client=CLIENT)
    before = counted()
    monkeypatch.setattr(rows, "exists", lambda which: ALWAYS)  # it had one when the statement began
    assert check(store, opened, client=CLIENT) is None
    assert counted() == before


def test_i8_where_the_phones_row_was_deleted_and_written_anew_since_the_look_it_is_seen(store, clock, monkeypatch):
    """Its version is then what it was."""
    phone, look = new_phone(), standing.look
    open_one(store, phone=phone)
    clock.advance(3 * 24 * 3600)

    def overtaken(*asked):
        monkeypatch.setattr(standing, "look", look)
        seen = look(*asked)
        store.purge()
        open_one(store, phone=phone)
        return seen

    monkeypatch.setattr(standing, "look", overtaken)
    with pytest.raises(Limited):
        open_one(store, phone=phone)
    assert ChallengeRow.objects.count() == 1


def test_an_approval_that_a_cancel_overtakes_gives_nothing_back_and_ends_no_sibling(store, clock, monkeypatch):
    sibling = open_one(store).challenge
    clock.advance(60)
    opened = open_one(store, phone=sibling.phone, client=CLIENT).challenge
    checked = check(store, opened)
    store.close(opened, Status.CANCELED)
    before = counted()
    monkeypatch.setattr(rows, "pending", lambda challenge: ALWAYS)  # it was when the statement began
    assert not store.close(checked, Status.APPROVED)
    assert counted() == before
    assert store.get(sibling.id).status is Status.PENDING


# nothing to do


def test_an_unknown_challenge_takes_nothing(store, undone):
    opened = open_one(store).challenge
    before = list(Counter.objects.order_by("key").values())
    unknown = new_challenge(phone=opened.phone, id=random_id())
    assert check(store, unknown, client=CLIENT) is None
    assert not store.close(unknown, Status.APPROVED)
    assert list(Counter.objects.order_by("key").values()) == before
    assert undone == []


def test_a_closed_challenge_is_neither_checked_nor_approved_again(store, undone):
    checked = check(store, open_one(store).challenge)
    assert store.close(checked, Status.APPROVED)
    before = counted()
    assert check(store, checked, client=CLIENT) is None
    assert not store.close(checked, Status.APPROVED)
    assert counted() == before
    assert undone == []


# a limit is reached, or a crowd looks wrong


def test_a_check_that_one_of_two_limits_refuses_takes_nothing_of_the_other(store, settings, undone):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    opened = open_one(store).challenge
    assert check(store, opened, client=OF_IPV6)
    before = counted()
    for _ in range(2):
        with pytest.raises(Limited) as refused:
            check(store, opened, client=OF_IPV6)
        assert refused.value.limit == "checks_per_client_hour"
    assert counted() == before
    assert store.get(opened.id).checks_left == 4
    assert len(undone) == 1


def test_i2_a_check_of_a_client_that_has_none_left_spends_nothing(store, settings, undone):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    opened = open_one(store).challenge
    assert check(store, opened, client=CLIENT)
    with pytest.raises(Limited):
        check(store, opened, client=CLIENT)
    assert store.get(opened.id).checks_left == 4
    assert undone == []


@pytest.mark.parametrize("name", ["sends_per_day", "failures_per_day", "sends_per_client_hour"])
def test_a_send_that_is_refused_leaves_nothing_and_the_next_goes_the_exact_way_at_once(store, settings, looks, name):
    setattr(settings, f"OTP_{name.upper()}", 5 if name == "failures_per_day" else 1)
    settings.OTP_PROOFS = False
    open_one(store, client=CLIENT)
    before = counted()
    for _ in range(2):
        with pytest.raises(Limited) as refused:
            open_one(store, client=CLIENT)
        assert refused.value.limit == name
    assert (ChallengeRow.objects.count(), Delivery.objects.count(), counted()) == (1, 1, before)
    assert len(looks) == 2


def test_of_a_burst_that_needs_proofs_nothing_counts_even_for_an_instant(store, settings, transactional_db):
    """What those who are refused took for a while would block the prefix for all."""
    settings.OTP_PROOFS = True
    phones = [f"+9989012345{number:02d}" for number in range(24)]

    def send(number):
        challenge = new_challenge(phone=phones[number])
        return store.open(challenge, sending(challenge, f"192.0.2.{number + 1}"))

    done = [type(each) for each in race(send, 24)]
    assert (done.count(Grant), done.count(ProofRequired)) == (5, 19)
    assert not Counter.objects.filter(blocked_until__gt=0).exists()
    assert (ChallengeRow.objects.count(), Delivery.objects.count()) == (5, 5)


def test_of_a_burst_those_who_are_refused_take_no_place_of_others(store, settings, transactional_db):
    settings.OTP_PROOFS = False
    settings.OTP_SENDS_PER_DAY = 12
    settings.OTP_SENDS_PER_CLIENT_HOUR = 1
    settings.OTP_UNCONVERTED_PER_PREFIX_HOUR = 100

    def send(number):
        return open_one(store, client=f"192.0.2.{number}" if number < 12 else "192.0.2.11")

    done = race(send, 24)
    assert [type(each) for each in done].count(Grant) == 12


def test_an_error_of_another_kind_is_not_taken_for_a_refusal(store, monkeypatch):
    monkeypatch.delattr(standing, "lock")
    with pytest.raises(DataError):
        open_one(store, language="longer than its column")


def test_a_doubt_ends_after_a_minute(store, settings, looks, monkeypatch):
    settings.OTP_SENDS_PER_DAY = 1
    open_one(store)
    begun = time.monotonic()
    for later, times in ((0, 2), (59, 2), (61, 3)):
        monkeypatch.setattr(optimistic.time, "monotonic", lambda now=begun + later: now)
        with pytest.raises(Limited):
            open_one(store)
        assert len(looks) == times


def test_doubts_are_forgotten_before_they_are_too_many(store, settings, looks, monkeypatch):
    monkeypatch.setattr(optimistic, "_MOST_DOUBTS", 1)
    settings.OTP_SENDS_PER_CLIENT_HOUR = 1
    settings.OTP_PROOFS = False
    for client in ("192.0.2.1", "192.0.2.2"):
        open_one(store, client=client)
    for client, times in (("192.0.2.1", 3), ("192.0.2.1", 3), ("192.0.2.2", 4), ("192.0.2.1", 5)):
        with pytest.raises(Limited):
            open_one(store, client=client)
        assert len(looks) == times


def test_a_client_beyond_half_of_its_sends_needs_a_proof_and_its_send_leaves_nothing(store, settings, looks):
    settings.OTP_PROOFS = True
    settings.OTP_SENDS_PER_CLIENT_HOUR = 4
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 10
    for _ in range(2):
        open_one(store, client=CLIENT)
    before = counted()
    challenge = new_challenge()
    for _ in range(2):
        with pytest.raises(ProofRequired):
            store.open(challenge, sending(challenge, CLIENT))
    assert (ChallengeRow.objects.count(), Delivery.objects.count(), counted()) == (2, 2, before)
    assert len(looks) == 3
    optimistic.forget()
    for proof in ("one", "two"):
        store.open(another := new_challenge(), sending(another, CLIENT, proof=proof))
    assert len(looks) == 5


def test_the_first_send_of_a_client_that_has_one_is_beyond_half_of_them(store, settings):
    """Its counter is not there yet: what is new must fit as well."""
    settings.OTP_PROOFS = True
    settings.OTP_SENDS_PER_CLIENT_HOUR = 1
    with pytest.raises(ProofRequired):
        open_one(store, client=CLIENT)
    assert counted() == {}


@pytest.fixture
def poor(settings, clock, store):
    """A region where none of five sends converted, and each had a minute for it."""
    settings.OTP_PROOFS = True
    settings.OTP_HOME_REGIONS = []
    settings.OTP_CONVERSION_LEAST = 5
    for _ in range(5):
        open_one(store)
    clock.advance(63)
    optimistic.forget()
    return lambda: {
        usage.limit.name: usage.used for usage in store.usage(demands.for_send("+998900000000", None).limits)
    }


def test_a_region_that_does_not_convert_is_blocked_by_the_transaction(store, poor, looks):
    challenge = new_challenge()
    with pytest.raises(Limited) as refused:
        store.open(challenge, sending(challenge, proof="p"))
    assert refused.value.block.reason == "0 of 5 sends were followed by a success"
    assert len(looks) == 1
    assert (ChallengeRow.objects.count(), poor()["sends_per_region_day"]) == (5, 5)


def test_a_region_that_looks_wrong_is_doubtful_for_all_its_clients(store, poor, settings, looks):
    settings.OTP_CONVERSION_BLOCK = 0
    before = poor()
    for client in ("192.0.2.1", "192.0.2.2"):
        with pytest.raises(ProofRequired):
            open_one(store, client=client)
    assert len(looks) == 1
    assert poor() == before


def test_after_a_block_a_region_is_judged_by_what_came_since_which_a_transaction_knows(store, settings, clock, looks):
    settings.OTP_PROOFS = True
    settings.OTP_HOME_REGIONS = []
    settings.OTP_CONVERSION_LEAST = 4
    for _ in range(8):
        assert store.close(check(store, open_one(store).challenge), Status.APPROVED)
    clock.advance(2 * 3600)
    Counter.objects.update(blocked_until=store.now() - 1000)
    for _ in range(4):
        open_one(store)
    with pytest.raises(ProofRequired):
        open_one(store)
    assert len(looks) == 9


def test_a_send_without_limits_of_crowds_is_written_as_well(store):
    challenge = new_challenge()
    grant = store.open(challenge, demands.for_send(challenge.phone, None, checks=5, test=True))
    assert store.get(challenge.id) == grant.challenge


# the log of the server


def test_what_strangers_can_have_logged_as_an_error_names_nobody(store, settings, log, undone):
    settings.OTP_SENDS_PER_CLIENT_HOUR = settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    opened, refused = new_challenge(), new_challenge()
    store.open(opened, sending(opened, OF_IPV6))
    with pytest.raises(Limited):
        store.open(refused, sending(refused, OF_IPV6))
    assert check(store, opened, client=OF_IPV6)
    with pytest.raises(Limited):
        check(store, opened, client=OF_IPV6)
    assert len(undone) == 2
    said = log()
    assert said.count("otp_app goes another way") > len(undone)  # the error, and the statement that it undid
    for challenge in (opened, refused):
        secrets = (challenge.phone[1:], challenge.id, challenge.nonce, phone_key(challenge.phone))
        assert [secret for secret in secrets if secret in said.replace("-", "")] == []
