"""What can go wrong, as one tree.

::

    OtpError                       has code, status, detail (translated) and, where it helps, retry_after in seconds
    ├── InvalidRequest             400 invalid_request          the shape of the request; errors says where
    │   ├── ChannelNotOffered                                   no provider has that channel for that number
    │   └── InvalidAuthorization                                a site sent a person here in a way not agreed on
    ├── InvalidPhone               400 invalid_phone            not a plain number that can receive texts
    ├── RegionNotAllowed           400 region_not_allowed       a good number of a country not served
    ├── UndeliverablePhone         400 undeliverable_phone      the provider says the number gets no texts
    ├── InvalidOrExpiredCode       400 invalid_or_expired_code  wrong, expired, used, exhausted, unknown, deactivated
    ├── ProofRequired              403 proof_required           solve the proof of work in it and send it along
    ├── Limited                    429 limited                  a limit is reached; limit names it, for logs only
    ├── DeliveryFailed             503 delivery_failed          surely not sent; try again
    └── Unavailable                503 unavailable              the store cannot be reached
    InsideTransaction              a mistake of the calling program, never of a client
    UserNotCreated                 a mistake in the user model, which no repetition by a client mends

One class per reason: a caller never has to look into a text to know what happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http.response import HttpResponseBase
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

Response = TypeVar("Response", bound=HttpResponseBase)


def _again(seconds: int) -> str:
    return gettext("Try again in %(wait)s.") % {"wait": describe(seconds)}


_when = lazy(_again, str)  # said in the language of who reads it

FAILED = _("Something went wrong on our side. Try again in a moment.")  # a mistake of ours, which no class below is for


class OtpError(Exception):
    """A refusal that may be shown to the person who caused it: ``detail`` holds nothing secret."""

    code: str
    status: int = 400
    detail: str | Promise
    retry_after: int | None = None  # seconds

    def __str__(self) -> str:
        return self.code


class InvalidRequest(OtpError):
    code = "invalid_request"
    detail = _("The request is not of the documented form.")

    def __init__(self, errors: dict[str, list[str]] | None = None) -> None:
        super().__init__()
        self.errors = errors or {}


class InvalidPhone(OtpError):
    code = "invalid_phone"
    detail = _("Enter a mobile number with its country code, for example +998901234567.")


class RegionNotAllowed(OtpError):
    code = "region_not_allowed"
    detail = _("We do not serve numbers of this country yet.")

    def __init__(self, served: Sequence[str] = ()) -> None:
        """``served`` names the countries that are, where they are few enough to be read."""
        super().__init__()
        if served:
            self.detail = format_lazy("{} {} {}.", self.detail, _("Countries we serve:"), ", ".join(served))


class ChannelNotOffered(InvalidRequest):
    """The routes have no provider for that channel and that number."""

    def __init__(self) -> None:
        super().__init__({"channel": [str(_("This channel is not offered."))]})


class InvalidAuthorization(InvalidRequest):
    """``parameter`` is the one that is wrong. The person can do nothing about it, the site's developer can."""

    detail = _("This sign-in link is not valid. Go back to the site and try again, or tell its owner.")

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter


class UndeliverablePhone(OtpError):
    code = "undeliverable_phone"
    detail = _("This number cannot receive text messages.")


class InvalidOrExpiredCode(OtpError):
    """One answer for every reason, so that it tells a guesser nothing (ASVS 5.0 6.3.8)."""

    code = "invalid_or_expired_code"
    detail = _("The code is wrong or no longer valid. Check it or get a new one.")


class ProofRequired(OtpError):
    """``altcha`` is the proof of work to solve, in the form that the ALTCHA widget takes."""

    code = "proof_required"
    status = 403
    detail = _("Show that you are not a robot: your browser or app has to solve a small task first.")

    def __init__(self, altcha: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.altcha = altcha or {}


@dataclass(frozen=True, slots=True)
class Block:
    """A key that is refused for a while, and why. Instants in milliseconds by the store's clock."""

    key: str
    forgives: int  # the ring under that key that is emptied when an operator lifts the block
    subject: str
    limit: str
    reason: str
    since: int
    until: int


class Limited(OtpError):
    """``block`` is there when this very request led to one: somebody has to write it down."""

    code = "limited"
    status = 429
    detail = _("Too many tries.")

    def __init__(self, limit: str, retry_after: int, *, subject: str = "", block: Block | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.retry_after = max(1, retry_after)
        self.detail = format_lazy("{} {}", self.detail, _when(self.retry_after))
        self.subject = subject
        self.block = block


class DeliveryFailed(OtpError):
    code = "delivery_failed"
    status = 503
    detail = _("The message could not be sent.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, _when(retry_after))


class Unavailable(OtpError):
    code = "unavailable"
    status = 503
    detail = _("The service is not available at the moment.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, _when(retry_after))


def unlogged(response: Response) -> Response:
    """Keep Django from logging a warning of a response: an expected refusal, which a record of ours tells better."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django has no public word for it)
    return response


class InsideTransaction(RuntimeError):
    """A service was called inside ``transaction.atomic()``.

    Rolling that transaction back would give back the check a wrong guess has paid for, so the limit on guesses
    would be gone. Call the service outside, or mark the view ``@transaction.non_atomic_requests``.
    """


class WrongIsolation(RuntimeError):
    """Transactions of the database are not READ COMMITTED, which is PostgreSQL's default.

    Under another level a statement sees what was there before it waited for its lock, so limits would be overshot. Take
    ``isolation_level`` out of the database's OPTIONS, and ``default_transaction_isolation`` out of the server's
    settings.
    """


class UserNotCreated(RuntimeError):
    """Say why the user model does not let a user be created who has a phone only: what the database or model said.

    It is no ``OtpError``: the client can do nothing, and should not be told to try again, for each try is a message.
    """


def describe(seconds: int) -> str:
    """Rounded up, so that who waits as long as it says does not come too early."""
    if seconds < 60:  # noqa: PLR2004
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds <= 90 * 60:  # "2 hours" would be much more than an hour and a bit
        return ngettext("%(n)d minute", "%(n)d minutes", n := -(-seconds // 60)) % {"n": n}
    return ngettext("%(n)d hour", "%(n)d hours", n := -(-seconds // 3600)) % {"n": n}
