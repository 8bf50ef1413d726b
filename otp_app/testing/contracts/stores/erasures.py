"""Test of every store: forgetting a phone when its account is deleted."""

from ....challenges import Claim, Status
from ....limits.values import RequestLimits
from ....models import Delivery
from ..asking import check, open_one, sending
from ..values import new_challenge, new_phone
from .ends import counted

CLAIMS = {"sms": Claim("memory")}


class ErasureContract:
    """Test that the challenges of a phone go, and that what was wrong goes on counting."""

    def test_all_challenges_of_the_phone_go_and_no_others(self, store, settings):
        settings.OTP_WAITS = ()
        first = open_one(store).challenge
        phone = first.phone
        of_device = open_one(store, phone=phone, device="d" * 32).challenge
        approved, other = (new_challenge(phone=each) for each in (phone, new_phone()))
        for claimed in (approved, other):
            store.open(claimed, sending(claimed), CLAIMS)
        assert store.close(store.get(approved.id), Status.APPROVED)
        pending = open_one(store, phone=phone).challenge
        Delivery.objects.filter(challenge=pending.id).delete()  # as if it were not written yet
        store.forget(phone)
        assert [store.get(each.id) for each in (first, of_device, approved, pending)] == [None] * 4
        assert store.get(other.id).phone == other.phone
        assert check(store, pending) is None
        assert check(store, pending, by_id=False) is None

    def test_failed_checks_go_on_counting_in_both_lanes(self, store, settings):
        settings.OTP_WAITS = ()
        stranger = open_one(store).challenge
        device = open_one(store, phone=stranger.phone, device="d" * 32).challenge
        for opened in (stranger, stranger, device):
            store.fail(store.spend_check(opened.phone, "login", opened.id, RequestLimits()))
        store.forget(stranger.phone)
        assert counted(store, stranger)["failures_per_phone_month"] == 2
        assert counted(store, device)["failures_of_devices_day"] == 1

    def test_a_phone_that_nobody_knows_is_forgotten_without_a_trace(self, store):
        stranger = new_challenge()
        store.forget(stranger.phone)
        assert store.get(stranger.id) is None
