"""Hold the table of limits. A request takes all rules that apply to it, or it takes none and is refused.

An amount is the setting ``OTP_<NAME>``; ``manage.py otp_limits`` prints the table with the amounts in force.

Strangers are bounded by what is *unanswered*, and each bucket (a prefix, a network, a region) by its own history: its
amount is a small floor and a quarter of the messages that are answered there on a usual day. So honest people pay for
themselves, a growing service meets no wall, and an attack uses up only the buckets that it comes from and goes to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Flag, auto

from ..conf import conf
from .values import Counts

HOUR = 3600  # seconds, as all periods of the table
DAY = 24 * HOUR
WEEK = 7 * DAY  # for which answered messages count
MONTH = 30 * DAY

MONEY_UNITS = 10_000  # of OTP_CURRENCY: counters hold whole numbers
BUCKETS = ("prefix", "subnet", "network", "region")  # of strangers: what their amounts are bounded by
PROOFS = "proofs"  # a limit that is no rule of the table: it makes a proof of work good for one send only


class Trigger(Flag):
    """List the kinds of request that take a rule."""

    FIRST = auto()  # the send that opens a challenge
    AGAIN = auto()  # a later send of it
    DEVICE_FIRST = auto()  # FIRST and AGAIN by a known device
    DEVICE_AGAIN = auto()
    TEST = auto()  # a send to a test number
    CHECK = auto()  # a comparison
    PASSWORD = auto()  # a sign-in by password
    EMAIL = auto()  # an e-mail with a code, by which an address is proven
    FACTOR = auto()  # a check of a second factor
    NOTIFICATION = auto()  # a message without a code
    FACTOR_NOTICE = auto()  # that of a factor, a second number or an e-mail address that was added
    CHANGE_NOTICE = auto()  # that of a changed number, or of a recovery: no other message may keep it from being sent
    CONFIRMATION = auto()  # one that a factor shall answer, which sends nothing
    RECOVERY = auto()  # a wish for the way back by e-mail
    PASSKEY = auto()  # a sign-in by a passkey, which sends nothing
    SEND = FIRST | AGAIN
    DEVICE = DEVICE_FIRST | DEVICE_AGAIN
    MESSAGE = SEND | DEVICE
    NOTICE = NOTIFICATION | FACTOR_NOTICE | CHANGE_NOTICE


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Hold one line of the table. Key counters count in 24 sub-buckets of the period, a phone is counted exactly."""

    name: str
    trigger: Trigger
    counts: Counts
    what: str  # is counted
    per: str  # phone, client, site, subnet, network, prefix, region, account or all
    period: int  # seconds
    source: str
    converts: bool = False  # a success gives it back
    growth: int = 0  # percent of what is answered on a usual day, on top of the amount
    steady: bool = False  # the usual day is the average of a week, without the last day
    proof: bool = False  # beyond half of the amount a proof of work
    strangers: bool = False  # only for networks where nobody's message was answered for a week
    vouches: str = ""  # Limit.vouches
    amount: int | None = None  # None: the setting
    subject: Callable[[str, str | None], str] | None = None  # of a host's rule: who is counted, by phone and client


# Short names, so that each rule of the table fits into a line.
WAITS, SENDS, FAILURES, KEY, ANSWERED = Counts
FIRST, SEND, CHECK, PASSWORD, TEST = Trigger.FIRST, Trigger.SEND, Trigger.CHECK, Trigger.PASSWORD, Trigger.TEST
DEVICE_FIRST, DEVICE, MESSAGE = Trigger.DEVICE_FIRST, Trigger.DEVICE, Trigger.MESSAGE
NOTIFICATION, NOTICE, RECOVERY = Trigger.NOTIFICATION, Trigger.NOTICE, Trigger.RECOVERY
QUARTER, THRICE = 25, 300  # percent
YOUNG = 100  # answered messages of a week to a home country, before which nobody is called a stranger there


def _answered(per: str, vouches: str = "", amount: int = 0) -> Rule:
    """Make the rule that counts answered messages of a bucket: the rules after it of the same subject grow with it."""
    trigger = DEVICE if per == "all" else SEND
    return Rule(
        f"answered_in_{per}", trigger, ANSWERED, "answered", per, WEEK, "", True, vouches=vouches, amount=amount
    )


