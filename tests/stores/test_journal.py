"""Sends that a process has taken on are in the journal of the store in Redis until they are in the database."""

from decimal import Decimal

import pytest
from django.db import OperationalError, connections

from otp_app import services
from otp_app.challenges import Claim
from otp_app.delivery import records, reports, suppressions, sweeper
from otp_app.errors import DeliveryFailed, Limited, UndeliverablePhone
from otp_app.models import Delivery
from otp_app.providers.base import Event, NotAccepted, Receipt, Rejected, Unknown
from otp_app.stores import redis as redis_store
from otp_app.stores import write_behind
from otp_app.stores.redis import RedisStore, journal
from tests import journal as kept
from tests.asking import open_one, send_again, sending
from tests.factories import new_challenge, new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = 60
CLAIMS = {"sms": Claim("one"), "telegram": Claim("two")}


@pytest.fixture(autouse=True)
def _writer():
    """One of the test's own."""
    write_behind._buffer_of.cache_clear()
    yield
    write_behind._buffer_of.cache_clear()


@pytest.fixture(autouse=True)
def server(redis_server, settings, clock):
    redis_server.flush()
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = redis_server.url
    return redis_server


@pytest.fixture
def store():
    return RedisStore()


@pytest.fixture
def remote():
    with remotes("one", "two", routes={"*": {"sms": ["one", "two"]}}) as told:
        yield told


@pytest.fixture
def failing(monkeypatch):
    """The database fails where ends are written."""

    def fail(*_asked):
        raise OperationalError

    merge = write_behind._merge
    monkeypatch.setattr(write_behind, "_merge", fail)
    return lambda: monkeypatch.setattr(write_behind, "_merge", merge)


def take_on(store, **values):
    challenge = new_challenge(**values)
    return store.open(challenge, sending(challenge), CLAIMS)


def dead():
    """As after the end of its process: what that knew nobody knows."""
    write_behind._buffer_of.cache_clear()


def facts(*names):
    return list(Delivery.objects.order_by("sent_at", "handover").values_list(*names))


# taken on


def test_a_send_is_in_the_journal_as_soon_as_it_is_committed(store, server):
    grant = take_on(store)
    assert kept.entries(server) == [
        [grant.challenge.id, str(grant.challenge.sent_at[0]), "one", 0, grant.claimed.row["reference"]]
    ]
    assert facts() == []


def test_each_send_of_a_challenge_has_an_entry_with_the_provider_of_its_channel(store, server, settings):
    settings.OTP_WAITS = ()
    first = take_on(store)
    for channel in ("telegram", ""):
        last = send_again(store, first.challenge, claims=CLAIMS, channel=channel)
    assert kept.providers(server) == ["one", "two", "two"]
    assert [int(at) for _, at, *_ in kept.entries(server)] == list(last.challenge.sent_at)


def test_a_channel_that_is_on_offer_no_more_has_an_entry_that_names_nobody(store, server, settings):
    settings.OTP_WAITS = ()
    opened = open_one(store, channel="whatsapp").challenge
    send_again(store, opened, claims=CLAIMS, channel="")
    assert kept.providers(server) == [""]


def test_neither_a_refused_send_nor_one_for_workers_has_an_entry(store, server):
    opened = open_one(store).challenge
    with pytest.raises(Limited):
        take_on(store, phone=opened.phone)
    assert not server.command("EXISTS", kept.KEY)


# written


@pytest.mark.parametrize(
    ("behaviours", "error", "ends"),
    [
        ({}, None, [("one", "sent")]),
        ({"one": Rejected("21211")}, UndeliverablePhone, [("one", "failed")]),
        ({"one": Unknown("timeout")}, None, [("one", "unknown")]),
        ({"one": NotAccepted("503")}, None, [("one", "failed"), ("two", "sent")]),
        (
            {"one": NotAccepted("503"), "two": NotAccepted("503")},
            DeliveryFailed,
            [("one", "failed"), ("two", "failed")],
        ),
    ],
    ids=["accepted", "rejected", "lost", "passed on", "nobody"],
)
def test_however_a_send_ends_it_is_in_the_database_and_no_more_in_the_journal(
    remote, server, clock, behaviours, error, ends
):
    for name, failure in behaviours.items():
        remote.fail(failure, name)
    if error:
        with pytest.raises(error):
            services.send_code(phone=new_phone())
    else:
        services.send_code(phone=new_phone())
    assert facts("provider", "status") == ends
    assert len(kept.entries(server)) == 1
    services.send_code(phone=new_phone()) if not behaviours else RedisStore().settle()
    assert len(kept.entries(server)) == (not behaviours)  # that of the next send
    clock.advance(LEASE + 1)
    sweeper.sweep()
    assert facts("provider", "status")[: len(ends)] == ends


