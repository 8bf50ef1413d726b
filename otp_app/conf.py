"""Every setting, typed, with its default. Read at use, and kept until it changes, so ``override_settings`` works.

``conf.TTL`` is Django's ``OTP_TTL`` where that is set, else the default below. Sources of the numbers: NIST SP
800-63B-4 §3.1.3.2 and §3.2.2, OWASP ASVS 5.0 V6-V7, and what Twilio Verify, Signal, Supabase and login.gov publish.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

PREFIX = "OTP_"


class Conf:
    """The settings that begin with ``OTP_``."""

    # What a person reads
    BRAND: str = "OTP"
    LOGO: str = ""  # of the hosted page: a static file of yours, "brand/logo.svg"; empty: the brand's name
    COLOR: str = "#1f5fd6"  # of the hosted page; lightened or darkened where it could not be read
    WEB_HOST: str = ""  # set: the message ends in "@host #code", which browsers fill in (never from the Host header)
    ANDROID_APP_HASH: str = ""  # set: the 11 characters by which Android's SMS Retriever finds your app

    # The code and its challenge (policy of every purpose; POLICIES overrides them per purpose)
    CODE_LENGTH: int = 6  # digits, 6..10
    TTL: int = 300  # seconds, at most 600
    CHECKS: int = 5  # comparisons per challenge, at most 10
    CHECKS_BY_PHONE: int = 3  # of them, for requests without challenge_id: the rest stays with who holds the id
    SENDS: int = 3  # sends per challenge, the first included
    POLICIES: Mapping[str, Mapping[str, int]] = {}  # {"change_phone": {"ttl": 120}}
    REQUIRE_CHALLENGE_ID: bool = False  # True: verify by phone alone is refused

    # Limits (otp_app.limits is the table)
    WAITS: Sequence[int] = (60, 120, 300, 600)  # seconds between sends to a phone
    SENDS_PER_PHONE_HOUR: int = 5
    SENDS_PER_PHONE_DAY: int = 10
    SENDS_OF_DEVICES_DAY: int = 5  # all devices of a phone that signed in before, beside the ten of strangers
    FAILURES_PER_PHONE_DAY: int = 20
    FAILURES_PER_PHONE_MONTH: int = 100  # 30 days; NIST allows no more than 100 in a row
    FAILURES_OF_DEVICES_DAY: int = 10
    SENDS_PER_CLIENT_HOUR: int = 300
    UNCONVERTED_PER_CLIENT_HOUR: int = 30
    CHECKS_PER_CLIENT_HOUR: int = 100
    SITE_CLIENTS: int = 5  # an IPv6 /48 has this many times what a client has
    UNCONVERTED_PER_PREFIX_HOUR: int = 10
    PREFIX_BLOCK: int = 12 * 3600  # seconds
    SENDS_PER_REGION_DAY: int = 500
    SENDS_PER_DAY: int = 2000
    DEVICE_SENDS_PER_DAY: int = 2000
    UNCONVERTED_PER_DAY: int = 1000
    FAILURES_PER_DAY: int = 5000  # a send holds all checks of its challenge until it succeeds
    PASSWORDS_PER_CLIENT_HOUR: int = 20
    PASSWORDS_PER_ACCOUNT_HOUR: int = 30

    # What looks wrong is asked for a proof of work (ALTCHA) before it is refused
    PROOFS: bool = True  # False: the limits alone, for clients that cannot solve one
    PROOF_COST: int = 5000  # rounds of PBKDF2 for one of 256 keys: about a second in a browser
    PROOF_TTL: int = 600  # seconds
    HOME_REGIONS: Sequence[str] = ("UZ",)  # never blocked for a poor conversion, only asked for proofs
    CONVERSION_LEAST: int = 50  # sends of a region in 24 h before its conversion is judged
    CONVERSION_PROOF: int = 25  # percent of sends followed by a success; below it a proof is needed
    CONVERSION_BLOCK: int = 10  # percent; below it the region is blocked
    REGION_BLOCK: int = 12 * 3600  # seconds
    DEVICE_TTL: int = 180 * 24 * 3600  # seconds that a device stays known after its last sign-in

    LEDGER_KEY: str = ""  # outlives SECRET_KEY rotations: keys what is remembered of a phone for 30 days
    TRUSTED_PROXIES: int = 0  # how many proxies of yours append to X-Forwarded-For

    # Phones
    ALLOWED_REGIONS: Sequence[str] | str | None = None  # ["UZ", "KZ"]; "*" serves the world, on purpose
    DEFAULT_REGION: str = ""  # set: numbers in this country's national form are accepted too

    # For reviewers of app stores and end-to-end tests: {"+15005550009": {"code": "246810", "expires": "2027-01-31"}}
    TEST_NUMBERS: Mapping[str, Mapping[str, Any]] = {}

    # The language of who asks for none: that of the number's country, else Django's LANGUAGE_CODE. And of who asks for
    # one that we do not speak, as Kazakh: that of its country (otp_app.phones.languages)
    REGION_LANGUAGES: Mapping[str, str] = {"UZ": "uz"} | dict.fromkeys(("BY", "KG", "KZ", "RU", "TJ", "TM"), "ru")

    # Users
    STAFF_BY_CODE: bool = False  # True: who signs in by code alone may use the admin, if staff, and act as staff
    USER_PHONE_FIELD: str = ""  # of your own AUTH_USER_MODEL; empty: "phone", or the user name of auth.User

    # The hosted page, and sign-in for other sites
    NEXT_HOSTS: Sequence[str] = ()  # hosts that ?next= may lead to, beside the page's own
    AUTHORIZATION_TTL: int = 60  # seconds that a site has to fetch its token; RFC 6749 §4.1.2 recommends 600 at most

    # Delivery
    PROVIDERS: Sequence[Mapping[str, Any]] = ()  # [{"ALIAS": …, "BACKEND": dotted path, "OPTIONS": {…}, "PRICE": …}]
    ROUTES: Mapping[str, Mapping[str, Sequence[str]]] = {}  # {"UZ": {"sms": ["eskiz", "twilio"]}, "*": {…}}
    CURRENCY: str = "USD"  # of the prices
    PUBLIC_URL: str = ""  # "https://login.example.com": where providers send their reports to
    OUTBOX_FILE: str = ""  # development and tests: messages go here, as JSON lines, instead of to any provider
    QUEUE: str = "otp_app.queues.inline.InlineQueue"
    PROVIDER_DEADLINE: int = 10  # seconds for the whole dispatch
    WRITE_BEHIND: int = 0  # milliseconds after which sends that a provider took are written down together; 0: at once
    LEASE: int = 60  # seconds after which a delivery that was begun and never ended is given up as unknown
    CIRCUIT_FAILURES: int = 5  # of a provider within CIRCUIT_PERIOD, and it is left alone for CIRCUIT_PAUSE
    CIRCUIT_PERIOD: int = 30  # seconds
    CIRCUIT_PAUSE: int = 30  # seconds; then one message tries it
    SUPPRESSION: int = 24 * 3600  # seconds for which a number gets nothing that is bad for good or has opted out
    PROVIDER_CALLS: int = 8  # provider calls at once in a process, half of its threads; half as many sends wait for one

    # Plug-ins and tokens
    STORE: str = "otp_app.stores.sql.SqlStore"
    REDIS_URL: str = ""  # of otp_app.stores.redis.RedisStore: redis://, rediss:// or unix://
    REDIS_TIMEOUT: int = 2  # seconds to connect, and for each call
    TOKEN_BACKEND: str = "otp_app.tokens.opaque.OpaqueTokens"  # noqa: S105  (a path, no secret)
    TOKEN_TTL: int = 30 * 24 * 3600  # seconds from sign-in
    TOKEN_IDLE: int = 14 * 24 * 3600  # seconds without a request

    # Development and tests only: a file with a number of seconds that is added to the store's clock
    CLOCK_OFFSET_FILE: str = ""


class _Kept:
    """The settings in force. A request reads a hundred of them, and Django's own look-up costs more than a hash."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(settings, PREFIX + name, getattr(Conf, name))
        self.__dict__[name] = value
        return value


