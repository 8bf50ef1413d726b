"""The rows of deliveries: one process claims each delivery attempt, and its status moves forward only."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError

from otp_app import services
from otp_app.db import clock as clocks
from otp_app.delivery import records
from otp_app.delivery.records import Status
from otp_app.models import Delivery
from otp_app.stores import outbox
from tests.asking import open_one, send_again
from tests.factories import new_challenge, new_phone
from tests.races import race

pytestmark = pytest.mark.django_db

ENDED = (Status.DELIVERED, Status.UNDELIVERED, Status.FAILED)


@pytest.fixture
def challenge(each_store, clock):
    return open_one(each_store).challenge


def row(challenge, number=1):
    return Delivery.objects.get(challenge=challenge.id, sent_at=challenge.sent_at[-1], handover=number)


def now():
    return clocks.read_now(records.database())


# the lease


@pytest.mark.django_db(transaction=True)
def test_i4_of_many_processes_one_claims_a_send(challenge):
    results = race(lambda number: records.claim(challenge, f"provider{number}"), 20)
    assert sorted(results) == [False] * 19 + [True]
    taken = row(challenge)
    assert taken.provider == f"provider{results.index(True)}"
    assert taken.reference == outbox.id_of(challenge, 1)
    assert abs(taken.claimed_at - now()) < 60_000


@pytest.mark.django_db(transaction=True)
def test_i4_of_many_processes_one_passes_a_send_on(challenge):
    records.claim(challenge, "one")
    results = race(lambda number: records.pass_on(challenge, "503", f"two{number}"), 12)
    assert sorted(results) == [False] * 11 + [True]
    assert Delivery.objects.count() == 2


def test_a_claimed_send_is_no_longer_unclaimed(challenge):
    assert records.unclaimed_sends(challenge.id) == list(challenge.sent_at)
    assert records.claim(challenge, "one")
    assert records.unclaimed_sends(challenge.id) == []
    assert not records.give_up(challenge.id, challenge.sent_at, "late")
    assert row(challenge).status == "queued"


def test_an_abandoned_attempt_is_never_claimed_again(challenge, clock):
    records.claim(challenge, "one")
    clock.advance(60)
    assert records.abandon(now()) == 1
    assert (row(challenge).status, row(challenge).error) == ("unknown", "lease")
    assert not records.claim(challenge, "two")
    assert not records.pass_on(challenge, "503", "two")
    assert records.unclaimed_sends(challenge.id) == []
    assert Delivery.objects.count() == 1


def test_only_attempts_claimed_long_ago_and_never_ended_are_abandoned(each_store, clock):
    free, ended, old, young = (open_one(each_store).challenge for _ in range(4))
    for challenge in (ended, old):
        records.claim(challenge, "one")
    records.end(ended, 1, Status.SENT)
    clock.advance(61)
    records.claim(young, "one")
    assert records.abandon(now() - 60_000) == 1
    assert [row(item).status for item in (free, ended, old, young)] == ["queued", "sent", "unknown", "queued"]


def test_sends_that_wait_are_overdue_after_a_while_the_oldest_first(each_store, clock):
    first = open_one(each_store).challenge
    clock.advance(60)
    second, taken, ended = (open_one(each_store).challenge for _ in range(3))
    records.claim(taken, "one")
    records.give_up(ended.id, ended.sent_at, "late")
    clock.advance(60)
    open_one(each_store)
    before = now() - 30_000
    assert records.overdue(before, 10) == [first.id, second.id]
    assert records.overdue(before, 1) == [first.id]


# passing on


def test_the_second_hand_over_is_a_row_of_its_own_and_the_first_says_why(challenge):
    records.claim(challenge, "one")
    Delivery.objects.update(unconverted=7)
    assert records.pass_on(challenge, "r" * 100, "two")
    first, second = row(challenge), row(challenge, 2)
    assert (first.status, first.error, first.provider) == ("failed", "r" * 64, "one")
    assert (second.status, second.error, second.provider) == ("queued", "", "two")
    assert second.claimed_at >= first.claimed_at > 0
    assert second.reference == outbox.id_of(challenge, 2) != first.reference
    for name in ("phone", "device", "region", "sent_at", "channel", "unconverted"):
        assert getattr(second, name) == getattr(first, name)


def test_a_third_hand_over_of_the_same_number_cannot_be_written(challenge):
    records.claim(challenge, "one")
    records.pass_on(challenge, "503", "two")
    copy = row(challenge, 2)
    copy.pk = None
    with pytest.raises(IntegrityError):
        copy.save(force_insert=True)


def test_a_process_that_dies_while_it_passes_on_leaves_the_first_as_it_was(challenge, monkeypatch):
    records.claim(challenge, "one")

    def die(*args, **options):
        raise SystemExit

    monkeypatch.setattr(Delivery, "save", die)
    with pytest.raises(SystemExit):
        records.pass_on(challenge, "503", "two")
    assert (row(challenge).status, row(challenge).error) == ("queued", "")
    assert Delivery.objects.count() == 1


# ends


@pytest.mark.parametrize("status", [Status.SENT, Status.UNKNOWN, Status.FAILED])
def test_a_hand_over_ends_once_and_its_reason_has_room(challenge, status):
    records.claim(challenge, "one")
    records.end(challenge, 1, status, error="r" * 100)
    assert (row(challenge).status, row(challenge).error) == (status, "r" * 64)


def test_an_answer_after_it_was_given_up_as_unknown_is_believed(challenge, clock):
    records.claim(challenge, "one")
    clock.advance(60)
    records.abandon(now())
    records.end(challenge, 1, Status.SENT, reference="theirs", segments=2)
    late = row(challenge)
    assert (late.status, late.error, late.reference, late.segments) == ("sent", "", "theirs", 2)


@pytest.mark.parametrize("reported", ENDED)
def test_a_report_that_was_faster_stands_and_the_answer_adds_what_it_knows(challenge, reported):
    records.claim(challenge, "one")
    assert records.advance(row(challenge), reported, error="30003")
    records.end(challenge, 1, Status.SENT, reference="theirs", latency=5)
    first = row(challenge)
    assert (first.status, first.error, first.reference, first.latency) == (reported, "30003", "theirs", 5)


@pytest.mark.parametrize("reported", ENDED)
@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.FAILED])
def test_a_lost_or_late_answer_says_nothing_against_a_report(challenge, reported, status):
    records.claim(challenge, "one")
    records.advance(row(challenge), reported)
    records.end(challenge, 1, status, error="timeout")
    assert (row(challenge).status, row(challenge).error) == (reported, "")


def test_an_answer_is_only_of_its_own_hand_over_and_send(each_store, clock):
    first = open_one(each_store).challenge
    clock.advance(60)
    again = send_again(each_store, first).challenge
    records.claim(again, "one")
    records.pass_on(again, "503", "two")
    records.end(again, 2, Status.SENT)
    assert [row(first).status, row(again).status, row(again, 2).status] == ["queued", "failed", "sent"]


@pytest.mark.parametrize("before", Status.values)
@pytest.mark.parametrize("after", Status.values)
def test_a_report_moves_a_delivery_forward_only(each_store, before, after):
    challenge = open_one(each_store).challenge
    Delivery.objects.update(status=before)
    ranks = {"queued": 0, "unknown": 1, "sent": 2} | dict.fromkeys(ENDED, 3)
    forward = ranks[after] > ranks[before]
    if after == Status.QUEUED:
        with pytest.raises(KeyError):  # nothing comes to it
            records.advance(row(challenge), after)
        return
    assert records.advance(row(challenge), after) is forward
    assert row(challenge).status == (after if forward else before)


def test_what_a_report_knows_is_written_though_it_moves_nothing(challenge):
    records.claim(challenge, "one")
    assert records.advance(row(challenge), Status.DELIVERED)
    assert not records.advance(row(challenge), Status.SENT, segments=2)
    assert not records.advance(row(challenge), Status.SENT)
    assert (row(challenge).status, row(challenge).segments) == ("delivered", 2)


# ids


def test_ids_differ_by_challenge_send_and_hand_over_and_are_the_same_everywhere():
    one = replace(new_challenge(), sent_at=(1, 2))
    others = [replace(new_challenge(), sent_at=(1, 2)), replace(one, sent_at=(1, 3))]
    ids = {outbox.id_of(challenge, number) for challenge in (one, *others) for number in (1, 2)}
    assert len(ids) == 6
    assert outbox.id_of(one, 1) == outbox.id_of(replace(one, sent_at=(9, 2)), 1)
    assert all(len(each) == 32 and one.id not in each for each in ids)


def test_what_a_report_has_said_of_price_and_segments_is_worth_more_than_our_estimate():
    challenge = services.send_code(phone=new_phone()).challenge
    row = Delivery.objects.get()
    Delivery.objects.update(status="delivered", segments=3, price=Decimal("0.30"), latency=None)
    records.end(challenge, 1, "sent", reference="theirs", segments=1, price=Decimal("0.05"), latency=7)
    row.refresh_from_db()
    assert (row.status, row.segments, row.price) == ("delivered", 3, Decimal("0.30"))
    assert (row.reference, row.latency) == ("theirs", 7)


@pytest.mark.django_db(transaction=True)
def test_the_newest_attempt_of_the_newest_send_is_found(sent):
    copies = [(sent.sent_at + 1, 1), (sent.sent_at + 1, 2), (sent.sent_at - 1, 1)]
    for at, handover in copies:
        Delivery.objects.create(challenge=sent.challenge, sent_at=at, handover=handover, channel="sms")
    found = records.newest(sent.challenge.hex)
    assert (found.sent_at, found.handover) == (sent.sent_at + 1, 2)
    assert records.newest("0" * 32) is None