def test_what_is_written_is_forgotten_with_the_next_send(store, server):
    first = take_on(store)
    records.insert_claimed(first)
    assert len(kept.entries(server)) == 1
    second = take_on(store)
    assert [challenge_id for challenge_id, *_ in kept.entries(server)] == [second.challenge.id]


def test_what_is_written_is_forgotten_with_the_next_send_again_too(store, server, settings):
    settings.OTP_WAITS = ()
    first = take_on(store)
    records.insert_claimed(first)
    again = send_again(store, first.challenge, claims=CLAIMS)
    assert [int(at) for _, at, *_ in kept.entries(server)] == [again.challenge.sent_at[-1]]


def test_what_is_written_is_forgotten_with_a_send_that_is_refused_as_well(store, server):
    """It is told once: else every refusal would leave some for a sweep."""
    first = take_on(store)
    records.insert_claimed(first)
    with pytest.raises(Limited):
        take_on(store, phone=first.challenge.phone)
    assert kept.entries(server) == []


def test_what_is_written_is_forgotten_by_a_server_that_has_to_be_told_first_what_it_lacks(store, server):
    first = take_on(store)
    records.insert_claimed(first)
    server.command("DEL", "otp:generation")
    take_on(store)
    assert first.challenge.id not in [challenge_id for challenge_id, *_ in kept.entries(server)]


def test_so_many_are_forgotten_at_once(store, server, monkeypatch):
    monkeypatch.setattr(journal, "_MAX_REMOVED_ENTRIES", 2)
    for grant in [take_on(store) for _ in range(3)]:
        records.insert_claimed(grant)
    take_on(store)
    assert len(kept.entries(server)) == 2
    take_on(store)
    assert len(kept.entries(server)) == 2


def test_a_report_that_comes_before_the_row_is_matched_when_it_is_there(remote):
    def report(message):
        reports.apply("one", Event("delivered", reference="theirs"))
        connections.close_all()  # of this thread, which is a provider's
        return Receipt("theirs", 1)

    remote.behave(report, "one")
    services.send_code(phone=new_phone())
    assert facts("status") == [("sent",)]
    assert sweeper.sweep().matched == 1
    assert facts("status") == [("delivered",)]


# left behind


def test_what_a_process_took_on_before_it_died_becomes_unknown_after_the_lease(store, server, clock):
    take_on(store)
    grant = take_on(store)
    dead()
    clock.advance(LEASE / 2)
    assert store.settle() == 0
    assert facts() == []
    clock.advance(LEASE / 2)
    assert store.settle() == 2
    row = Delivery.objects.get(challenge=grant.challenge.id)
    assert (row.status, row.error, row.provider) == ("unknown", "lease", "one")
    assert (row.sent_at, row.claimed_at) == (grant.challenge.sent_at[0],) * 2
    assert (row.reference, row.phone.hex) == (grant.claimed.row["reference"], grant.claimed.row["phone"])
    assert (row.channel, row.device, row.region) == ("sms", False, "UZ")
    assert (store.settle(), kept.entries(server)) == (0, [])


def test_of_two_sends_of_a_challenge_each_becomes_unknown_as_itself(store, clock, settings):
    settings.OTP_WAITS = ()
    first = take_on(store)
    clock.advance(1)
    again = send_again(store, first.challenge, claims=CLAIMS)
    clock.advance(LEASE)
    assert store.settle() == 2
    references = [(grant.claimed.row["reference"],) for grant in (first, again)]
    assert facts("reference") == references
    assert facts("sent_at") == [(at,) for at in again.challenge.sent_at]


def test_nothing_that_was_left_behind_is_ever_sent(store, remote, clock):
    take_on(store)
    for _ in range(3):
        clock.advance(LEASE)
        sweeper.sweep()
    assert facts("status") == [("unknown",)]
    assert remote.sent == []


def test_more_than_a_batch_is_brought_over_in_as_many_as_it_takes(store, server, clock, monkeypatch):
    monkeypatch.setattr(redis_store, "_CONVERTED_BATCH", 2)
    for _ in range(5):
        take_on(store)
    clock.advance(LEASE)
    assert store.settle() == 5
    assert (len(facts("pk")), kept.entries(server)) == (5, [])


