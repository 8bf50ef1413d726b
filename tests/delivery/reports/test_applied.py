"""What providers report moves a delivery forward, once, in whatever order and however often it comes."""

import itertools
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app.delivery import records, reports
from otp_app.models import EventRow
from otp_app.providers.base import Event
from otp_app.signals import reported
from tests.races import race
from tests.reporting import REFERENCE, now, say, unanswered

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_arrives_and_its_record_says_so_and_after_how_long(sent, clock):
    clock.advance(7)
    say("delivered")
    assert now(sent) == "delivered"
    assert 7000 <= sent.delivered_after < 60_000
    event = EventRow.objects.get()
    assert (event.delivery, event.provider, event.reference, event.status) == (sent, "remote", REFERENCE, "delivered")


@pytest.mark.parametrize(("status", "error"), [("undelivered", "30005"), ("failed", "30008")])
def test_a_message_that_does_not_arrive_has_its_error_and_no_time(sent, status, error):
    say(status, error=error)
    assert now(sent) == status
    assert (sent.error, sent.delivered_after) == (error, None)


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "sent", "delivered"])))
def test_whatever_the_order_the_furthest_word_stands(sent, order):
    for status in order:
        say(status)
    assert now(sent) == "delivered"
    assert EventRow.objects.count() == 2


@pytest.mark.parametrize("end", ["delivered", "undelivered", "failed"])
@pytest.mark.parametrize("later", ["sent", "delivered", "undelivered", "failed"])
def test_what_has_ended_stays_as_it_is(sent, end, later):
    say(end, error="first" if end != "delivered" else "")
    now(sent)
    before = (sent.status, sent.error, sent.delivered_after)
    say(later, error="second", id="another report")
    assert (now(sent), sent.error, sent.delivered_after) == before
    assert sent.events.count() == 2


def test_a_lost_reply_is_cleared_up_by_a_report_that_quotes_our_id(remote):
    delivery, our_id, challenge = unanswered()
    records.end(challenge, 1, "unknown", error="timeout")
    say("delivered", id=our_id)
    assert now(delivery) == "delivered"
    assert (delivery.error, delivery.reference) == ("", REFERENCE)


def test_the_same_report_again_is_kept_once_and_changes_nothing(sent):
    say("delivered", price=Decimal("0.07"))
    now(sent)
    first = sent.updated_at
    for _ in range(3):
        say("delivered", price=Decimal("0.09"))
    now(sent)
    assert (sent.price, sent.updated_at, EventRow.objects.count()) == (Decimal("0.07"), first, 1)


@pytest.mark.parametrize(
    "other", [{"status": "sent"}, {"error": "1"}, {"id": "x"}, {"reference": "their-2"}, {"alias": "another"}]
)
def test_reports_that_differ_in_what_they_say_are_two(sent, other):
    said = {"status": "undelivered", "reference": REFERENCE, "id": "", "error": ""}
    for values in (said, said | other):
        reports.apply(values.pop("alias", "remote"), Event(**values))
    assert EventRow.objects.count() == 2


def test_twenty_equal_reports_at_once_are_one_event_and_one_move(sent, heard):
    results = race(lambda _: say("delivered"), 20)
    assert results == [None] * 20
    assert (EventRow.objects.count(), now(sent), heard) == (1, "delivered", [("delivered", "delivered")])


def test_many_different_reports_at_once_lose_nothing_and_end_once(sent, heard):
    words = ["sent", "undelivered", "delivered", "failed"]
    results = race(lambda n: say(words[n % 4], error=str(n // 4)), 20)
    assert results == [None] * 20
    assert EventRow.objects.exclude(delivery=None).count() == 20
    end = now(sent)
    assert end in ("delivered", "undelivered", "failed")
    assert len(heard) == 20
    assert {status for _, status in heard} - {"sent"} == {end}


def test_a_receiver_that_fails_stops_neither_the_record_nor_the_others(sent, heard, caplog):
    def fail(**values):
        raise RuntimeError("a receiver's own")

    reported.connect(fail)
    try:
        say("delivered")
    finally:
        reported.disconnect(fail)
    assert now(sent) == "delivered"
    assert heard == [("delivered", "delivered")]


def test_the_signal_is_sent_after_the_commit(sent):
    seen = []

    def look(**values):
        seen.append(connection.in_atomic_block)

    reported.connect(look)
    try:
        say("delivered")
    finally:
        reported.disconnect(look)
    assert seen == [False]


# cost

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.mark.parametrize(("again", "statements"), [(False, 6), (True, 3)])
def test_a_report_takes_six_statements_and_one_that_is_known_three(sent, again, statements):
    say("sent")
    if again:
        say("delivered")
    with CaptureQueriesContext(connection) as captured:
        say("delivered")
    count = sum(not query["sql"].startswith(CONTROL) for query in captured)
    assert count == statements + (connection.vendor == "postgresql")  # which is asked for the time
