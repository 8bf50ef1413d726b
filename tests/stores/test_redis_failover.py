"""Another Redis server takes over, with data that may be older than what was answered."""

import pytest

from otp_app.challenges import Status
from otp_app.errors import Unavailable
from otp_app.limits.values import RequestLimits
from otp_app.models import Delivery
from tests.asking import check, sending

from .redis_calls import guess_wrong, key_limit, open_one, used

pytestmark = pytest.mark.django_db


def copy(source, target):
    """What a replica would have that stopped listening now."""
    target.flush()
    for key in source.command("KEYS", "*"):
        left = max(0, source.command("PTTL", key))
        target.command("RESTORE", key, left, source.command("DUMP", key))
    target.command("CLIENT", "KILL", "TYPE", "normal")  # to a server that took over all connections are new


def test_after_a_failover_to_old_data_nothing_is_compared_or_sent_too_often(store, server, own, clock, settings):
    settings.OTP_WAITS = ()
    settings.OTP_SENDS_PER_PHONE_HOUR = settings.OTP_SENDS_PER_PHONE_DAY = 4
    settings.OTP_REDIS_URL = server.url
    first = open_one(store)
    guess_wrong(store, first)
    copy(server, own)
    for _ in range(4):
        guess_wrong(store, first)
    second = open_one(store, phone=first.phone)
    guess_wrong(store, second)
    limits = sending(first).limits
    settings.OTP_REDIS_URL = own.url
    own.restart()
    copy(server, own)
    stale = {usage.limit.name: usage.used for usage in store.usage(limits, phone=first.phone)}
    assert stale["sends_per_phone_day"] == 2
    assert stale["failures_per_phone_day"] == 6  # the reserve of the second is void with it
    assert stale["unconverted_per_region_day"] == 2


def test_i1_i2_a_challenge_of_before_a_failover_takes_no_check_and_no_approval(store, server, own, settings):
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    spent = check(store, opened)
    copy(server, own)
    settings.OTP_REDIS_URL = own.url
    assert store.get(opened.id).status is Status.CANCELED
    assert check(store, opened) is None
    assert not store.close(spent, Status.APPROVED)
    open_one(store)  # and a new generation makes it no better
    assert store.get(opened.id).status is Status.CANCELED
    assert check(store, opened) is None
    assert not store.close(spent, Status.APPROVED)
    assert not store.close(spent, Status.CANCELED)


def test_counters_that_a_new_server_has_are_kept_where_they_are_higher(store, server, own, settings):
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    limits = [limit for limit in sending(opened, "192.0.2.1").limits if limit.name == "unconverted_per_region_day"]
    client = key_limit("of an hour")
    store.take(RequestLimits((client,)))
    Delivery.objects.all().delete()
    open_one(store)
    copy(server, own)
    settings.OTP_REDIS_URL = own.url
    assert used(store, *limits, client) == [2, 1]


@pytest.mark.parametrize("earlier", [True, False])
def test_what_a_stale_server_lacks_of_a_phone_is_merged_with_what_it_has(store, server, own, settings, clock, earlier):
    settings.OTP_WAITS = ()
    settings.OTP_REDIS_URL = server.url
    opened = open_one(store)
    guess_wrong(store, opened)
    if earlier:
        copy(server, own)
    clock.advance(1)
    guess_wrong(store, opened)
    open_one(store, phone=opened.phone)
    if not earlier:
        copy(server, own)
    settings.OTP_REDIS_URL = own.url
    usages = {usage.limit.name: usage.used for usage in store.usage(sending(opened).limits, phone=opened.phone)}
    assert (usages["sends_per_phone_day"], usages["failures_per_phone_day"]) == (2, 2)


def test_a_primary_that_became_a_replica_is_unavailable_until_it_is_one_again(store, own):
    open_one(store)
    own.command("REPLICAOF", "127.0.0.1", 1)
    with pytest.raises(Unavailable):
        open_one(store)
    with pytest.raises(
        Unavailable
    ):  # nor is it asked for what it could tell, or it would not be noticed when it is back
        store.now()
    own.command("REPLICAOF", "NO", "ONE")
    open_one(store)
