"""Reports that say that the number is at fault."""

import pytest

from otp_app import services, stores
from otp_app.challenges import Status
from otp_app.delivery import suppressions
from otp_app.errors import Unavailable
from otp_app.models import ChallengeRow, Counter, Delivery, EventRow
from tests.factories import new_phone
from tests.reporting import now, say

pytestmark = pytest.mark.django_db(transaction=True)


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
