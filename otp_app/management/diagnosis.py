"""What ``otp_doctor`` looks at: each finding is a subject, whether it is well, and a sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.conf import settings
from django.core import checks
from django.db.models import Count

from .. import counters, health, phones, providers, stores
from ..conf import conf
from ..db import clock
from ..delivery import callbacks, circuit_breaker, records, routing, sweeper
from ..models import BlockRow, Delivery, EventRow
from ..providers.base import ProviderError
from . import spellings
from .tables import counted, duration

_PATIENCE = 60_000  # milliseconds that a delivery may wait for a worker before somebody should know
_LOOKED_AT = 5000  # users
_RUNS = {"sweep": (600, "every few seconds"), "purge": (3 * 3600, "every hour")}  # seconds that it may not have run
_FEW = 20  # reports without a delivery that are nothing to speak of


@dataclass(frozen=True, slots=True)
class Finding:
    """``good`` None: worth knowing, and no fault."""

    subject: str
    good: bool | None
    text: str


def examine() -> Iterator[Finding]:
    """All findings, the basic ones first; what cannot be looked at is a finding too."""
    looks = (_settings, _parts, _users, _backlog, _runs, _blocks, _providers, _circuits, _routes, _reports, _strays)
    for look in looks:
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001  (one part that is down must not hide the others)
            yield Finding(look.__name__.strip("_"), False, f"could not be looked at: {type(error).__name__}.")


def _settings() -> Iterator[Finding]:
    """Run the checks of the app that are not silenced, with those for production where this is no development."""
    found = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    ours = [each for each in found if each.id and each.id.startswith("otp_app.") and not each.is_silenced()]
    for message in ours:
        hint = f" {message.hint}" if message.hint else ""
        yield Finding("settings", False if message.is_serious() else None, f"{message.id}: {message.msg}{hint}")
    if not ours:
        yield Finding("settings", True, "no check complains.")


def _parts() -> Iterator[Finding]:
    words = {"database": "answers.", "store": "answers.", "migrations": "are all applied."}
    for name, well in health.probe_parts().items():
        yield Finding(name, well, words[name] if well else "failed; the log says why.")


def _users() -> Iterator[Finding]:
    """Look at those who came first, for other spellings are from before the app: about a second's work, and no more."""
    looked_at = list(islice(spellings.stored(), _LOOKED_AT))
    if others := sum(bool(each.phone) for each in spellings.others(looked_at, phones.home())):
        text = f"{others} of the first {len(looked_at)} phones are in another form than E.164, and who signs in by one"
        yield Finding(
            "users", False, f"{text} gets a second account: manage.py otp_phones --region {phones.home()} lists them."
        )
    else:
        yield Finding("users", True, f"the phones of the first {len(looked_at)} are in E.164 form.")


def _backlog() -> Iterator[Finding]:
    waiting = Delivery.objects.filter(status=Delivery.Status.QUEUED, claimed_at=0)
    oldest = waiting.order_by("sent_at").values_list("sent_at", flat=True).first()
    age = 0 if oldest is None else stores.current().now() - oldest
    if age <= _PATIENCE:
        yield Finding("queue", True, f"{conf.QUEUE.rpartition('.')[2]}, and no delivery waits for long.")
    else:
        text = f"{counted(waiting.count(), 'delivery', 'deliveries')} waiting, the oldest for {duration(age // 1000)}"
        yield Finding("queue", False, f"{text}: is a worker running, and manage.py otp_sweep?")


def _runs() -> Iterator[Finding]:
    """Tell whether sweep and purge are run at all; before the first send there is nothing that they could do."""
    now = clock.read_now(records.database())
    oldest = Delivery.objects.order_by("sent_at").values_list("sent_at", flat=True).first() or now
    for name, (patience, often) in _RUNS.items():
        last = sweeper.last_run(name)
        silent = max(0, now - max(last, oldest)) // 1000
        if silent > patience:
            text = f"has not run for {duration(silent)}: have a timer or Celery's beat run it {often}."
            yield Finding(f"otp_{name}", None if settings.DEBUG else False, text)
        elif last:
            yield Finding(f"otp_{name}", True, f"ran {duration(max(0, now - last) // 1000)} ago.")
        else:
            yield Finding(f"otp_{name}", None, f"has not run yet: have a timer or Celery's beat run it {often}.")


def _blocks() -> Iterator[Finding]:
    now = stores.current().now()
    active = BlockRow.objects.filter(lifted_at=None, until__gt=now)
    for row in active.filter(subject__startswith="region ").order_by("subject"):
        text = f"is blocked for another {duration((row.until - now) // 1000)}, for {row.reason}. "
        advice = "Do messages arrive there? If this is no attack, add it to OTP_HOME_REGIONS and lift the block"
        lift = f"manage.py otp_limits --{row.subject} --lift"
        yield Finding(row.subject, False, f"{text}{advice}: {lift}")
    if prefixes := active.filter(subject__startswith="prefix ").count():
        text = f"{counted(prefixes, 'prefix', 'prefixes')} blocked: 'Blocks' in the admin tells which, and lifts them."
        yield Finding("blocks", None, text)


def _providers() -> Iterator[Finding]:
    for alias in providers.aliases():
        try:
            said = providers.get(alias).check()
        except ProviderError as error:
            yield Finding(
                alias, False, f"says no, or nothing: {error.reason}. Look at its credentials and the network."
            )
        except Exception as error:  # noqa: BLE001  (whatever a provider of somebody else's raises is a finding)
            yield Finding(alias, False, f"cannot be used: {type(error).__name__}: {error}")
        else:
            yield Finding(alias, True if said else None, said or "has no address to ask; a test message will tell.")


def _circuits() -> Iterator[Finding]:
    keys = {circuit_breaker.key_of(alias): alias for alias in providers.aliases()}
    now = clock.read_now(records.database())
    for key, until in counters.blocks(records.database(), list(keys)).items():
        if until > now:
            wait = duration((until - now) // 1000)
            yield Finding(keys[key], False, f"failed too often and is left alone for another {wait}.")


def _routes() -> Iterator[Finding]:
    """Every country that is served, by an example: numbers that the routes leave out are refused."""
    for region in sorted(phones.allowed_regions() - {"*"}):
        if not routing.channels_of(region):
            yield Finding("routes", False, f"{region} is served, but OTP_ROUTES has no way there.")


def _reports() -> Iterator[Finding]:
    for alias in providers.aliases():
        if not providers.get(alias).signed:
            continue
        if not callbacks.url_of(alias):
            yield Finding(alias, None, "sends no reports, for OTP_PUBLIC_URL is not set: nobody learns what arrived.")
        elif not EventRow.objects.filter(provider=alias).exists():
            yield Finding(alias, None, f"has not reported yet; it is told to at {callbacks.url_of(alias)}")


def _strays() -> Iterator[Finding]:
    """Reports that no sweep has found a delivery for."""
    strays = EventRow.objects.filter(delivery=None).values("provider").annotate(reports=Count("pk"))
    for alias, reports in strays.order_by("provider").values_list("provider", "reports"):
        if reports > _FEW:
            text = f"{counted(reports, 'report')} of messages that are not known here. Does otp_sweep run? If it does,"
            yield Finding(alias, None, f"{text} somebody else sends by the same account.")
