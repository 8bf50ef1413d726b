"""What providers report moves a delivery forward, once, in whatever order and however often it comes."""

import itertools
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from otp_app import services, stores
from otp_app.challenges import Status
from otp_app.delivery import records, reports, suppressions
from otp_app.errors import InsideTransaction, Unavailable
from otp_app.models import ChallengeRow, Counter, Delivery, EventRow
from otp_app.providers.base import Event, Receipt, Unknown
from otp_app.signals import reported
from otp_app.stores.redis import recovery
from tests.factories import new_phone
from tests.races import race
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)

REFERENCE = "their-1"


@pytest.fixture(autouse=True)
def remote():
    """A provider that gives its messages this name."""
    with remotes() as told:
        told.behave(lambda message: Receipt(REFERENCE, 1))
        yield told


@pytest.fixture
def sent():
    """The record of an accepted message."""
    challenge = services.send_code(phone=new_phone()).challenge
    return Delivery.objects.get(challenge=challenge.id)


@pytest.fixture
def heard():
    """What the signal told."""
    calls = []

    def hear(**told):
        calls.append((told["event"].status, told["delivery"].status))

    reported.connect(hear)
    yield calls
    reported.disconnect(hear)


def say(status, reference=REFERENCE, **more):
    reports.apply("remote", Event(status, reference=reference, **more))


def now(delivery):
    delivery.refresh_from_db()
    return delivery.status


