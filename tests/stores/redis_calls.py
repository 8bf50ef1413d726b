"""Calls of the store in Redis, as its tests make them."""

from collections import Counter

import pytest

from otp_app.errors import Limited
from otp_app.limits import request_limits
from otp_app.limits.values import Counts, Limit, RequestLimits
from tests.asking import check, sending
from tests.factories import new_challenge

HOUR = 3600
DAY = 24 * HOUR
NOTHING = RequestLimits()


def open_one(store, client=None, **values):
    challenge = new_challenge(**values)
    return store.open(challenge, sending(challenge, client)).challenge


def guess_wrong(store, challenge):
    spent = check(store, challenge)
    if spent:
        store.fail(spent)
    return spent


def again(store, challenge, limits=None, **changed):
    how = {"device": challenge.device, "language": "uz", "channel": "sms"} | changed
    limits = limits or request_limits.for_send(challenge.phone, None, device=challenge.device)
    return store.spend_send(challenge.phone, challenge.purpose, challenge.id, limits, **how)


def refusal_of(call):
    with pytest.raises(Limited) as refused:
        call()
    return refused.value


def key_limit(name="many", amount=5, **values):
    return Limit(name, Counts.KEY, amount, HOUR, key=f"{abs(hash(name)):032x}"[:32], subject=f"all {name}", **values)


def used(store, *limits):
    return [usage.used for usage in store.usage(limits)]


def kinds(results):
    return Counter(type(result).__name__ for result in results)