TABLE = (
    Rule("wait_per_phone", MESSAGE, WAITS, "seconds between sends", "phone", HOUR, "Signal, Twilio Verify"),
    Rule("sends_per_phone_hour", SEND, SENDS, "sends by strangers", "phone", HOUR, "Twilio Verify"),
    Rule("sends_per_phone_day", SEND, SENDS, "sends by strangers", "phone", DAY, "login.gov"),
    Rule("sends_of_devices_day", DEVICE, SENDS, "sends by known devices", "phone", DAY, "half of strangers'"),
    Rule("failures_per_phone_day", FIRST | TEST, FAILURES, "failed checks", "phone", DAY, "2·10⁻⁵ a day"),
    Rule("failures_per_phone_month", FIRST | TEST, FAILURES, "failed checks", "phone", MONTH, "NIST §3.2.2"),
    Rule("failures_of_devices_day", DEVICE_FIRST, FAILURES, "of known devices", "phone", DAY, "10⁻⁵ a day"),
    _answered("prefix"),
    Rule("unconverted_per_prefix_day", SEND, KEY, "unconverted", "prefix", DAY, "pumping", True, QUARTER),
    Rule("sends_per_prefix_day", SEND, KEY, "sends", "prefix", DAY, "bought SIMs", False, THRICE, steady=True),
    _answered("subnet", "known", 1),
    Rule("unconverted_per_subnet_day", SEND, KEY, "unconverted", "subnet", DAY, "pumping", True, QUARTER),
    _answered("network", "known", 1),
    Rule("unconverted_per_network_day", SEND, KEY, "unconverted", "network", DAY, "pumping", True, QUARTER, proof=True),
    _answered("region", "young", YOUNG),
    Rule("unconverted_per_region_day", SEND, KEY, "unconverted", "region", DAY, "pumping", True, QUARTER, proof=True),
    _answered("all"),
    Rule("device_sends_per_day", DEVICE, KEY, "sends of devices", "all", DAY, "the bill", False, THRICE, steady=True),
    Rule("budget_per_day", MESSAGE | NOTICE, KEY, "money", "all", DAY, "the bill"),
    Rule("unconverted_of_strangers_day", SEND, KEY, "of strange networks", "all", DAY, "pumping", True, proof=True,
         strangers=True),
    Rule("sends_per_client_hour", TEST, KEY, "sends to test numbers", "client", HOUR, "an office of 300"),
    Rule("checks_per_client_hour", CHECK, KEY, "failed checks", "client", HOUR, "guessing", True),
    Rule("checks_per_site_hour", CHECK, KEY, "failed checks", "site", HOUR, "guessing", True),
    Rule("passwords_per_client_hour", PASSWORD, KEY, "passwords", "client", HOUR, "guessing", True),
    Rule("passwords_per_site_hour", PASSWORD, KEY, "passwords", "site", HOUR, "guessing", True),
    Rule("passwords_per_account_hour", PASSWORD, KEY, "passwords", "account", HOUR, "guessing", True),
    Rule("factors_per_account_day", Trigger.FACTOR, KEY, "second factors", "account", DAY, "guessing", True),
    Rule("notifications_per_phone_day", NOTIFICATION, KEY, "notifications", "phone", DAY, "half of the sends"),
    Rule("factor_notices_per_phone_day", Trigger.FACTOR_NOTICE, KEY, "additions", "phone", DAY, "spam", amount=5),
    Rule("emails_per_account_day", Trigger.EMAIL, KEY, "e-mails", "account", DAY, "spam to strangers", amount=5),
    Rule("confirmations_per_account_day", Trigger.CONFIRMATION, KEY, "by a factor", "account", DAY, "rows", amount=100),
    Rule("recoveries_per_client_hour", RECOVERY, KEY, "ways back", "client", HOUR, "guessing", amount=20),
    Rule("recoveries_per_site_hour", RECOVERY, KEY, "ways back", "site", HOUR, "guessing", amount=100),
    Rule("recoveries_per_address_day", RECOVERY, KEY, "ways back", "account", DAY, "spam to strangers", amount=5),
    Rule("passkeys_per_account_day", Trigger.PASSKEY, KEY, "by a passkey", "account", DAY, "rows", amount=100),
)  # fmt: skip


def _number_rings() -> dict[str, int]:
    """Number the rules of each subject in the order of the table."""
    found: dict[str, list[str]] = {}
    for rule in TABLE:
        if rule.counts in (KEY, ANSWERED):
            found.setdefault(rule.per, []).append(rule.name)
    return {name: ring for names in found.values() for ring, name in enumerate(names)}


# The number of each rule's ring. Stored: put a new rule after the others of its subject.
RINGS = _number_rings()


def amount_of(rule: Rule) -> int:
    """Return the amount in force, the floor if it grows; a site has that of OTP_SITE_CLIENTS clients."""
    if rule.counts is WAITS:
        return 1
    if rule.amount is not None:
        return rule.amount
    if rule.per == "site":
        return conf.SITE_CLIENTS * int(getattr(conf, rule.name.replace("site", "client").upper()))
    return int(getattr(conf, rule.name.upper())) * (MONEY_UNITS if rule.name == "budget_per_day" else 1)
