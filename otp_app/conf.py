"""Define every setting with its type and default. Values are read at use, so ``override_settings`` works.

``conf.TTL`` is Django's ``OTP_TTL`` if that is set, else the default below. Sources of the numbers: NIST SP
800-63B-4 §3.1.3.2 and §3.2.2, OWASP ASVS 5.0 V6-V7, and what Twilio Verify, Signal, Supabase and login.gov publish.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

PREFIX = "OTP_"


class Conf:
    """List the settings that begin with ``OTP_``.

    ``docs/settings.md`` is made of this class. The first comment of a paragraph is its heading, or the text of its one
    setting; a comment above a setting, or beside it, is the text of that setting.
    """

    # What people see
    BRAND: str = "OTP"  # the name at the beginning of each message, and on the hosted page
    LOGO: str = ""  # logo of the hosted page: a static file such as "brand/logo.svg"; empty: the brand's name
    COLOR: str = "#1f5fd6"  # colour of the hosted page; lightened or darkened where its contrast would be too low
    WEB_HOST: str = ""  # your page's host: the message ends in "@host #code", by which browsers fill the code in
    ANDROID_APP_HASH: str = ""  # the 11 characters by which Android's SMS Retriever finds your app

    # The code and its challenge
    # These are the policy of every purpose; POLICIES overrides them for one.
    CODE_LENGTH: int = 6  # digits of a code
    TTL: int = 300  # seconds until a code expires
    CHECKS: int = 5  # comparisons per challenge
    CHECKS_BY_PHONE: int = 3  # of CHECKS, for requests without challenge_id; the rest needs the id
    SENDS: int = 3  # sends per challenge, the first included
    POLICIES: Mapping[str, Mapping[str, int]] = {}  # numbers of a purpose: {"change_phone": {"ttl": 120}}
    REQUIRE_CHALLENGE_ID: bool = False  # True: verify by phone alone is refused

    # Limits of a phone and of a client
    # otp_app.limits is the table; an hour, a day and a month are sliding windows.
    WAITS: Sequence[int] = (60, 120, 300, 600)  # seconds between sends to a phone
    SENDS_PER_PHONE_HOUR: int = 5  # sends to a phone
    SENDS_PER_PHONE_DAY: int = 10  # sends to a phone
    SENDS_OF_DEVICES_DAY: int = 5  # sends by all known devices of a phone, beside the ten of strangers
    FAILURES_PER_PHONE_DAY: int = 20  # failed checks of a phone
    FAILURES_PER_PHONE_MONTH: int = 100  # failed checks of a phone in 30 days; NIST allows no more than 100 in a row
    FAILURES_OF_DEVICES_DAY: int = 10  # failed checks by all known devices of a phone
    NOTIFICATIONS_PER_PHONE_DAY: int = 5  # messages without a code to a phone, beside its sends
    SENDS_PER_CLIENT_HOUR: int = 300  # sends of a client to test numbers
    CHECKS_PER_CLIENT_HOUR: int = 100  # checks by a client, an IPv4 address or IPv6 /64
    SITE_CLIENTS: int = 5  # an IPv6 /48 may take as much as this many clients

    # Limits of a prefix, a network, a country and the service
    # Amounts of 24 hours. Unconverted are sends that no sign-in has followed. Amounts are floors: what is answered on a
    # usual day adds to them.
    UNCONVERTED_PER_PREFIX_DAY: int = 4  # unconverted sends to a prefix, a number without its last four digits
    SENDS_PER_PREFIX_DAY: int = 15  # sends to a prefix, answered or not
    UNCONVERTED_PER_SUBNET_DAY: int = 20  # unconverted sends of an IPv4 /24 or IPv6 /48
    UNCONVERTED_PER_NETWORK_DAY: int = 60  # unconverted sends of an IPv4 /16 or IPv6 /32
    UNCONVERTED_OF_STRANGERS_DAY: int = 300  # unconverted sends of networks without a sign-in for a week; nothing adds
    UNCONVERTED_PER_REGION_DAY: int = 2500  # unconverted sends to a country
    DEVICE_SENDS_PER_DAY: int = 2000  # sends to known devices, to all phones together
    BUDGET_PER_DAY: int = 0  # what messages may cost, in CURRENCY, by the prices of the routes; 0: no ceiling
    HOME_NETWORKS: Sequence[str] = ()  # your countries' providers, as "84.54.64.0/18": never strangers
    RULES: str = ""  # dotted path to rules of your own, a sequence of otp_app.limits.Rule

    # Limits of passwords
    PASSWORDS_PER_CLIENT_HOUR: int = 20  # failed sign-ins to the admin by a client
    PASSWORDS_PER_ACCOUNT_HOUR: int = 30  # failed sign-ins to the admin for an account

    # Second factors
    # An authenticator by TOTP, a passkey, or a recovery code: docs/factors.md
    CODE_ALONE: bool = True  # False: whoever has an authenticator or a passkey is asked for it beside each code
    FACTORS_PER_ACCOUNT_DAY: int = 20  # wrong codes of apps and wrong recovery codes, for an account
    STAFF_SECOND_FACTOR: bool = True  # False: a password alone opens the admin
    RECOVERY_WAIT: int = 72 * 3600  # seconds that the way back by e-mail takes (docs/recovery.md); 0: there is none

    # Passkeys
    # With the extra passkeys installed: docs/passkeys.md
    PASSKEY_RP_ID: str = ""  # the domain that they belong to, example.com; empty: the host of PUBLIC_URL
    PASSKEY_ORIGINS: Sequence[str] = ()  # of your pages and apps: ["https://example.com"]; empty: that of PUBLIC_URL

    # Proofs of work
    # Tasks of ALTCHA that suspect requests solve.
    PROOFS: bool = True  # False: suspect requests are refused by the limits alone
    PROOF_COST: int = 5000  # rounds of PBKDF2 for each of some 256 keys: about a second in a browser
    PROOF_TTL: int = 600  # seconds for solving one
    DEVICE_TTL: int = 180 * 24 * 3600  # seconds for which a device stays known after a sign-in

    # Keys and proxies
    LEDGER_KEY: str = ""  # keys a phone's records of 30 days, and authenticators; outlives rotations of SECRET_KEY
    TRUSTED_PROXIES: int = 0  # how many of your proxies append to X-Forwarded-For

    # Phones
    ALLOWED_REGIONS: Sequence[str] | str | None = None  # countries served: ["UZ", "KZ"]; "*" serves all
    # Countries that you really serve: while few have signed in there, nobody is a stranger. The page begins with one.
    HOME_REGIONS: Sequence[str] = ("UZ",)
    DEFAULT_REGION: str = ""  # numbers in its national form are accepted, too: UZ; "" means the only served one

    # For reviewers of app stores and end-to-end tests: {"+15005550009": {"code": "246810", "expires": "2027-01-31"}}
    TEST_NUMBERS: Mapping[str, Mapping[str, Any]] = {}

    # The language of each country: for messages if the request names none (else Django's LANGUAGE_CODE), and instead of
    # a language of that country that we do not have, such as Kazakh (otp_app.phones.languages)
    REGION_LANGUAGES: Mapping[str, str] = {"UZ": "uz"} | dict.fromkeys(("BY", "KG", "KZ", "RU", "TJ", "TM"), "ru")

    # Users
    ACCOUNTS: str = "otp_app.accounts.Accounts"  # a subclass of it finds, creates and shows users in your own way
    SIGN_UP: str = "open"  # "invited": whom ``may_sign_up`` of that class lets in; "closed": nobody new
    DORMANT_DAYS: int = 90  # days without use after which a new device does not open an account at once; 0: never
    # Who tells whether a number has got another SIM or owner: {"BACKEND": dotted path, "OPTIONS": {…}, "PRICE": "0.01"}
    LINE_CHECK: Mapping[str, Any] | None = None  # None: nobody is asked (docs/recycled-numbers.md)
    LINE_CHECK_IDLE_DAYS: int = 7  # days without use after which LINE_CHECK is asked about a new device; 0: always
    LINE_CHECK_DAYS: int = 30  # days for which an answer is good, unless the account was used since
    STAFF_BY_CODE: bool = False  # True: staff who sign in by code alone have the rights of staff
    NOTIFY_FACTOR_ADDED: bool = True  # an SMS tells a user of each authenticator and passkey that was added
    NOTIFY_NEW_DEVICE: bool = False  # True: an SMS tells a known user of each sign-in by a device that is not known
    USER_PHONE_FIELD: str = ""  # phone field of your own AUTH_USER_MODEL; empty: "phone", or the user name of auth.User

    # The hosted page, and sign-in for other sites
    NEXT_HOSTS: Sequence[str] = ()  # hosts that ?next= may lead to, beside the page's own
    AUTHORIZATION_TTL: int = 60  # seconds for a site to fetch its token; RFC 6749 §4.1.2 recommends at most 600

    # Delivery
    PROVIDERS: Sequence[Mapping[str, Any]] = ()  # [{"ALIAS": …, "BACKEND": dotted path, "OPTIONS": {…}, "PRICE": …}]
    # Which providers carry what, in which order: {"UZ": {"sms": ["eskiz", "twilio"]}, "*": {…}}; empty: all for SMS
    ROUTES: Mapping[str, Mapping[str, Sequence[str]]] = {}
    CURRENCY: str = "USD"  # in which prices and the budget are
    PUBLIC_URL: str = ""  # "https://login.example.com": providers send reports there, links in messages lead there
    OUTBOX_FILE: str | Path = ""  # development and tests: messages go into this file, as JSON lines, and to no provider
    QUEUE: str = "otp_app.queues.inline.InlineQueue"  # when a message is handed over
    PROVIDER_DEADLINE: int = 10  # seconds for the whole dispatch
    WRITE_BEHIND: int = 0  # milliseconds after which outcomes are written, many in one statement; 0: at once
    LEASE: int = 60  # seconds after which a claimed delivery without an outcome becomes unknown
    CIRCUIT_FAILURES: int = 5  # failures of a provider within CIRCUIT_PERIOD that open its circuit
    CIRCUIT_PERIOD: int = 30  # seconds in which failures of a provider are counted
    CIRCUIT_PAUSE: int = 30  # seconds for which an open circuit lets nothing through; then one message tries
    SUPPRESSION: int = 24 * 3600  # seconds for which an invalid number, or one that has opted out, gets no message
    PROVIDER_CALLS: int = 8  # concurrent provider calls of a process, half of its threads; half as many sends may wait

    # Plug-ins and tokens
    STORE: str = "otp_app.stores.sql.SqlStore"  # where challenges and counters live
    REDIS_URL: str = ""  # address for otp_app.stores.redis.RedisStore: redis://, rediss:// or unix://
    REDIS_TIMEOUT: int = 2  # seconds to connect to Redis, and for each call
    # What a client gets after sign-in
    TOKEN_BACKEND: str = "otp_app.tokens.opaque.OpaqueTokens"  # noqa: S105  (a path, no secret)
    # Seconds from sign-in until a token ends; each hour in which it is used begins them anew, up to TOKEN_RENEWED_FOR
    TOKEN_TTL: int = 30 * 24 * 3600
    TOKEN_IDLE: int = 14 * 24 * 3600  # seconds without a request until a token ends
    # Seconds from sign-in for which use keeps a token alive; 0, or no more than TOKEN_TTL: use prolongs nothing
    TOKEN_RENEWED_FOR: int = 365 * 24 * 3600
    MAX_SESSIONS: int = 0  # sessions of a user: a sign-in beyond ends the oldest one; 0: any number

    # Access tokens that other services verify
    # Of otp_app.tokens.jwt.JwtTokens. Its refresh tokens end as TOKEN_TTL, TOKEN_IDLE and TOKEN_RENEWED_FOR say.
    JWT_ALGORITHM: str = "ES256"  # of new keys; or "EdDSA", with Ed25519
    JWT_TTL: int = 600  # seconds until an access token ends
    JWT_ISSUER: str = ""  # the claim iss; empty: OTP_PUBLIC_URL, or else "otp_app"
    JWT_AUDIENCE: str = ""  # the claim aud; empty: none
    JWT_KEY_LEAD: int = 24 * 3600  # seconds for which a new key is published before it signs
    REFRESH_GRACE: int = 30  # seconds for which a refresh token that was used gets the same successor again

    # Development and tests only: a file with seconds to add to the store's clock
    CLOCK_OFFSET_FILE: str | Path = ""


class _Cached:
    """Cache the settings in force: a request reads a hundred, and Django's own look-up costs more than a hash."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(settings, PREFIX + name, getattr(Conf, name))
        self.__dict__[name] = value
        return value


conf = cast("Conf", _Cached())


def _forget(*, setting: str, **_: Any) -> None:
    vars(conf).pop(setting.removeprefix(PREFIX), None)


setting_changed.connect(_forget)

CONSOLE = "otp_app.providers.console.ConsoleProvider"
# Providers that reach no phone. All others are taken to cost money.
LOCAL_PROVIDERS = frozenset(
    f"otp_app.providers.{name}" for name in ("console.ConsoleProvider", "file.FileProvider", "memory.MemoryProvider")
)
TWILIO_NAMES = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER")


def provider_entries() -> Sequence[Mapping[str, Any]]:
    """Return the providers in force: the outbox file, else OTP_PROVIDERS, else TWILIO_* values, else the console."""
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
    """Return whether a provider in force sends real messages."""
    return any(entry.get("BACKEND") not in LOCAL_PROVIDERS for entry in provider_entries())


@lru_cache(maxsize=16)
def plugin(path: str) -> Any:
    """Return the process's one instance of the class at a dotted path; raise ImportError if there is none."""
    return import_string(path)()
