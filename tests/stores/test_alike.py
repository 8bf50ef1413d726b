"""The store in the database and the one in Redis: asked the same at the same time, they answer the same."""

import random
from decimal import Decimal

import pytest

from otp_app.challenges import Status
from otp_app.errors import OtpError
from otp_app.limits import DAY, request_limits
from otp_app.limits.values import Counts, Limit, RequestLimits, in_lock_order
from otp_app.stores.redis import RedisStore
from otp_app.stores.sql import SqlStore
from tests.asking import check
from tests.factories import new_challenge

pytestmark = pytest.mark.django_db

STEP = 150  # seconds: the shortest sub-bucket; time passes in these, so both stores meet the same sub-buckets
STEPS = [0] * 9 + [1] * 3 + [24, 24 * 7, 24 * 24, 24 * 24 * 7]
CALLS = ["open"] * 6 + ["again", "undo", "undo, chosen", "check", "cancel"] + ["sign in"] * 6
PHONES = ["+998901230001", "+998901230002", "+998901240001", "+77011230001"]
CLIENTS = [None, "192.0.2.1", "192.0.2.2", "192.0.9.1", "198.51.100.1", "203.0.113.1", "2001:db8::/64"]
# A host's own: it would grow, but nothing is answered under its key, which is the last of the request's own keys.
TENANT = Limit("tenant", Counts.KEY, 4, DAY, key="f" * 32, subject="tenant one", growth=100, converts=True)


def script(seed):
    """Calls with what they need, chosen at random."""
    choice = random.Random(seed)
    for number in range(200):
        yield {
            "call": choice.choice(CALLS),
            "steps": choice.choice(STEPS),
            "phone": choice.choice(PHONES),
            "device": choice.choice(["", "", "", "d" * 32]),
            "client": choice.choice(CLIENTS),
            "proof": choice.choice(["", f"proof {number}"]),
            "which": choice.randrange(1000),
        }


def limits_of(part, challenge, checks=0):
    taken = request_limits.for_send(
        challenge.phone,
        part["client"],
        checks=checks,
        device=challenge.device,
        proof=part["proof"],
        price=Decimal("0.3"),
    )
    return RequestLimits(in_lock_order([*taken.limits, TENANT]), taken.proven)


def open_one(store, part):
    challenge = new_challenge(phone=part["phone"], device=part["device"])
    return store.open(challenge, limits_of(part, challenge, challenge.checks)).challenge


def call(store, part, challenge):
    """Make one of the other calls for a challenge; return what can be told of the answer."""
    if part["call"] == "again":
        how = {"device": challenge.device, "language": "en", "channel": ""}
        limits = limits_of(part, challenge)
        return store.spend_send(challenge.phone, challenge.purpose, challenge.id, limits, **how).challenge.sends_left
    if part["call"].startswith("undo"):
        return challenge.sent_at and store.undo_send(challenge, chosen="chosen" in part["call"])
    if part["call"] == "cancel":
        return store.close(challenge, Status.CANCELED)
    checked = check(store, challenge, by_id=bool(part["which"] % 2), client=part["client"])
    return checked and part["call"] == "sign in" and store.close(checked, Status.APPROVED)


def play(store, clock, seed):
    """Return what each call of a script was answered, and how all is used after it."""
    opened, seen = [], []
    for part in script(seed):
        clock.advance(part["steps"] * STEP)
        answer, opened = None, opened if part["steps"] < 24 else []  # later Redis has forgotten them
        try:
            if part["call"] == "open":
                opened.append(open_one(store, part))
            elif opened:
                answer = call(store, part, store.get(opened[-1 - part["which"] % min(3, len(opened))].id))
        except OtpError as error:
            answer = (type(error), error.limit, error.subject) if hasattr(error, "limit") else type(error)
        challenge = new_challenge(phone=part["phone"], device=part["device"])
        usages = store.usage(limits_of(part, challenge, 5).limits, phone=challenge.phone, device=bool(part["device"]))
        counted = {each.limit.name: (each.used, each.amount, each.wait > 0) for each in usages}
        seen.append({"part": part, "answer": answer} | counted)
    return seen


@pytest.fixture
def tight(settings):
    """Amounts that a few requests reach."""
    settings.OTP_PROOFS = True
    settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]  # so that strangers are told apart from the first message
    settings.OTP_WAITS = (60, 200)
    amounts = {"PREFIX": 3, "SUBNET": 3, "NETWORK": 6, "REGION": 8}
    for name, amount in amounts.items():
        setattr(settings, f"OTP_UNCONVERTED_PER_{name}_DAY", amount)
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 1
    settings.OTP_SENDS_PER_PREFIX_DAY = 6
    settings.OTP_DEVICE_SENDS_PER_DAY = 2
    settings.OTP_BUDGET_PER_DAY = 4
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 2


@pytest.mark.parametrize("seed", range(4))
def test_the_same_calls_are_answered_alike_by_both_stores(server, settings, clock, tight, seed):
    server.flush()
    settings.OTP_REDIS_URL = server.url
    clock.advance(STEP - SqlStore().now() // 1000 % STEP + STEP // 2)
    begun = clock.seconds
    by_redis = play(RedisStore(), clock, seed)
    clock.advance(begun - clock.seconds)
    by_sql = play(SqlStore(), clock, seed)
    for one, other in zip(by_redis, by_sql, strict=True):
        assert {name: (value, other[name]) for name, value in one.items() if value != other[name]} == {}, one["part"]
