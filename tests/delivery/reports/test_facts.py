"""What a report says beside its status: price, segments, errors."""

from decimal import Decimal

import pytest
from django.db import transaction

from otp_app.delivery import records, reports
from otp_app.errors import InsideTransaction
from otp_app.models import EventRow
from otp_app.providers.base import Event
from otp_app.stores.redis import recovery
from tests.factories import new_phone
from tests.reporting import REFERENCE, now, say, unanswered

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_report_on_a_lost_reply_means_that_the_message_was_accepted_and_has_its_price(remote):
    delivery, our_id, challenge = unanswered()
    records.end(challenge, 1, "unknown", error="timeout")
    say("sent", id=our_id)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 1, Decimal("0.05"))


def test_a_lost_reply_gets_the_segments_and_the_price_of_its_report():
    delivery, our_id, challenge = unanswered()
    records.end(challenge, 1, "unknown", error="timeout")
    say("sent", id=our_id, segments=3)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 3, Decimal("0.15"))
    say("delivered", price=Decimal("0.11"))
    assert (now(delivery), delivery.segments, delivery.price) == ("delivered", 3, Decimal("0.11"))


def test_while_the_provider_is_still_being_called_a_report_sets_no_price():
    delivery, our_id, challenge = unanswered()
    say("sent", id=our_id)
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 1, None)
    records.end(challenge, 1, "sent", reference=REFERENCE, segments=2, price=Decimal("0.10"))
    assert (now(delivery), delivery.segments, delivery.price) == ("sent", 2, Decimal("0.10"))


def test_what_our_own_side_writes_while_a_report_is_applied_stands(monkeypatch):
    delivery, our_id, challenge = unanswered()
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
    delivery, our_id, challenge = unanswered(phone)
    records.end(challenge, 1, "unknown", error="timeout")
    say("failed", id=our_id)
    assert now(delivery) == "failed"
    restored = recovery.of_phone(records.database(), phone, challenge.sent_at[-1] + 1)
    assert restored["s"]["s"] == [challenge.sent_at[-1]]