def queued(phone=None):
    """A message that the provider was handed and has not answered for, and our id of it."""
    ids = []

    def lost(message):
        ids.append(message.id)
        raise Unknown("timeout")

    with remotes() as told:
        told.behave(lost)
        challenge = services.send_code(phone=phone or new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    Delivery.objects.update(status="queued", error="")  # as it was while the provider was at it
    return delivery, ids[0], challenge


# forward only


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
    delivery, our_id, challenge = queued()
    records.end(challenge, 1, "unknown", error="timeout")
    say("delivered", id=our_id)
    assert now(delivery) == "delivered"
    assert (delivery.error, delivery.reference) == ("", REFERENCE)


# once


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


# early and late


def test_a_report_is_earlier_than_the_answer_of_the_create_call():
    delivery, our_id, challenge = queued()
    say("sent", id=our_id)
    assert (now(delivery), delivery.reference) == ("sent", REFERENCE)
    say("delivered")  # by their id alone
    records.end(challenge, 1, "sent", reference=REFERENCE, segments=2, latency=5)
    assert (now(delivery), delivery.reference, delivery.segments) == ("delivered", REFERENCE, 2)


def test_one_that_does_not_quote_our_id_waits_for_the_sweep():
    delivery, _our_id, challenge = queued()
    say("delivered")
    assert (now(delivery), EventRow.objects.get().delivery, reports.match_early()) == ("queued", None, 0)
    records.end(challenge, 1, "sent", reference=REFERENCE)
    assert reports.match_early() == 1
    assert now(delivery) == "delivered"
    assert delivery.delivered_after >= 0
    assert reports.match_early() == 0


def test_or_for_the_next_report_on_it(heard):
    delivery, _our_id, challenge = queued()
    say("sent")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    say("undelivered", error="30005")
    assert now(delivery) == "undelivered"
    assert EventRow.objects.filter(delivery=delivery).count() == 2
    assert [status for status, _ in heard] == ["sent", "undelivered"]


def test_or_for_the_same_report_again():
    delivery, _our_id, challenge = queued()
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    say("delivered")
    assert (now(delivery), EventRow.objects.count()) == ("delivered", 1)


def test_many_sweeps_and_reports_at_once_apply_an_early_report_once(heard):
    delivery, _our_id, challenge = queued()
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    results = race(lambda n: reports.match_early() if n % 2 else say("sent", error=str(n)), 16)
    assert not [result for result in results if isinstance(result, Exception)]
    assert now(delivery) == "delivered"
    assert [status for status, _ in heard].count("delivered") == 1
    assert not EventRow.objects.filter(delivery=None).exists()


def test_of_two_who_apply_the_same_early_reports_each_applies_what_the_other_has_not(monkeypatch, heard):
    delivery, _our_id, challenge = queued()
    say("sent")
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    advance = records.advance

    def advance_while_another_is_at_it(row, status, **facts):
        EventRow.objects.filter(status="delivered").update(delivery=delivery)
        return advance(row, status, **facts)

    monkeypatch.setattr(records, "advance", advance_while_another_is_at_it)
    assert reports.match_early() == 1
    assert heard == [("sent", "sent")]


def test_the_sweep_tells_of_what_it_applied(heard):
    _delivery, _our_id, challenge = queued()
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    reports.match_early()
    assert heard == [("delivered", "delivered")]


def test_a_delivery_that_is_purged_while_the_sweep_looks_leaves_the_report_as_it_is(sent, monkeypatch):
    EventRow.objects.create(digest="1" * 32, provider="remote", reference=REFERENCE, status="delivered", raw={})
    monkeypatch.setattr(reports, "_find", lambda *_: None)
    assert reports.match_early() == 0
    assert EventRow.objects.get().delivery is None


def test_the_sweep_asks_one_question_when_there_is_nothing(sent):
    say("delivered", reference="of a stranger on the same account")
    with CaptureQueriesContext(connection) as captured:
        assert reports.match_early() == 0
    assert len(captured) == 1 + (connection.vendor == "postgresql")  # and what time it is


def test_the_sweep_leaves_alone_what_has_waited_for_more_than_an_hour(sent):
    EventRow.objects.create(digest="1" * 32, provider="remote", reference=REFERENCE, status="delivered", raw={})
    row = EventRow.objects.get()
    EventRow.objects.update(received_at=row.received_at - timedelta(seconds=reports.MATCH_PERIOD_SECONDS + 5))
    assert reports.match_early() == 0
    say("sent")  # but the next report does not
    assert now(sent) == "delivered"


def test_a_message_of_nobody_is_kept_and_told_to_nobody(heard):
    say("delivered", raw={"status": "delivered"})
    assert EventRow.objects.get().raw == {"status": "delivered"}
    assert heard == []


def test_another_providers_message_of_the_same_name_is_another(sent):
    other = Delivery.objects.create(
        challenge="1" * 32, sent_at=1, channel="sms", provider="another", reference=REFERENCE, status="sent"
    )
    reports.apply("another", Event("failed", reference=REFERENCE))
    assert (now(sent), now(other)) == ("sent", "failed")
    say("delivered")
    assert (now(sent), now(other)) == ("delivered", "failed")


def test_a_report_that_names_no_message_is_not_even_kept(sent):
    say("delivered", reference="")
    assert not EventRow.objects.exists()


@pytest.mark.parametrize("days", [10, 29])
def test_a_report_comes_days_late_and_the_challenge_is_gone(sent, clock, days):
    clock.advance(days * 86400)
    stores.current().purge()
    assert stores.current().get(sent.challenge.hex) is None
    say("delivered")
    assert now(sent) == "delivered"
    most = 2**31 - 1  # milliseconds that the column holds: 24 days
    assert most == sent.delivered_after if days > 24 else 0 <= sent.delivered_after - days * 86_400_000 < 60_000


def test_a_report_after_the_record_is_gone_is_kept_for_a_while_and_harms_nobody(sent, clock):
    clock.advance(31 * 86400)
    stores.current().purge()
    say("delivered")
    assert not Delivery.objects.exists()
    assert EventRow.objects.get().delivery is None
    clock.advance(31 * 86400)
    stores.current().purge()
    assert not EventRow.objects.exists()


def test_a_clock_that_is_behind_makes_no_negative_time(sent):
    Delivery.objects.update(sent_at=sent.sent_at + 60_000)
    say("delivered")
    assert (now(sent), sent.delivered_after) == ("delivered", 0)


def test_it_works_in_a_project_without_time_zones(settings, clock):
    settings.USE_TZ = False
    delivery, our_id, challenge = queued()
    clock.advance(7)
    say("delivered", error="21610", rejected=True)
    say("sent", reference="", id=our_id, rejected=True)
    records.end(challenge, 1, "sent", reference=REFERENCE)
    assert reports.match_early() == 1
    assert now(delivery) == "delivered"
    assert 7000 <= delivery.delivered_after < 60_000


# what else it says


def test_a_price_of_theirs_replaces_our_estimate_whenever_it_comes(sent):
    assert sent.price == Decimal("0.05")
    say("delivered", segments=2)
    say("sent", price=Decimal("0.0079"))
    now(sent)
    assert (sent.price, sent.segments) == (Decimal("0.0079"), 2)


def test_a_refund_is_a_price(sent):
    say("undelivered", price=Decimal(0))
    now(sent)
    assert sent.price == 0


@pytest.mark.parametrize(
    "more",
    [
        {"price": Decimal("NaN")},
        {"price": Decimal("Infinity")},
        {"price": Decimal(-1)},
        {"price": Decimal(10) ** 9},
        {"segments": -1},
        {"segments": 10**9},
    ],
)
def test_numbers_that_cannot_be_are_passed_over(sent, more):
    say("delivered", **more)
    assert (now(sent), sent.price, sent.segments) == ("delivered", Decimal("0.05"), 1)


def test_texts_that_no_database_takes_are_made_ones_that_it_does(sent):
    odd = "a\0b\ud800" + 300 * "c"
    reports.apply("remote", Event("failed", REFERENCE, id=odd, error=odd, raw={odd: odd, "n": 1, "d": Decimal("1.5")}))
    event = EventRow.objects.get()
    assert (now(sent), sent.error, event.error) == ("failed", event.error, "ab?" + 61 * "c")
    assert event.raw == {"ab?" + 61 * "c": "ab?" + 252 * "c", "n": 1, "d": "1.5"}


@pytest.mark.parametrize("status", ["queued", "unknown", "", "read"])
def test_a_status_that_no_report_has_is_an_error_and_nothing_is_kept(sent, status):
    with pytest.raises(ValueError, match="status"):
        say(status)
    assert (now(sent), EventRow.objects.count()) == ("sent", 0)


def test_inside_somebodys_transaction_it_is_refused(sent):
    with transaction.atomic(), pytest.raises(InsideTransaction):
        say("delivered")
    assert now(sent) == "sent"


def test_who_reports_on_a_message_has_taken_it_and_wants_its_price(remote):
    delivery, our_id, challenge = queued()
    records.end(challenge, 1, "unknown", error="timeout")
    say("sent", id=our_id)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 1, Decimal("0.05"))


