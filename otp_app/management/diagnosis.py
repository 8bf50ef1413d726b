"""Examine for ``otp_doctor`` everything that delivery needs, and yield findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from django.conf import settings
from django.core import checks
from django.db.models import Count

from .. import counters, health, phones, providers, rulings, stores
from ..audit import proxies
from ..conf import conf
from ..db import clock
from ..delivery import callbacks, circuit_breaker, records, routing, shared_limits, sweeper
from ..models import Delivery, EventRow
from ..providers.base import ProviderError
from . import spellings
from .columns import column_named
from .tables import counted, duration

_MAX_QUEUED_MS = 60_000  # a delivery that waits longer for a worker is a fault
_MAX_USERS = 5000  # examined
_MAX_UNMATCHED_REPORTS = 20  # without a delivery, of one provider; more are worth a note
# The seconds after which a missing run is a fault, and how often it should run.
_RUNS = {"sweep": (sweeper.MAX_SILENT_SECONDS, "every few seconds"), "purge": (3 * 3600, "every hour")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Say about a subject that it is good (True), at fault (False) or worth knowing (None)."""

    subject: str
    good: bool | None
    text: str


def examine() -> Iterator[Finding]:
    """Yield all findings, the basic ones first. A part that cannot be examined is a fault, too."""
    examinations = (
        *(_settings, _parts, _users, _backlog, _runs, _blocks, _shared_limits, _proxies),
        *(_providers, _line_check, _circuits, _routes, _reports, _unmatched_reports),
    )
    for examination in examinations:
        try:
            yield from examination()
        except Exception as error:  # noqa: BLE001  (one part that is down must not hide the others)
            yield Finding(examination.__name__.strip("_"), False, f"could not be examined: {type(error).__name__}.")


def _settings() -> Iterator[Finding]:
    """Run the app's checks that are not silenced; without DEBUG also those for production."""
    found = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    ours = [each for each in found if each.id and each.id.startswith("otp_app.") and not each.is_silenced()]
    for message in ours:
        hint = f" {message.hint}" if message.hint else ""
        yield Finding("settings", False if message.is_serious() else None, f"{message.id}: {message.msg}{hint}")
    if not ours:
        yield Finding("settings", True, "all checks pass.")


def _parts() -> Iterator[Finding]:
    words = {"database": "answers.", "store": "answers.", "migrations": "are all applied."}
    faults = {"migrations": "are not all applied: run manage.py migrate."}
    for name, well in health.probe_parts().items():
        yield Finding(name, well, words[name] if well else faults.get(name, "failed; the log says why."))


def _users() -> Iterator[Finding]:
    """Examine the oldest users, because other spellings are older than the app. It takes about a second."""
    column = column_named("")
    oldest = list(islice(chain.from_iterable(column.phones()), _MAX_USERS))
    if others := sum(bool(each.phone) for each in spellings.not_in_e164(column, oldest, phones.assumed_region())):
        text = f"{others} of the first {len(oldest)} phones are not in E.164 form: signing in by one creates a second"
        yield Finding(
            "users", False, f"{text} account. manage.py otp_phones --region {phones.assumed_region()} lists them."
        )
    else:
        yield Finding("users", True, f"the phones of the first {len(oldest)} are in E.164 form.")


def _backlog() -> Iterator[Finding]:
    waiting = Delivery.objects.filter(status=Delivery.Status.QUEUED, claimed_at=0)
    oldest = waiting.order_by("sent_at").values_list("sent_at", flat=True).first()
    age = 0 if oldest is None else stores.current().now() - oldest
    if age <= _MAX_QUEUED_MS:
        yield Finding(
            "queue",
            True,
            f"{conf.QUEUE.rpartition('.')[2]}; no delivery waits for longer than {duration(_MAX_QUEUED_MS // 1000)}.",
        )
    else:
        text = f"{counted(waiting.count(), 'delivery', 'deliveries')} waiting, the oldest for {duration(age // 1000)}"
        yield Finding("queue", False, f"{text}. Check that a worker and manage.py otp_sweep run.")


def _runs() -> Iterator[Finding]:
    """Report when sweep and purge ran last. Before the first send they have nothing to do."""
    now = clock.read_now(records.database())
    for name, (longest, often) in _RUNS.items():
        last = sweeper.last_run(name)
        if (silent := sweeper.silent_seconds(name)) > longest:
            text = f"has not run for {duration(silent)}: have a timer or Celery's beat run it {often}."
            yield Finding(f"otp_{name}", None if settings.DEBUG else False, text)
        elif last:
            yield Finding(f"otp_{name}", True, f"ran {duration(max(0, now - last) // 1000)} ago.")
        else:
            yield Finding(f"otp_{name}", None, f"has not run yet: have a timer or Celery's beat run it {often}.")


