"""Test of every store: opening a challenge, and finding it."""

from uuid import UUID

import pytest
from django.db import transaction

from ....challenges import Claim, Status, random_id
from ....delivery import records
from ....errors import InsideTransaction
from ....models import Counter, Delivery
from ..asking import open_one, send_again, sending
from ..values import new_challenge

CLAIM = Claim("one", ("a" * 32, "b" * 32))


CLAIMS = {"sms": CLAIM, "telegram": Claim("two")}


class OpeningContract:
    """Test opening a challenge, and finding it."""

    def test_an_opened_challenge_is_found_as_it_was_opened(self, store):
        opened = open_one(store).challenge
        assert store.get(opened.id) == opened
        assert opened.status is Status.PENDING
        assert opened.sends_left == 2
        assert opened.sent_at == (opened.created_at,)

    def test_an_unknown_id_finds_nothing(self, store):
        assert store.get(random_id()) is None

    def test_a_queued_delivery_is_committed_with_the_challenge(self, store):
        opened = open_one(store).challenge
        delivery = Delivery.objects.get(challenge=opened.id)
        assert (delivery.status, delivery.sent_at) == ("queued", opened.created_at)
        assert (delivery.provider, delivery.reference, delivery.claimed_at) == ("", "", 0)

    def test_whoever_delivers_at_once_has_taken_the_delivery_on_with_the_send(self, store, clock):
        """Give up, and never repeat, a send whose process died: nobody knows whether it has asked the provider."""
        challenge = new_challenge()
        grant = store.open(challenge, sending(challenge), CLAIMS)
        clock.advance(60)
        again = send_again(store, grant.challenge, claims=CLAIMS)
        for sent in (grant, again):
            records.insert_claimed(sent)  # where it is not in the database yet
            delivery = Delivery.objects.get(challenge=challenge.id, sent_at=sent.challenge.sent_at[-1])
            assert (delivery.status, delivery.provider) == ("queued", "one")
            assert delivery.reference == sent.claimed.row["reference"]
            assert abs(delivery.claimed_at - sent.now) < 60_000
            assert sent.claimed.claim == CLAIM
        assert records.unclaimed_sends(challenge.id) == []

    def test_what_a_claimed_send_begins_with_is_the_whole_row_that_it_has(self, store):
        """Let the end of a send be written by itself, wherever its beginning is."""
        challenge = new_challenge(device="a device")
        grant = store.open(challenge, sending(challenge), CLAIMS)
        records.insert_claimed(grant)
        row = Delivery.objects.values().get()
        ids = {name: UUID(grant.claimed.row[name]) for name in ("challenge", "phone")}
        assert {name: row[name] for name in grant.claimed.row} == grant.claimed.row | ids
        assert (row["status"], row["device"], row["region"]) == ("queued", True, "UZ")

    def test_a_second_send_by_the_channel_of_the_first_is_claimed_by_that_channels_provider(
        self, store, clock, settings
    ):
        settings.OTP_WAITS = ()
        grant = open_one(store, channel="telegram")
        again = send_again(store, grant.challenge, claims=CLAIMS, channel="")
        assert (again.challenge.channel, again.claimed.claim) == ("telegram", Claim("two"))

    def test_a_channel_that_is_on_offer_no_more_is_claimed_by_nobody_who_could_be_asked(self, store, clock, settings):
        settings.OTP_WAITS = ()
        grant = open_one(store, channel="whatsapp")
        again = send_again(store, grant.challenge, claims=CLAIMS, channel="")
        assert (again.challenge.channel, again.claimed.claim) == ("whatsapp", Claim(""))
        records.insert_claimed(again)
        row = Delivery.objects.get(sent_at=again.challenge.sent_at[-1])
        assert (row.provider, row.claimed_at > 0) == ("", True)  # nor does a sweep drive it

    def test_with_the_send_comes_what_is_blocked_of_what_its_delivery_has_to_know(self, store, clock):
        """Tell the store of a block that is written to the database."""
        until = {"a" * 32: store.now() + 5000, "c" * 32: store.now() + 7000}
        for key, blocked in until.items():
            values = {"newest": [], "rings": [], "expires_at": 0}
            Counter.objects.create(key=key, blocked_until=blocked, **values)
        store.set_blocks(until)
        challenge = new_challenge()
        assert store.open(challenge, sending(challenge), CLAIMS).claimed.blocked == {"a" * 32: until["a" * 32]}
        clock.advance(60)  # over, but not forgotten: whoever comes next tries it
        again = send_again(store, challenge, claims=CLAIMS)
        assert again.claimed.blocked == {"a" * 32: until["a" * 32]}
        assert again.now > until["a" * 32]
        other = new_challenge()
        assert store.open(other, sending(other), {"sms": Claim("one")}).claimed.blocked == {}
        assert open_one(store).claimed is None

    def test_the_answer_names_the_lifetime_and_the_wait_to_the_next_send(self, store):
        grant = open_one(store)
        assert (grant.expires_in, grant.resend_in) == (300, 60)

    def test_a_call_inside_a_transaction_is_refused_with_the_reason(self, store, transactional_db):
        with transaction.atomic(), pytest.raises(InsideTransaction, match="give back the check"):
            open_one(store, phone="+998901234567")
        assert open_one(store, phone="+998901234567").resend_in == 60  # the first of them left nothing
