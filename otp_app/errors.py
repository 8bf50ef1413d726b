"""Name everything that can go wrong, as one tree of exceptions.

::

    OtpError                       has code, status, detail (translated) and, where it helps, retry_after in seconds
    ├── InvalidRequest             400 invalid_request          the shape of the request; errors says where
    │   ├── ChannelNotOffered                                   no route has that channel for that number
    │   └── InvalidAuthorization                                a site's link to the page is not valid
    ├── InvalidPhone               400 invalid_phone            not a plain number that can receive texts
    ├── RegionNotAllowed           400 region_not_allowed       a good number of a country not served
    ├── UndeliverablePhone         400 undeliverable_phone      the provider says that the number gets no messages
    ├── InvalidOrExpiredCode       400 invalid_or_expired_code  wrong, expired, used, exhausted, unknown, deactivated
    ├── ProfileRequired            400 profile_required         the code is right; errors says what a new user must add
    ├── ConfirmationRequired       403 confirmation_required    confirm by a code first; purpose says for what
    ├── ErasureRefused             409 erasure_refused          the account cannot be deleted, by its project's rules
    ├── SecondFactorRequired       403 second_factor_required   the code is right; prove one of the factors in it, too
    ├── IsThisYou                  403 is_this_you              the code is right, the account idle; whose is it?
    ├── LastWayIn                  409 last_way_in              without this factor nobody could get into the account
    ├── NumberTooNew               403 number_too_new           the number changed within a day; purpose says what waits
    ├── ProofRequired              403 proof_required           solve the proof of work in it and send it along
    ├── NotAuthenticated           401 not_authenticated        the token is missing, wrong, expired or ended
    │   └── RefreshReused          401 refresh_reused           a refresh token came that another one has replaced
    ├── PhoneTaken                 409 phone_taken              another account's number, told to who has proven it
    ├── Limited                    429 limited                  a limit is reached; limit names it, for logs only
    ├── DeliveryFailed             503 delivery_failed          surely not sent; try again
    └── Unavailable                503 unavailable              the store cannot be reached
    InsideTransaction              a mistake of the calling program, never of a client
    WrongIsolation                 a mistake in the settings of the database
    UserNotCreated                 a mistake in the user model, which a client cannot correct by repeating its request
    UserNotChanged                 the same, about the change of a number

Each reason has a class of its own, so a caller never has to read a text to know what happened.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http.response import HttpResponseBase
from django.utils.functional import Promise, lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

Response = TypeVar("Response", bound=HttpResponseBase)


def _try_again_in(seconds: int) -> str:
    return gettext("Try again in %(wait)s.") % {"wait": describe_duration(seconds)}


_wait = lazy(_try_again_in, str)  # in the language of the reader

FAILED = _("Something went wrong on our side. Try again in a moment.")  # for an error of ours that has no class below


class OtpError(Exception):
    """Refuse a request. The person who made it may see ``detail``, which holds nothing secret."""

    code: str
    status: int = 400
    detail: str | Promise
    retry_after: int | None = None  # seconds
    recorded = False  # whether the log has its record

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

    def __init__(self, served: Sequence[str] = (), region: str = "") -> None:
        """Add the names of the countries that are served, if they are few enough to be read."""
        super().__init__()
        self.region = region  # for logs
        if served:
            self.detail = format_lazy("{} {} {}.", self.detail, _("Countries we serve:"), ", ".join(served))


class ChannelNotOffered(InvalidRequest):
    """Refuse a channel for which the routes of the number have no provider."""

    def __init__(self) -> None:
        super().__init__({"channel": [str(_("This channel is not offered."))]})


class InvalidAuthorization(InvalidRequest):
    """Refuse a site's link to the page because of one ``parameter``, which only the site's developer can correct."""

    detail = _("This sign-in link is not valid. Go back to the site and try again, or tell its owner.")

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter


class UndeliverablePhone(OtpError):
    code = "undeliverable_phone"
    detail = _("This number cannot receive text messages.")


class InvalidOrExpiredCode(OtpError):
    """Refuse a code, whatever the reason, with one answer that tells a guesser nothing (OWASP ASVS 5.0, 6.3.8)."""

    code = "invalid_or_expired_code"
    detail = _("The code is wrong or no longer valid. Check it or get a new one.")


class ProfileRequired(OtpError):
    """Ask a new person for the members of a sign-up that ``errors`` names. The code is right and may be sent again."""

    code = "profile_required"
    detail = _("One more step: we need some details to sign you up.")

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__()
        self.errors = errors


class IsThisYou(OtpError):
    """Ask whether an account that was idle for long is the person's: the number may have a new owner by now.

    ``factors`` are those that would prove it, ``since`` the year in which the account began, if that is known. The code
    is right and may be sent again.
    """

    code = "is_this_you"
    status = 403
    detail = _("This number has an account that was not used for a long time. Is it yours?")

    def __init__(self, factors: Sequence[Mapping[str, Any]] = (), since: int | None = None) -> None:
        super().__init__()
        self.factors = factors
        self.since = since


class ProofRequired(OtpError):
    """Ask for a proof of work. ``altcha`` is the task, in the form that the ALTCHA widget takes.

    ``channels`` would serve the number without one.
    """

    code = "proof_required"
    status = 403
    detail = _("Show that you are not a robot: your browser or app has to solve a small task first.")

    def __init__(self, altcha: Mapping[str, Any] | None = None, *, limit: str = "", subject: str = "") -> None:
        super().__init__()
        self.altcha = altcha or {}
        self.channels: Sequence[str] = ()
        self.limit = limit
        self.subject = subject


class ConfirmationRequired(OtpError):
    """Ask for a fresh confirmation of ``purpose``, and of the context that the request has."""

    code = "confirmation_required"
    status = 403
    detail = _("Confirm this first: we send a code to your number.")

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose


class NotAuthenticated(OtpError, PermissionDenied):
    """Refuse a token. To a view of a host project this is Django's PermissionDenied, not an error that it must know."""

    code = "not_authenticated"
    status = 401
    detail = _("Sign in first: the token is missing, wrong or expired.")