def _blocks() -> Iterator[Finding]:
    """Report what operators have ruled by hand: each region by name, the others by their number."""
    now, rows = clock.milliseconds(), rulings.in_force()
    for subject, row in sorted(rows.items()):
        if subject.startswith("region "):
            end = "until it is lifted" if row.until is None else f"for another {duration((row.until - now) // 1000)}"
            yield Finding(subject, None, f"is {row.get_mode_display()} by hand {end}: {row.reason or 'no reason'}.")
    if others := sum(not subject.startswith("region ") for subject in rows):
        text = f"{counted(others, 'phone, prefix or network', 'phones, prefixes or networks')} shut or held open"
        yield Finding("rulings", None, f"{text} by hand: 'Blocks and allowances' in the admin shows and lifts them.")


def _shared_limits() -> Iterator[Finding]:
    """Report the limits that all requests share, or all of a country, and of which much is used."""
    noted = {
        name: used for name, used in shared_limits.used_percents().items() if used >= shared_limits.NOTABLE_PERCENT
    }
    for name, used in noted.items():
        text = f"{used} % of {name} is used. Beyond it sends are refused."
        yield Finding("limits", False if used >= shared_limits.USED_UP_PERCENT else None, text)
    if not noted:
        yield Finding("limits", True, f"none that requests share is used to {shared_limits.NOTABLE_PERCENT} %.")


def _proxies() -> Iterator[Finding]:
    if proxies.suspected():
        text = "most people seem to come from one network, whose limits then refuse them. If a proxy stands before this"
        advice = "service, set OTP_TRUSTED_PROXIES to the number of proxies that append to X-Forwarded-For"
        yield Finding("proxies", None, f"{text} {advice} (now {conf.TRUSTED_PROXIES}).")


def _providers() -> Iterator[Finding]:
    yield from map(_provider, providers.aliases())


def _provider(alias: str) -> Finding:
    otherwise = "offers no check of its credentials; send a test message."
    return _answer(alias, lambda: providers.get(alias).check(), otherwise)


def _line_check() -> Iterator[Finding]:
    """Have the company of OTP_LINE_CHECK asked what costs nothing."""
    if (entry := conf.LINE_CHECK) is not None:
        otherwise = "was not asked: its class has no question that costs nothing. The next doubtful sign-in asks it."
        yield _answer("line check", lambda: providers.made(entry).check_account(), otherwise)


def _answer(subject: str, ask: Callable[[], str], otherwise: str) -> Finding:
    """Ask a company about credentials or account; it has no question for that if it returns ""."""
    try:
        answer = ask()
    except ProviderError as error:
        text = f"refused the request or did not answer: {error.reason}. Check its credentials and the network."
        return Finding(subject, False, text)
    except Exception as error:  # noqa: BLE001  (a class of the project's own may raise anything)
        return Finding(subject, False, f"cannot be used: {type(error).__name__}: {error}")
    return Finding(subject, True if answer else None, answer or otherwise)


def _circuits() -> Iterator[Finding]:
    keys = {circuit_breaker.key_of(alias): alias for alias in providers.aliases()}
    now = clock.read_now(records.database())
    for key, until in counters.blocks(counters.database(), list(keys)).items():
        if until > now:
            wait = duration((until - now) // 1000)
            yield Finding(keys[key], False, f"failed too often; nothing is sent through it for another {wait}.")


def _routes() -> Iterator[Finding]:
    """Report countries that are served but have no route, because their numbers are refused."""
    for region in sorted(phones.allowed_regions() - {"*"}):
        if not routing.channels_of(region):
            yield Finding("routes", False, f"{region} is served, but OTP_ROUTES has no route to it.")


def _reports() -> Iterator[Finding]:
    for alias in providers.aliases():
        if not providers.get(alias).signed:
            continue
        if not callbacks.url_of(alias):
            yield Finding(
                alias, None, "sends no reports because OTP_PUBLIC_URL is not set, so nobody learns what arrived."
            )
        elif not EventRow.objects.filter(provider=alias).exists():
            yield Finding(alias, None, f"has sent no report yet; it should send them to {callbacks.url_of(alias)}")


def _unmatched_reports() -> Iterator[Finding]:
    """Report how many reports belong to no delivery."""
    unmatched = EventRow.objects.filter(delivery=None).values("provider").annotate(reports=Count("pk"))
    for alias, reports in unmatched.order_by("provider").values_list("provider", "reports"):
        if reports > _MAX_UNMATCHED_REPORTS:
            text = f"{counted(reports, 'report')} on messages that were not sent from here. Check that otp_sweep runs;"
            yield Finding(alias, None, f"{text} if it does, somebody else uses the same account.")
