"""Define what all refusals share."""

from math import ceil
from typing import TypeVar

from django.http.response import HttpResponseBase
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

Response = TypeVar("Response", bound=HttpResponseBase)

FAILED = _("Something went wrong on our side. Try again in a moment.")  # for an error of ours that has no class


class OtpError(Exception):
    """Refuse a request. The person who made it may see ``detail``, which holds nothing secret."""

    code: str
    status: int = 400
    detail: str | Promise
    retry_after: int | None = None  # seconds
    recorded = False  # whether the log has its record

    def __str__(self) -> str:
        return self.code


def unlogged(response: Response) -> Response:
    """Keep Django from logging a warning for an expected refusal, because our own log has a better record."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django has no public name for it)
    return response


def _try_again_in(seconds: int) -> str:
    return gettext("Try again in %(wait)s.") % {"wait": describe_duration(seconds)}


wait = lazy(_try_again_in, str)  # in the language of the reader


def describe_duration(seconds: int) -> str:
    """Describe a duration in the person's language, rounded up so that nobody comes back too early."""
    if seconds < 60:  # noqa: PLR2004
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds <= 90 * 60:  # "2 hours" would be much more than an hour and a bit
        return ngettext("%(n)d minute", "%(n)d minutes", n := ceil(seconds / 60)) % {"n": n}
    return ngettext("%(n)d hour", "%(n)d hours", n := ceil(seconds / 3600)) % {"n": n}
