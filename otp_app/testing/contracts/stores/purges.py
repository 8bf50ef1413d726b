"""Test of every store: what a purge deletes and what it spares."""

from uuid import UUID

import pytest

from ....challenges import Status, random_id
from ....models import Delivery, EventRow, KeptAnswer
from ....stores import purge
from ..asking import check, open_one

HOUR = 3600  # seconds
DAY = 24 * 3600


def event(reference, delivery=None):
    facts = {"digest": random_id(), "provider": "one", "status": "sent", "raw": {}}
    EventRow.objects.create(reference=reference, delivery=delivery, **facts)


class PurgeContract:
    """Test what a purge deletes and what it spares."""

    @pytest.mark.parametrize("use_tz", [True, False])
    def test_a_purge_works_in_a_project_without_time_zones(self, store, settings, clock, use_tz):
        settings.USE_TZ = use_tz
        opened = open_one(store).challenge
        event("early")
        assert store.purge() == 0
        assert store.get(opened.id)
        assert EventRow.objects.count() == 1
        clock.advance(30 * DAY + 60)
        store.purge()
        assert not EventRow.objects.exists()

    def test_deliveries_are_kept_for_thirty_days(self, store, clock):
        opened = open_one(store).challenge
        event("its own", Delivery.objects.get(challenge=opened.id))
        clock.advance(2 * DAY)
        store.purge()
        assert Delivery.objects.filter(challenge=opened.id).exists()
        assert EventRow.objects.exists()
        clock.advance(29 * DAY)
        store.purge()
        assert not Delivery.objects.exists()
        assert not EventRow.objects.exists()

    def test_what_is_old_is_deleted_in_small_batches_and_all_of_it(self, store, clock, monkeypatch):
        monkeypatch.setattr(purge, "BATCH_ROWS", 2)
        for number in range(5):
            opened = open_one(store).challenge
            event(f"early {number}")
        clock.advance(31 * DAY)
        young = open_one(store).challenge
        store.purge()
        assert not Delivery.objects.filter(challenge=opened.id).exists()
        assert list(Delivery.objects.values_list("challenge", flat=True)) == [UUID(young.id)]
        assert not EventRow.objects.exists()

    def test_kept_answers_go_when_they_expire(self, store, clock):
        now = store.now()
        for seconds in (60, 7200):
            facts = {"key": random_id(), "body": random_id(), "challenge": random_id()}
            KeptAnswer.objects.create(**facts, expires_at=now + seconds * 1000)
        clock.advance(HOUR)
        store.purge()
        assert KeptAnswer.objects.count() == 1

    def test_which_messages_led_to_a_sign_in_outlasts_the_challenge(self, store, clock):
        done, failed, tried, canceled = (open_one(store).challenge for _ in range(4))
        Delivery.objects.filter(challenge=failed.id).update(status="failed")
        for challenge in (done, failed):
            assert store.close(check(store, challenge), Status.APPROVED)
        check(store, tried)
        store.close(canceled, Status.CANCELED)
        store.settle()
        clock.advance(2 * DAY)
        store.purge()
        assert list(Delivery.objects.filter(converted=True).values_list("challenge", flat=True)) == [UUID(done.id)]

    def test_a_lost_race_to_approve_marks_nothing(self, store):
        opened = open_one(store).challenge
        store.close(opened, Status.CANCELED)
        assert not store.close(opened, Status.APPROVED)
        store.settle()
        assert not Delivery.objects.filter(converted=True).exists()
