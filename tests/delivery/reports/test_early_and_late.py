"""Reports that come before the answer of the provider's call, or days after it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import stores
from otp_app.delivery import records, reports
from otp_app.models import Delivery, EventRow
from otp_app.providers.base import Event
from tests.races import race
from tests.reporting import REFERENCE, now, say, unanswered

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_report_is_earlier_than_the_answer_of_the_create_call():
    delivery, our_id, challenge = unanswered()
    say("sent", id=our_id)
    assert (now(delivery), delivery.reference) == ("sent", REFERENCE)
    say("delivered")  # by their id alone
    records.end(challenge, 1, "sent", reference=REFERENCE, segments=2, latency=5)
    assert (now(delivery), delivery.reference, delivery.segments) == ("delivered", REFERENCE, 2)


def test_a_report_that_does_not_quote_our_id_waits_for_the_sweep():
    delivery, _our_id, challenge = unanswered()
    say("delivered")
    assert (now(delivery), EventRow.objects.get().delivery, reports.match_early()) == ("queued", None, 0)
    records.end(challenge, 1, "sent", reference=REFERENCE)
    assert reports.match_early() == 1
    assert now(delivery) == "delivered"
    assert delivery.delivered_after >= 0
    assert reports.match_early() == 0


def test_an_early_report_waits_for_the_next_report_on_its_message(heard):
    delivery, _our_id, challenge = unanswered()
    say("sent")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    say("undelivered", error="30005")
    assert now(delivery) == "undelivered"
    assert EventRow.objects.filter(delivery=delivery).count() == 2
    assert [status for status, _ in heard] == ["sent", "undelivered"]


def test_an_early_report_waits_for_the_same_report_again():
    delivery, _our_id, challenge = unanswered()
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    say("delivered")
    assert (now(delivery), EventRow.objects.count()) == ("delivered", 1)


def test_many_sweeps_and_reports_at_once_apply_an_early_report_once(heard):
    delivery, _our_id, challenge = unanswered()
    say("delivered")
    records.end(challenge, 1, "sent", reference=REFERENCE)
    results = race(lambda n: reports.match_early() if n % 2 else say("sent", error=str(n)), 16)
    assert not [result for result in results if isinstance(result, Exception)]
    assert now(delivery) == "delivered"
    assert [status for status, _ in heard].count("delivered") == 1
    assert not EventRow.objects.filter(delivery=None).exists()


def test_of_two_who_apply_the_same_early_reports_each_applies_what_the_other_has_not(monkeypatch, heard):
    delivery, _our_id, challenge = unanswered()
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


def test_the_sweep_sends_the_signal_for_what_it_applied(heard):
    _delivery, _our_id, challenge = unanswered()
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


def test_a_report_of_no_delivery_is_kept_and_sends_no_signal(heard):
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
    delivery, our_id, challenge = unanswered()
    clock.advance(7)
    say("delivered", error="21610", rejected=True)
    say("sent", reference="", id=our_id, rejected=True)
    records.end(challenge, 1, "sent", reference=REFERENCE)
    assert reports.match_early() == 1
    assert now(delivery) == "delivered"
    assert 7000 <= delivery.delivered_after < 60_000