def test_with_as_many_segments_as_it_says_or_the_price_that_it_says():
    delivery, our_id, challenge = queued()
    records.end(challenge, 1, "unknown", error="timeout")
    say("sent", id=our_id, segments=3)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 3, Decimal("0.15"))
    say("delivered", price=Decimal("0.11"))
    assert (now(delivery), delivery.segments, delivery.price) == ("delivered", 3, Decimal("0.11"))


def test_while_our_own_side_is_still_at_it_the_price_is_left_to_it():
    delivery, our_id, challenge = queued()
    say("sent", id=our_id)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 1, None)
    records.end(challenge, 1, "sent", reference=REFERENCE, segments=2, price=Decimal("0.10"))
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 2, Decimal("0.10"))


def test_what_our_own_side_writes_while_a_report_is_applied_stands(monkeypatch):
    delivery, our_id, challenge = queued()
    find = reports._find

    def answered_meanwhile(*names):
        found = find(*names)
        records.end(challenge, 1, "sent", reference=REFERENCE, segments=2)
        return found

    monkeypatch.setattr(reports, "_find", answered_meanwhile)
    say("delivered", id=our_id)
    assert (now(delivery), delivery.segments) == ("delivered", 2)


def test_a_lost_reply_that_is_reported_failed_still_counts_for_the_phone_when_redis_forgets():
    phone = new_phone()
    delivery, our_id, challenge = queued(phone)
    records.end(challenge, 1, "unknown", error="timeout")
    say("failed", id=our_id)
    assert now(delivery) == "failed"
    restored = recovery.of_phone(records.database(), phone, challenge.sent_at[-1] + 1)
    assert restored["s"]["s"] == [challenge.sent_at[-1]]


# numbers at fault


def test_a_number_that_is_not_to_be_reached_by_a_channel_gets_nothing_more_by_that_one(remote, clock, settings):
    settings.OTP_ROUTES = {"*": {"sms": ["remote"], "call": ["remote"]}}
    phone = new_phone()
    services.send_code(phone=phone)
    say("undelivered", error="30006", unreachable=True)
    clock.advance(60)
    services.send_code(phone=phone)
    clock.advance(120)
    services.send_code(phone=phone, channel="call")
    assert [message.channel for _, message in remote.sent] == ["sms", "call"]


