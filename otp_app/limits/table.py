"""The table of limits. A request takes all that apply to it, or none and it is refused (:mod:`.request_limits`).

An amount is the setting ``OTP_<NAME>``; ``manage.py otp_limits`` prints the table with the amounts in force. Two lines
bound what an attack can cost when all else fails: ``sends_per_day`` times the price of a message is the bill of a day,
``failures_per_day`` in 10⁶ the accounts that fall to guessing in it. Size both at twice your busiest day.
"""

from dataclasses import dataclass
from enum import Flag, auto

from ..conf import conf
from .values import Counts

HOUR = 3600
DAY = 24 * HOUR
MONTH = 30 * DAY
UNLIMITED = 2**40

WAITS, SENDS, FAILURES, CROWD = Counts.WAITS, Counts.SENDS, Counts.FAILURES, Counts.CROWD


class On(Flag):
    """What takes a limit."""

    FIRST = auto()  # the send that opens a challenge
    AGAIN = auto()  # a later send of it
    DEVICE_FIRST = auto()  # the same by a device that signed in before
    DEVICE_AGAIN = auto()
    TEST = auto()  # a send to a test number
    CHECK = auto()  # a comparison
    PASSWORD = auto()  # a try to sign in by password
    SEND = FIRST | AGAIN
    DEVICE = DEVICE_FIRST | DEVICE_AGAIN


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of the table. Crowds are counted in 24 sub-buckets of the period, a phone exactly."""

    name: str
    on: On
    counts: Counts
    what: str  # is counted
    per: str  # phone, client, site, prefix, region, account or all
    period: int  # seconds
    source: str
    then: str = ""  # what happens beside a refusal beyond the amount: "proof" beyond half of it, "block" beyond it
    converts: bool = False  # a success gives it back
    amount: int | None = None  # None: the setting


TABLE = (
    Line("wait_per_phone", On.SEND | On.DEVICE, WAITS, "seconds between sends", "phone", HOUR, "Signal, Twilio Verify"),
    Line("sends_per_phone_hour", On.SEND, SENDS, "sends by strangers", "phone", HOUR, "Twilio Verify"),
    Line("sends_per_phone_day", On.SEND, SENDS, "sends by strangers", "phone", DAY, "login.gov"),
    Line("sends_of_devices_day", On.DEVICE, SENDS, "sends by known devices", "phone", DAY, "half of strangers'"),
    Line("failures_per_phone_day", On.FIRST | On.TEST, FAILURES, "failed checks", "phone", DAY, "2·10⁻⁵ a day"),
    Line("failures_per_phone_month", On.FIRST | On.TEST, FAILURES, "failed checks", "phone", MONTH, "NIST §3.2.2"),
    Line("failures_of_devices_day", On.DEVICE_FIRST, FAILURES, "of known devices", "phone", DAY, "10⁻⁵ a day"),
    Line("sends_per_client_hour", On.SEND | On.TEST, CROWD, "sends", "client", HOUR, "an office of 300", "proof"),
    Line("sends_per_site_hour", On.SEND | On.TEST, CROWD, "sends", "site", HOUR, "an IPv6 /48", "proof"),
    Line(
        "unconverted_per_client_hour", On.SEND, CROWD, "unconverted", "client", HOUR, "pumping", "proof", converts=True
    ),
    Line("unconverted_per_site_hour", On.SEND, CROWD, "unconverted", "site", HOUR, "pumping", "proof", converts=True),
    Line("checks_per_client_hour", On.CHECK, CROWD, "failed checks", "client", HOUR, "guessing", converts=True),
    Line("checks_per_site_hour", On.CHECK, CROWD, "failed checks", "site", HOUR, "guessing", converts=True),
    Line("unconverted_per_prefix_hour", On.SEND, CROWD, "unconverted", "prefix", HOUR, "pumping", "proof block", True),
    Line("sends_per_region_day", On.SEND, CROWD, "sends", "region", DAY, "pumping", "proof"),
    Line("unconverted_per_region_day", On.SEND, CROWD, "unconverted", "region", DAY, "conversion", "", True, UNLIMITED),
    Line("fresh_per_region", On.SEND, CROWD, "may yet convert", "region", 60, "conversion", "", True, UNLIMITED),
    Line("sends_per_day", On.SEND, CROWD, "sends", "all", DAY, "the bill"),
    Line("device_sends_per_day", On.DEVICE, CROWD, "sends by known devices", "all", DAY, "the bill"),
    Line("unconverted_per_day", On.SEND, CROWD, "unconverted", "all", DAY, "pumping", converts=True),
    Line("failures_per_day", On.FIRST, CROWD, "checks granted", "all", DAY, "5·10⁻³ takeovers a day", converts=True),
    Line("passwords_per_client_hour", On.PASSWORD, CROWD, "passwords", "client", HOUR, "guessing", converts=True),
    Line("passwords_per_site_hour", On.PASSWORD, CROWD, "passwords", "site", HOUR, "guessing", converts=True),
    Line("passwords_per_account_hour", On.PASSWORD, CROWD, "passwords", "account", HOUR, "guessing", converts=True),
)


def _rings() -> dict[str, int]:
    """Number the lines of each subject in the order of the table."""
    found: dict[str, list[str]] = {}
    for line in TABLE:
        if line.counts is CROWD:
            found.setdefault(line.per, []).append(line.name)
    return {name: ring for names in found.values() for ring, name in enumerate(names)}


# Which counter of its subject a line has. Stored: a new line goes behind the others of its subject.
RINGS = _rings()


def forgiven_ring(limit: str) -> int:
    """Return which counter a block by that limit has led to, for a lift to empty."""
    return RINGS["unconverted_per_region_day" if limit == "conversion" else limit]


def amount_of(line: Line) -> int:
    """The amount in force. A site has that of five clients."""
    if line.amount is not None or line.counts is WAITS:
        return line.amount or 1
    if line.per == "site":
        return conf.SITE_CLIENTS * int(getattr(conf, line.name.replace("site", "client").upper()))
    return int(getattr(conf, line.name.upper()))
