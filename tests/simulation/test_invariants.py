"""A limit that does not hold makes the simulation fail."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import pytest

from otp_app.challenges import Status
from otp_app.models import Delivery
from otp_app.simulation.invariants import DAY_MS, Ledger, Violated, check_known, most_within
from otp_app.simulation.sandbox import START_MS, sandbox
from otp_app.simulation.tally import Tally
from otp_app.stores.sqlite import rows
from tests.factories import new_challenge, new_phone


@pytest.fixture
def alias():
    with sandbox():
        yield "otp_app_lab"


def keep(alias, challenge):
    """The rows of a challenge of which each send was delivered."""
    sends = challenge.sent_at
    rows.insert(alias, replace(challenge, sent_at=sends[:1]))
    for n, at in enumerate(sends, 1):
        Delivery.objects.create(challenge=challenge.id, sent_at=at, handover=n if at == sends[0] else 1, channel="sms")
    Delivery.objects.update(status=Delivery.Status.SENT)


def opened(**values):
    at = values.pop("at", START_MS)
    return new_challenge(**({"created_at": at, "checked_at": at, "sent_at": (at,)} | values))


def proven(messages, ledger=None):
    ledger = ledger or Ledger()
    ledger.read()
    ledger.check_invariants(messages)
    return ledger


def test_what_the_guard_allows_is_no_violation(alias):
    phone = new_phone()
    for number in range(4):
        keep(alias, opened(phone=phone, at=START_MS + number, checks_left=0))
    keep(alias, opened(phone=phone, at=START_MS + DAY_MS, checks_left=1, status=Status.APPROVED))
    assert proven(5).failures == 23


@pytest.mark.parametrize(
    ("allowed", "values", "words"),
    [
        (0, {"checks_left": 6}, "I2: -1 of 5"),
        (4, {"checks_left": 0}, "I3: 25 failed"),
        (2, {"checks_left": 0, "device": "d" * 32}, "I3: 15 failed"),
        (10, {}, "I4: 11 messages"),
        (5, {"device": "d" * 32}, "I4: 6 messages"),
    ],
)
def test_more_than_is_allowed_within_a_day_is_a_violation(alias, settings, allowed, values, words):
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 100
    phone = new_phone()
    ledger, step = Ledger(), (DAY_MS - 1) // max(1, allowed)
    for number in range(allowed):
        keep(alias, opened(phone=phone, at=START_MS + number * step, **values))
    proven(allowed, ledger)
    keep(alias, opened(phone=phone, at=START_MS + DAY_MS - 1, **values))
    with pytest.raises(Violated, match=words):
        proven(allowed + 1, ledger)


def test_more_than_a_hundred_failures_within_thirty_days_are_a_violation(alias):
    phone = new_phone()
    for day in range(21):
        keep(alias, opened(phone=phone, at=START_MS + day * DAY_MS, checks_left=0))
    with pytest.raises(Violated, match="I3: 105 failed comparisons of a phone in 30 days"):
        proven(21)


def test_more_unanswered_messages_to_a_prefix_than_its_history_allows_are_a_violation(alias):
    ledger, prefix = Ledger(), new_phone()[:-4]
    for number in range(4):
        keep(alias, opened(phone=f"{prefix}000{number}"))
    for number in range(4):
        keep(alias, opened(phone=f"{prefix}001{number}", status=Status.APPROVED))
    keep(alias, opened(phone=f"{prefix}0020"))
    proven(9, ledger)
    keep(alias, opened(phone=f"{prefix}0021"))
    with pytest.raises(Violated, match="I4: 6 unanswered messages to a prefix in a day, 5 allowed"):
        proven(10, ledger)


def test_more_unanswered_messages_to_a_country_than_its_history_allows_are_a_violation(alias, settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 2
    ledger = Ledger()
    for _ in range(2):
        keep(alias, opened(phone=new_phone()))
    proven(2, ledger)
    keep(alias, opened(phone=new_phone()))
    with pytest.raises(Violated, match="I4: 3 unanswered messages to a region in a day, 2 allowed"):
        proven(3, ledger)


def test_a_message_without_a_challenge_is_a_violation(alias):
    keep(alias, opened())
    with pytest.raises(Violated, match="I5: 2 messages, of which 1"):
        proven(2)


def test_a_third_hand_over_of_one_send_is_a_violation(alias):
    keep(alias, opened(sent_at=(START_MS, START_MS, START_MS)))
    with pytest.raises(Violated, match="I4: a send was handed over"):
        proven(3)


def test_the_most_within_a_span_slides_over_the_events():
    assert most_within([], 10) == 0
    assert most_within([(0, 1), (9, 2)], 10) == 3
    assert most_within([(0, 5), (10, 2), (11, 2)], 10) == 5


@pytest.mark.parametrize(("refused", "held"), [("sends_of_devices_day", False), ("budget_per_day", True)])
def test_a_known_device_is_refused_by_nothing_but_the_limits_of_the_whole_bill(refused, held):
    known = Tally(hostile=False, people=3, lost=1, refused=Counter({refused: 1}))
    with nullcontext() if held else pytest.raises(Violated, match="I14: 1 people with a known device refused"):
        check_known([known])
    check_known([Tally(hostile=False, people=3)])