def test_an_entry_whose_challenge_is_gone_is_forgotten(store, server, clock):
    grant = take_on(store)
    server.command("DEL", f"otp:c:{grant.challenge.id}")
    clock.advance(LEASE)
    assert store.settle() == 0
    assert (facts(), kept.entries(server)) == ([], [])


def test_a_process_that_died_between_its_row_and_the_journal_leaves_the_row_as_it_is(remote, store, server, clock):
    services.send_code(phone=new_phone())
    dead()
    assert len(kept.entries(server)) == 1
    clock.advance(LEASE)
    assert store.settle() == 0  # nothing was given up
    assert facts("status", "error") == [("sent", "")]
    assert kept.entries(server) == []


def test_an_entry_that_cannot_be_brought_over_is_kept_for_the_next_sweep(store, server, clock, monkeypatch):
    def fail(*_asked):
        raise OperationalError

    take_on(store)
    clock.advance(LEASE)
    with monkeypatch.context() as broken:
        broken.setattr(write_behind.writes, "run", fail)
        with pytest.raises(OperationalError):
            store.settle()
    assert len(kept.entries(server)) == 1
    assert store.settle() == 1


def test_an_answer_that_comes_after_it_was_given_up_is_believed(remote, store, clock):
    def late(message):
        clock.advance(LEASE)
        assert store.settle() == 1
        connections.close_all()  # of this thread, which is a provider's
        return Receipt("theirs", 2)

    remote.behave(late, "one")
    services.send_code(phone=new_phone())
    assert facts("status", "error", "reference", "segments") == [("sent", "", "theirs", 2)]


# a database that fails


def test_what_was_sent_and_cannot_be_written_lets_nobody_send_until_it_can_be(remote, failing, server):
    services.send_code(phone=new_phone())
    for _ in range(2):
        with pytest.raises(OperationalError):
            services.send_code(phone=new_phone())
    assert (len(remote.sent), len(kept.entries(server))) == (1, 1)
    failing()
    services.send_code(phone=new_phone())
    assert facts("status", "provider") == [("sent", "one")] * 2
    assert len(kept.entries(server)) == 1


def test_who_asks_meanwhile_is_told_to_come_again(remote, failing, client):
    client.raise_request_exception = False
    asked = [client.post("/api/send-otp/", {"phone": new_phone()}, content_type="application/json") for _ in range(2)]
    assert [answer.status_code for answer in asked] == [200, 503]


def test_sends_for_workers_do_not_wait_for_it(remote, failing, settings):
    """They are written down themselves before they are sent."""
    services.send_code(phone=new_phone())
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    services.send_code(phone=new_phone())
    assert facts("status") == [("queued",)]


# reports that are faster than the row


def say(status, message, **more):
    reports.apply("one", Event(status, reference="SM1", id=message.id, **more))
    connections.close_all()  # of the thread of the call


def test_what_a_report_says_during_the_call_counts_when_the_row_is_there(remote, clock):
    told = {"error": "30006", "unreachable": True, "price": Decimal("0.9"), "segments": 3}
    remote.behave(lambda message: say("undelivered", message, **told) or Receipt("SM1", 1), "one")
    phone = new_phone()
    services.send_code(phone=phone)
    assert sweeper.sweep().matched == 1
    assert facts("status", "reference", "error", "segments", "price") == [
        ("undelivered", "SM1", "30006", 3, Decimal("0.9"))
    ]
    assert suppressions.suppressed_channels(phone) == ["sms"]


def test_a_report_of_a_call_whose_reply_is_lost_is_matched_by_our_id(remote, clock):
    def lose(message):
        say("delivered", message)
        raise Unknown("timeout")

    remote.behave(lose, "one")
    services.send_code(phone=new_phone())
    sweeper.sweep()
    assert facts("status", "reference") == [("delivered", "SM1")]


def test_a_report_on_what_a_process_took_with_it_is_matched_by_our_id(remote, clock, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_asked):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(records, "record_sent", die)
        with pytest.raises(Killed):
            services.send_code(phone=new_phone())
    dead()
    say("delivered", remote.sent[-1][1])
    clock.advance(LEASE + 1)
    sweeper.sweep()
    assert facts("status", "reference") == [("delivered", "SM1")]


def test_a_rejection_that_came_early_holds_the_number_back_on_all_channels(remote, clock):
    told = {"error": "21610", "rejected": True}
    remote.behave(lambda message: say("failed", message, **told) or Receipt("SM1", 1), "one")
    phone = new_phone()
    services.send_code(phone=phone)
    sweeper.sweep()
    assert suppressions.suppressed_channels(phone) == [""]
