"""Answer errors as RFC 9457 problem details: translate whatever a view raises into one of the documented answers."""

import logging
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from rest_framework import exceptions
from rest_framework.response import Response

from .. import audit
from ..bodies import BodyTooLarge
from ..errors import (
    FAILED,
    UNREACHABLE,
    InvalidRequest,
    IsThisYou,
    NotAuthenticated,
    OtpError,
    SignInAgain,
    Unavailable,
    WrongIsolation,
    unlogged,
)
from ..limits.clients import client_of
from ..phones.languages import language_of

logger = logging.getLogger("otp_app.api")

MEDIA_TYPE = "application/problem+json"


class PermissionDenied(OtpError):
    code = "permission_denied"
    status = 403
    detail = _("This request is not allowed.")


class NotFound(OtpError):
    code = "not_found"
    status = 404
    detail = _("There is nothing at this address.")


class MethodNotAllowed(OtpError):
    code = "method_not_allowed"
    status = 405
    detail = _("This address does not take this method.")


class RequestInProgress(OtpError):
    code = "request_in_progress"
    status = 409
    detail = _("A request with this Idempotency-Key is being answered. Ask again in a moment.")
    retry_after = 1


class TooLarge(OtpError):
    code = "too_large"
    status = 413
    detail = _("The request is larger than this address takes.")


class UnsupportedMediaType(OtpError):
    code = "unsupported_media_type"
    status = 415
    detail = _("Send JSON, as application/json.")


class IdempotencyKeyReused(OtpError):
    code = "idempotency_key_reused"
    status = 422
    detail = _("This Idempotency-Key was used for another request. Take a new key for a new request.")


class ServerError(OtpError):
    code = "internal_error"
    status = 500
    detail = FAILED


class Refused(exceptions.APIException):
    """Carry an error of ours out of a permission, so that a host project's own views answer it, too."""

    def __init__(self, error: OtpError) -> None:
        super().__init__()
        self.error, self.status_code, self.detail = error, error.status, body(error)
        if isinstance(error, NotAuthenticated):
            self.auth_header = _challenge(error)  # of which DRF makes the header


TITLES = {
    "invalid_request": _("Invalid request"),
    "invalid_phone": _("Invalid phone number"),
    "region_not_allowed": _("Country not served"),
    "undeliverable_phone": _("Undeliverable phone number"),
    "invalid_or_expired_code": _("Invalid or expired code"),
    "profile_required": _("Details required"),
    "not_authenticated": _("Not signed in"),
    "refresh_reused": _("Session ended"),
    "sign_in_again": _("Sign in again"),
    "confirmation_required": _("Confirmation required"),
    "erasure_refused": _("Account not deleted"),
    "second_factor_required": _("Second factor required"),
    "is_this_you": _("Is this you?"),
    "number_too_new": _("New phone number"),
    "recovery_waits": _("Waiting period"),
    "proof_required": _("Proof of work required"),
    "permission_denied": _("Not allowed"),
    "not_found": _("Not found"),
    "method_not_allowed": _("Method not allowed"),
    "last_way_in": _("Last way in"),
    "phone_taken": _("Number taken"),
    "request_in_progress": _("Request in progress"),
    "too_large": _("Request too large"),
    "unsupported_media_type": _("Unsupported media type"),
    "idempotency_key_reused": _("Idempotency-Key used before"),
    "limited": _("Too many tries"),
    "internal_error": _("Internal error"),
    "delivery_failed": _("Message not sent"),
    "unavailable": _("Service unavailable"),
}

# Our error for each exception of a framework or a lower room; the first that matches counts.
_TRANSLATIONS: tuple[tuple[type[Exception], type[OtpError]], ...] = (
    (exceptions.NotAuthenticated, NotAuthenticated),
    (exceptions.AuthenticationFailed, NotAuthenticated),
    (exceptions.PermissionDenied, PermissionDenied),
    (exceptions.MethodNotAllowed, MethodNotAllowed),
    (exceptions.UnsupportedMediaType, UnsupportedMediaType),
    (exceptions.APIException, InvalidRequest),
    (UnreadablePostError, InvalidRequest),  # the client closed the connection within its body
    (BodyTooLarge, TooLarge),
    (WrongIsolation, Unavailable),
    *((error, Unavailable) for error in UNREACHABLE),
)


def handle(raised: Exception, context: dict[str, Any]) -> Response | None:
    """Return the response for an exception of a view: DRF's ``exception_handler``.

    Return None for an exception that nobody expected: it becomes a 500.
    """
    error = error_of(raised)
    if error is None:
        return None
    audit.record_other_refusal(error, client_of(context["request"].META))
    response = Response(body(error), status=error.status, headers=_headers(error), content_type=MEDIA_TYPE)
    if not isinstance(error, Unavailable):
        return unlogged(response)
    logger.error("unavailable: %s", type(raised).__name__)
    return response


def answer(request: HttpRequest, error: OtpError) -> JsonResponse:
    """Return the response for an error outside of the API's views, in the client's language."""
    with override(language_of(request)):
        problem = body(error)
    headers = {"Cache-Control": "no-store", **_headers(error)}
    return JsonResponse(problem, status=error.status, headers=headers, content_type=MEDIA_TYPE)


def body(error: OtpError) -> dict[str, Any]:
    """Return the members of the problem details (RFC 9457 §3.1, and ours)."""
    problem: dict[str, Any] = {
        "type": _types(settings.ROOT_URLCONF) + error.code,
        "title": str(TITLES[error.code]),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
    }
    if error.retry_after is not None:
        problem["retry_after"] = error.retry_after
    for member in ("errors", "altcha", "channels", "purpose", "factors", "max_age"):
        if value := getattr(error, member, None):
            problem[member] = value
    if isinstance(error, IsThisYou):  # its factors may be none
        problem |= {"factors": error.factors} | ({"since": error.since} if error.since else {})
    return problem


@cache
def _types(urlconf: str) -> str:  # noqa: ARG001  (tests have several)
    """Return what stands before the code in ``type``: the page of errors, or a URN if the project lacks the API.

    The address is looked up once in a process, because that costs as much as all the rest of a refusal.
    """
    try:
        return reverse("otp_app:errors") + "#"
    except NoReverseMatch:
        return "urn:otp-app:problem:"


def error_of(raised: Exception) -> OtpError | None:
    if isinstance(raised, OtpError):
        return raised
    if isinstance(raised, Refused):
        return raised.error
    if isinstance(raised, exceptions.ValidationError):
        return InvalidRequest(_texts_by_field(raised.detail))
    return next((ours() for theirs, ours in _TRANSLATIONS if isinstance(raised, theirs)), None)


def _texts_by_field(detail: Any) -> dict[str, list[str]]:
    fields = detail if isinstance(detail, dict) else {"body": detail}
    return {str(name): [str(text) for text in texts] for name, texts in fields.items()}


def _headers(error: OtpError) -> dict[str, str]:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = _challenge(error)
    return headers


def _challenge(error: NotAuthenticated) -> str:
    """Return what a client needs to get in (RFC 6750 §3), or to get in anew (RFC 9470 §3), in ASCII as both have it."""
    if not isinstance(error, SignInAgain):
        return "Bearer"
    described = 'error="insufficient_user_authentication", error_description="A more recent sign-in is required"'
    return f'Bearer {described}, max_age="{error.max_age}"'