def test_a_number_at_fault_gets_nothing_more(each_store, remote, clock):
    phone = new_phone()
    services.send_code(phone=phone)
    say("undelivered", error="21610", rejected=True)
    clock.advance(60)
    again = services.send_code(phone=phone)  # answered as it was before (it is nobody's business who has opted out)
    assert len(remote.sent) == 1
    newest = Delivery.objects.latest("pk")
    assert (newest.status, newest.error, newest.claimed_at) == ("failed", "suppressed", 0)
    assert each_store.get(again.challenge.id).status is Status.PENDING
    clock.advance(24 * 3600)
    services.send_code(phone=phone)
    assert len(remote.sent) == 2


def held(phone):
    keys = suppressions.keys_of(phone, "sms", reported=True)
    return Counter.objects.filter(key__in=keys, blocked_until__gt=0).count()


def test_only_a_report_that_is_believed_holds_the_number_back(sent):
    phone = stores.current().get(sent.challenge.hex).phone
    say("undelivered", error="30005")
    say("failed", error="21610", rejected=True)  # it had ended otherwise
    assert held(phone) == 0


def test_the_same_rejection_again_does_not_hold_it_back_for_longer(sent, clock):
    phone = stores.current().get(sent.challenge.hex).phone
    say("failed", error="21610", rejected=True)
    (until,) = Counter.objects.filter(blocked_until__gt=0).values_list("blocked_until", flat=True)
    clock.advance(3600)
    say("failed", error="21610", rejected=True)
    assert held(phone) == 1
    assert Counter.objects.filter(blocked_until=until).exists()


def test_an_old_rejection_says_little_of_today(sent, clock, settings):
    settings.OTP_SUPPRESSION = 600
    phone = stores.current().get(sent.challenge.hex).phone
    clock.advance(601)
    assert stores.current().get(sent.challenge.hex) is not None
    say("failed", error="21610", rejected=True)
    assert (now(sent), held(phone)) == ("failed", 0)


def test_a_rejection_of_a_challenge_that_is_forgotten_is_only_written_down(sent):
    ChallengeRow.objects.all().delete()
    say("failed", error="21610", rejected=True)
    assert (now(sent), Counter.objects.filter(blocked_until__gt=0).count()) == ("failed", 0)


def test_a_rejection_of_nobodys_message_holds_nobody_back():
    say("failed", error="21610", rejected=True)
    assert EventRow.objects.get().delivery is None
    assert not Counter.objects.filter(blocked_until__gt=0).exists()


def test_while_the_store_is_down_a_rejection_is_not_kept_so_that_it_comes_again(sent, monkeypatch):
    phone = stores.current().get(sent.challenge.hex).phone
    with monkeypatch.context() as down:

        def fail(challenge_id):
            raise Unavailable

        down.setattr(stores.current(), "get", fail, raising=False)
        with pytest.raises(Unavailable):
            say("failed", error="21610", rejected=True)
    assert (now(sent), EventRow.objects.count()) == ("sent", 0)
    say("failed", error="21610", rejected=True)
    assert (now(sent), held(phone)) == ("failed", 1)


# telling


def test_a_receiver_that_fails_stops_neither_the_record_nor_the_others(sent, heard, caplog):
    def fail(**told):
        raise RuntimeError("a receiver's own")

    reported.connect(fail)
    try:
        say("delivered")
    finally:
        reported.disconnect(fail)
    assert now(sent) == "delivered"
    assert heard == [("delivered", "delivered")]


def test_it_is_told_after_the_commit(sent):
    seen = []

    def look(**told):
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


# of the newest send


def test_the_newest_hand_over_of_the_newest_send_is_found(sent):
    copies = [(sent.sent_at + 1, 1), (sent.sent_at + 1, 2), (sent.sent_at - 1, 1)]
    for at, handover in copies:
        Delivery.objects.create(challenge=sent.challenge, sent_at=at, handover=handover, channel="sms")
    found = records.newest(sent.challenge.hex)
    assert (found.sent_at, found.handover) == (sent.sent_at + 1, 2)
    assert records.newest("0" * 32) is None