class RefreshReused(NotAuthenticated):
    """Refuse a refresh token that another one has replaced: one of two clients that have it has stolen it."""

    code = "refresh_reused"
    detail = _("This sign-in was ended, because it was used from two places. Sign in again.")


class ErasureRefused(OtpError):
    """Refuse to delete an account. A project may say why in ``detail``, for the person."""

    code = "erasure_refused"
    status = 409
    detail: str | Promise = _("This account cannot be deleted here. Nothing was changed. Please ask us for help.")

    def __init__(self, detail: str | Promise = "") -> None:
        super().__init__()
        if detail:
            self.detail = detail


class LastWayIn(OtpError):
    """Refuse to remove what the person could not get in without."""

    code = "last_way_in"
    status = 409
    detail = _("Your account has no phone number, so this is your last way in. Add another one first.")


class SecondFactorRequired(OtpError):
    """Ask for one of ``factors``, beside a code or instead of it; ``errors`` says what was wrong with the one given.

    A code that is right may be sent again with it.
    """

    code = "second_factor_required"
    status = 403
    detail = _("One more step: prove it by your second factor.")

    def __init__(self, factors: Sequence[Mapping[str, Any]], errors: dict[str, list[str]] | None = None) -> None:
        super().__init__()
        self.factors = factors
        self.errors = errors or {}


class NumberTooNew(OtpError):
    """Refuse a code to a number that became the user's within a day, where a code to the old number would do."""

    code = "number_too_new"
    status = 403
    detail = _("Your phone number was changed a short time ago.")

    def __init__(self, purpose: str, retry_after: int) -> None:
        super().__init__()
        self.purpose = purpose
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, _wait(retry_after))


class PhoneTaken(OtpError):
    """Refuse a number that another account has, or may take back within ``retry_after`` seconds.

    Raise it only to who has proven the number by its code.
    """

    code = "phone_taken"
    status = 409
    detail = _("This number belongs to another account.")

    def __init__(self, retry_after: int | None = None) -> None:
        super().__init__()
        self.retry_after = retry_after


class Limited(OtpError):
    """Refuse a request by a limit, with the bucket that is full as its subject; never with a phone.

    ``channels`` would serve the number now.
    """

    code = "limited"
    status = 429
    detail = _("Too many tries.")

    def __init__(self, limit: str, retry_after: int, *, subject: str = "") -> None:
        super().__init__()
        self.limit = limit
        self.retry_after = max(1, retry_after)
        self.channels: Sequence[str] = ()
        self.detail = format_lazy("{} {}", self.detail, _wait(self.retry_after))
        self.subject = subject


class DeliveryFailed(OtpError):
    code = "delivery_failed"
    status = 503
    detail = _("The message could not be sent.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, _wait(retry_after))


class Unavailable(OtpError):
    code = "unavailable"
    status = 503
    detail = _("The service is not available at the moment.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, _wait(retry_after))


# Raised while the database or the store cannot be reached. InternalError: a standby that takes no writes.
UNREACHABLE = (Unavailable, OperationalError, InterfaceError, InternalError)


def unlogged(response: Response) -> Response:
    """Keep Django from logging a warning for an expected refusal, because our own log has a better record."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django has no public name for it)
    return response


class InsideTransaction(RuntimeError):
    """Report that a service was called inside ``transaction.atomic()``.

    Rolling that transaction back would give back the check a wrong guess has paid for, so the limit on guesses
    would be gone. Call the service outside, or mark the view ``@transaction.non_atomic_requests``.
    """


class WrongIsolation(RuntimeError):
    """Report that transactions of the database are not READ COMMITTED, which is PostgreSQL's default.

    Under another level a statement does not see what was committed while it waited for a lock, so limits would be
    overshot. Remove ``isolation_level`` from the database's OPTIONS, and ``default_transaction_isolation`` from the
    server's settings.
    """


class UserNotCreated(RuntimeError):
    """Report that the user model refuses a user who has only a phone, with the words of the database or the model.

    This is no ``OtpError``: the client must not be told to try again, because each try costs a message.
    """


class UserNotChanged(RuntimeError):
    """Report that a user did not get a new number, though nobody else has it.

    The model refuses it, or ``set_phone`` of the class of OTP_ACCOUNTS writes it where ``phone_of`` does not look.
    """


def describe_duration(seconds: int) -> str:
    """Describe a duration in the person's language, rounded up so that nobody comes back too early."""
    if seconds < 60:  # noqa: PLR2004
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds <= 90 * 60:  # "2 hours" would be much more than an hour and a bit
        return ngettext("%(n)d minute", "%(n)d minutes", n := ceil(seconds / 60)) % {"n": n}
    return ngettext("%(n)d hour", "%(n)d hours", n := ceil(seconds / 3600)) % {"n": n}
