"""Hold the table of limits. A request takes all rules that apply to it, or it takes none and is refused.

An amount is the setting ``OTP_<NAME>``; ``manage.py otp_limits`` prints the table with the amounts in force. Two rules
bound what an attack can cost when all else fails: ``sends_per_day`` times the price of a message is the bill of a day,
``failures_per_day`` in 10⁶ the accounts that fall to guessing in it. Size both at twice your busiest day.
"""

from dataclasses import dataclass
from enum import Flag, auto

from ..conf import conf
from .values import Counts

HOUR = 3600  # seconds, as all periods of the table
DAY = 24 * HOUR
MONTH = 30 * DAY
UNLIMITED = 2**40

# Limits that are no rules of the table:
PROOFS = "proofs"  # makes a proof of work good for one send only
CONVERSION = "conversion"  # refuses a region by its conversion


class Trigger(Flag):
    """List the kinds of request that take a rule."""

    FIRST = auto()  # the send that opens a challenge
    AGAIN = auto()  # a later send of it
    DEVICE_FIRST = auto()  # FIRST and AGAIN by a known device
    DEVICE_AGAIN = auto()
    TEST = auto()  # a send to a test number
    CHECK = auto()  # a comparison
    PASSWORD = auto()  # a sign-in by password
    SEND = FIRST | AGAIN
    DEVICE = DEVICE_FIRST | DEVICE_AGAIN


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Hold one line of the table. Key counters count in 24 sub-buckets of the period, a phone is counted exactly."""

    name: str
    trigger: Trigger
    counts: Counts
    what: str  # is counted
    per: str  # phone, client, site, prefix, region, account or all
    period: int  # seconds
    source: str
    then: str = ""  # "proof": beyond half of the amount a proof of work; "block": beyond the amount a block
    converts: bool = False  # a success gives it back
    amount: int | None = None  # None: the setting


# Short names, so that each rule of the table fits into a line.
WAITS, SENDS, FAILURES, KEY = Counts
FIRST, SEND, CHECK, PASSWORD, TEST = Trigger.FIRST, Trigger.SEND, Trigger.CHECK, Trigger.PASSWORD, Trigger.TEST
DEVICE_FIRST, DEVICE = Trigger.DEVICE_FIRST, Trigger.DEVICE

TABLE = (
    Rule("wait_per_phone", SEND | DEVICE, WAITS, "seconds between sends", "phone", HOUR, "Signal, Twilio Verify"),
    Rule("sends_per_phone_hour", SEND, SENDS, "sends by strangers", "phone", HOUR, "Twilio Verify"),
    Rule("sends_per_phone_day", SEND, SENDS, "sends by strangers", "phone", DAY, "login.gov"),
    Rule("sends_of_devices_day", DEVICE, SENDS, "sends by known devices", "phone", DAY, "half of strangers'"),
    Rule("failures_per_phone_day", FIRST | TEST, FAILURES, "failed checks", "phone", DAY, "2·10⁻⁵ a day"),
    Rule("failures_per_phone_month", FIRST | TEST, FAILURES, "failed checks", "phone", MONTH, "NIST §3.2.2"),
    Rule("failures_of_devices_day", DEVICE_FIRST, FAILURES, "of known devices", "phone", DAY, "10⁻⁵ a day"),
    Rule("sends_per_client_hour", SEND | TEST, KEY, "sends", "client", HOUR, "an office of 300", "proof"),
    Rule("sends_per_site_hour", SEND | TEST, KEY, "sends", "site", HOUR, "an IPv6 /48", "proof"),
    Rule("unconverted_per_client_hour", SEND, KEY, "unconverted", "client", HOUR, "pumping", "proof", converts=True),
    Rule("unconverted_per_site_hour", SEND, KEY, "unconverted", "site", HOUR, "pumping", "proof", converts=True),
    Rule("checks_per_client_hour", CHECK, KEY, "failed checks", "client", HOUR, "guessing", converts=True),
    Rule("checks_per_site_hour", CHECK, KEY, "failed checks", "site", HOUR, "guessing", converts=True),
    Rule("unconverted_per_prefix_hour", SEND, KEY, "unconverted", "prefix", HOUR, "pumping", "proof block", True),
    Rule("sends_per_region_day", SEND, KEY, "sends", "region", DAY, "pumping", "proof"),
    Rule("unconverted_per_region_day", SEND, KEY, "unconverted", "region", DAY, "conversion", "", True, UNLIMITED),
    Rule("fresh_per_region", SEND, KEY, "may yet convert", "region", 60, "conversion", "", True, UNLIMITED),
    Rule("sends_per_day", SEND, KEY, "sends", "all", DAY, "the bill"),
    Rule("device_sends_per_day", DEVICE, KEY, "sends by known devices", "all", DAY, "the bill"),
    Rule("unconverted_per_day", SEND, KEY, "unconverted", "all", DAY, "pumping", converts=True),
    Rule("failures_per_day", FIRST, KEY, "checks granted", "all", DAY, "5·10⁻³ takeovers a day", converts=True),
    Rule("passwords_per_client_hour", PASSWORD, KEY, "passwords", "client", HOUR, "guessing", converts=True),
    Rule("passwords_per_site_hour", PASSWORD, KEY, "passwords", "site", HOUR, "guessing", converts=True),
    Rule("passwords_per_account_hour", PASSWORD, KEY, "passwords", "account", HOUR, "guessing", converts=True),
)


def _number_rings() -> dict[str, int]:
    """Number the rules of each subject in the order of the table."""
    found: dict[str, list[str]] = {}
    for rule in TABLE:
        if rule.counts is KEY:
            found.setdefault(rule.per, []).append(rule.name)
    return {name: ring for names in found.values() for ring, name in enumerate(names)}


# The number of each rule's ring. Stored: put a new rule after the others of its subject.
RINGS = _number_rings()


def forgiven_ring(limit: str) -> int:
    """Return the ring that led to a block by this limit; lifting the block empties it."""
    return RINGS["unconverted_per_region_day" if limit == CONVERSION else limit]


def amount_of(rule: Rule) -> int:
    """Return the amount in force; a site has that of OTP_SITE_CLIENTS clients."""
    if rule.amount is not None or rule.counts is WAITS:
        return rule.amount or 1
    if rule.per == "site":
        return conf.SITE_CLIENTS * int(getattr(conf, rule.name.replace("site", "client").upper()))
    return int(getattr(conf, rule.name.upper()))
