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

from collections.abc import Mapping
from typing import Any, TypeVar

from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .challenges import Block

Response = TypeVar("Response", bound=HttpResponseBase)


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
    detail = _("Numbers of this country are not served here.")


class ChannelNotOffered(InvalidRequest):
    """The routes have no provider for that channel and that number."""

    def __init__(self) -> None:
        super().__init__({"channel": [str(_("This channel is not offered."))]})


class InvalidAuthorization(InvalidRequest):
    """``parameter`` is the one that is wrong. The person can do nothing about it, the site's developer can."""

    detail = _("The site that sent you here did so in a wrong way. Go back to it and try again, or tell its owner.")

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter


class UndeliverablePhone(OtpError):
    code = "undeliverable_phone"
    detail = _("This number cannot receive text messages.")


class InvalidOrExpiredCode(OtpError):
    """One answer for every reason, so that it tells a guesser nothing (ASVS 5.0 6.3.8)."""

    code = "invalid_or_expired_code"
    detail = _("The code is wrong or no longer valid. Check it or ask for a new one.")


class ProofRequired(OtpError):
    """``altcha`` is the proof of work to solve, in the form that the ALTCHA widget takes."""

    code = "proof_required"
    status = 403
    detail = _("Show that you are no robot: your browser or app has to solve a small task first.")

    def __init__(self, altcha: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.altcha = altcha or {}


class Limited(OtpError):
    """``block`` is there when this very request led to one: somebody has to write it down."""

    code = "limited"
    status = 429
    detail = _("Too many requests. Try again later.")

    def __init__(self, limit: str, retry_after: int, *, subject: str = "", block: Block | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.retry_after = max(1, retry_after)
        self.subject = subject
        self.block = block


class DeliveryFailed(OtpError):
    code = "delivery_failed"
    status = 503
    detail = _("The message could not be sent. Try again in a moment.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after


class Unavailable(OtpError):
    code = "unavailable"
    status = 503
    detail = _("The service is not available at the moment. Try again shortly.")

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__()
        self.retry_after = retry_after


def unlogged(response: Response) -> Response:
    """Keep Django from logging a warning of a response: an expected refusal, which a record of ours tells better."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  (Django has no public word for it)
    return response


class InsideTransaction(RuntimeError):
    """A service was called inside ``transaction.atomic()``.

    Rolling that transaction back would give back the check a wrong guess has paid for, so the limit on guesses
    would be gone. Call the service outside, or mark the view ``@transaction.non_atomic_requests``.
    """


class UserNotCreated(RuntimeError):
    """The user model does not let a user be created who has a phone only: what the database or the model said.

    It is no ``OtpError``: the client can do nothing, and should not be told to try again, for each try is a message.
    """
