"""Serve ``…/webhooks/<alias>/``, to which all providers send their reports.

The signature is verified first, without the database: a flood of forged reports costs a signature each and one line of
the log a minute. The signed address is made from OTP_PUBLIC_URL, because the Host header is written by the sender. A
report answered with 4xx would be refused again; 503 asks the provider to report again.
"""

import logging
import time
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from .. import bodies, providers
from ..errors import UNREACHABLE, unlogged
from ..providers.base import Event, Forged, Provider, Report
from . import callbacks, reports

logger = logging.getLogger("otp_app.webhooks")

RETRY_AFTER_SECONDS = 5
LOG_INTERVAL_SECONDS = 60  # for which the same refusal is not logged again

_logged: dict[str, float] = {}


class _Refused(Exception):
    """Refuse a report, with the status of the answer and the word for the log."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


@csrf_exempt  # providers have no cookies: their signature or secret is verified below
@require_http_methods(["GET", "POST"])  # some companies report by GET, with all fields in the query
def webhook(request: HttpRequest, alias: str) -> HttpResponse:
    """Apply a provider's report and answer 204, also when it is known already or about no message of ours."""
    if alias not in providers.aliases():
        return unlogged(HttpResponse(status=404))  # strangers could fill the log with them
    try:
        for event in _events(_provider(alias), alias, request):
            _apply(alias, event)
    except _Refused as refused:
        _log(alias, refused.word)
        return unlogged(HttpResponse(status=refused.status))
    except UNREACHABLE as error:
        logger.error("unavailable for a report by %s: %s", alias, type(error).__name__)  # noqa: TRY400  (it may quote)
        return HttpResponse(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return HttpResponse(status=204)


def _provider(alias: str) -> Provider:
    try:
        return providers.get(alias)
    except Exception:  # noqa: BLE001  (whatever is wrong with its settings; a traceback would show them)
        raise _Refused(503, "misconfigured") from None  # to be reported again when they are right


def _events(provider: Provider, alias: str, request: HttpRequest) -> Sequence[Event]:
    try:
        return list(provider.events(_report(request, alias)))
    except bodies.BodyTooLarge:
        raise _Refused(413, "too large") from None
    except Forged:
        raise _Refused(403, "forged") from None
    except Exception:  # noqa: BLE001  (whatever a parser stumbles over; a traceback would show the report)
        raise _Refused(400, "unreadable") from None


def _apply(alias: str, event: Event) -> None:
    try:
        reports.apply(alias, event)
    except ValueError:
        raise _Refused(400, "unreadable") from None


def _report(request: HttpRequest, alias: str) -> Report:
    if bodies.is_declared_longer(request.META, bodies.MAX_REPORT_BYTES):
        raise bodies.BodyTooLarge
    return Report(
        url=_url(request, alias),
        headers={name.lower(): value for name, value in request.headers.items()},
        query={name: str(value) for name, value in request.GET.items()},
        body=bodies.read(request, bodies.MAX_REPORT_BYTES),
    )


def _url(request: HttpRequest, alias: str) -> str:
    """Return our public address as the provider signed it: with the query, and the final slash only if it came."""
    query = request.META.get("QUERY_STRING", "")
    url = callbacks.url_of(alias, query)
    address, mark, rest = url.partition("?")
    return url if request.path.endswith("/") else f"{address.rstrip('/')}{mark}{rest}"


def _log(alias: str, word: str) -> None:
    """Log a refusal, the same one once a minute. There are few aliases and words, so the dictionary stays small."""
    now, key = time.monotonic(), f"{alias} {word}"
    if now - _logged.get(key, -LOG_INTERVAL_SECONDS) >= LOG_INTERVAL_SECONDS:
        _logged[key] = now
        logger.warning("report by %s refused: %s", alias, word)