conf = cast("Conf", _Kept())


def _forget(*, setting: str, **_: Any) -> None:
    vars(conf).pop(setting.removeprefix(PREFIX), None)


setting_changed.connect(_forget)

CONSOLE = "otp_app.providers.console.ConsoleProvider"
# Providers that reach no phone. Every other one is taken to cost money.
LOCAL_PROVIDERS = frozenset(
    f"otp_app.providers.{name}" for name in ("console.ConsoleProvider", "file.FileProvider", "memory.MemoryProvider")
)
TWILIO_NAMES = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER")


def provider_entries() -> Sequence[Mapping[str, Any]]:
    """The providers in force: the outbox file, or OTP_PROVIDERS, or the three TWILIO_* values, or the console."""
    if conf.OUTBOX_FILE:
        options = {"path": conf.OUTBOX_FILE}
        return [{"ALIAS": "file", "BACKEND": "otp_app.providers.file.FileProvider", "OPTIONS": options}]
    if conf.PROVIDERS:
        return conf.PROVIDERS
    if all(getattr(settings, name, "") for name in TWILIO_NAMES):
        values = [getattr(settings, name) for name in TWILIO_NAMES]
        options = dict(zip(("account_sid", "auth_token", "sender"), values, strict=True))
        options["base_url"] = getattr(settings, "TWILIO_API_BASE_URL", "")
        return [{"ALIAS": "twilio", "BACKEND": "otp_app.providers.twilio.TwilioProvider", "OPTIONS": options}]
    return [{"ALIAS": "console", "BACKEND": CONSOLE}]


def costs_money() -> bool:
    """Whether any provider in force sends real messages."""
    return any(entry.get("BACKEND") not in LOCAL_PROVIDERS for entry in provider_entries())


@lru_cache(maxsize=16)
def plugin(path: str) -> Any:
    """The one instance of the class at ``path``. ImportError when there is none."""
    return import_string(path)()
