"""Say of each error what causes it and what cures it: one table, a page for developers, to which ``type`` leads.

The page is in English, as the documentation is: clients show people the ``detail``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.http import HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import override
from rest_framework.request import Request

from ..errors import OtpError
from .problems import TITLES
from .views import OtpView

CAUSES: dict[str, tuple[str, str]] = {  # code: cause, cure
    "invalid_request": (
        "The request is not of the documented form: not a JSON object, a member is missing, unknown or given twice, or "
        "its value is of another form.",
        "Correct the members that errors names.",
    ),
    "invalid_phone": (
        "The phone is not a mobile number with its country code, or no such number exists.",
        "Let the person correct the number, as +998901234567.",
    ),
    "region_not_allowed": (
        "The number is of a country that OTP_ALLOWED_REGIONS does not hold.",
        "Show the person the countries that detail names. To serve the country, add it to OTP_ALLOWED_REGIONS.",
    ),
    "undeliverable_phone": (
        "A provider says that the number gets no messages, or its owner has opted out.",
        "Let the person give another number. To let the service try it again at once: manage.py otp_limits --phone … "
        "--lift.",
    ),
    "invalid_or_expired_code": (
        "The code is wrong, used or expired, or challenge_id is unknown, closed or of another phone: one answer for "
        "all, so that nobody learns by guessing.",
        "Let the person type the code again, or send a new one. Send challenge_id along.",
    ),
    "profile_required": (
        "The code is right and the person is new, and a sign-up asks for more than a phone.",
        "Ask the person for the members that errors names, and send the same code again with them, as docs/accounts.md "
        "shows.",
    ),
    "not_authenticated": (
        "The token is missing, wrong, expired or ended.",
        "Sign in again, and send the token as Authorization: Bearer ….",
    ),
    "refresh_reused": (
        "The refresh token was replaced by its successor more than OTP_REFRESH_GRACE seconds ago: somebody has a copy "
        "of it, or the client did not keep the successor. The session is ended.",
        "Let the person sign in again. Keep the refresh_token of each answer, and let one process of a client refresh.",
    ),
    "sign_in_again": (
        "The view is for whoever has signed in within max_age seconds, as the header WWW-Authenticate says, too. A "
        "refresh and a confirmation are no sign-ins.",
        "Let the person sign in again, by a code or a passkey, and repeat the request with the new token, as "
        "docs/tokens.md shows.",
    ),
    "confirmation_required": (
        "The request has no Otp-Confirmation, or one that is used, older than 600 s, or of another user, purpose or "
        "context.",
        "Get a confirmation for purpose by POST /api/confirm/ and /api/confirm/verify/, and repeat the request with "
        "it, as docs/confirmations.md shows.",
    ),
    "second_factor_required": (
        "The code is right, but factor is missing or wrong, and this account is asked for its second factor. For a "
        "confirmation: a code alone is not enough for this account.",
        "Ask the person for one of factors and repeat the request with it as factor, or begin the confirmation with "
        "its by, as docs/factors.md shows.",
    ),
    "is_this_you": (
        "The code is right, but the device is new, and nobody has used the account of this number for "
        "OTP_DORMANT_DAYS, or by OTP_LINE_CHECK the number has another SIM or owner since then.",
        "Ask the person. Send the same code again with factor, one of factors, to open the account, or with new as "
        "account to begin another one, as docs/recycled-numbers.md shows.",
    ),
    "number_too_new": (
        "The number of the user was changed, or the second number added, less than 24 hours ago, and the code that "
        "was asked for would go to it. For what could take the account away, such as the next change of the number, "
        "it is no proof yet.",
        "Confirm by the other number or a factor, or wait retry_after seconds, as docs/phone-number.md shows.",
    ),
    "recovery_waits": (
        "Somebody gets back into an account by its e-mail address, and OTP_RECOVERY_WAIT is not over: until then the "
        "owner can stop it.",
        "Keep the value of recovery, and repeat the request after retry_after seconds, as docs/recovery.md shows.",
    ),
    "proof_required": (
        "The request looks like one of many, as when a network asks for codes that nobody enters.",
        "Solve the task in altcha and repeat the request with the solution as proof, as docs/proof-of-work.md shows. "
        "Or ask for one of channels, which need none.",
    ),
    "erasure_refused": (
        "The account is of staff, or rows or rules of the project hold it, as unpaid invoices do. Nothing was changed.",
        "Show the person the detail. The operator finds in the log which tables hold the account, and overrides erase, "
        "as docs/personal-data.md shows.",
    ),
    "permission_denied": (
        "The request is not allowed; with session tokens mostly because it has no CSRF token.",
        "Send the CSRF token of the session, as Django documents it.",
    ),
    "not_found": (
        "There is nothing at this address of the API.",
        "Compare the address with the schema.",
    ),
    "method_not_allowed": (
        "The address does not take this method.",
        "Use the method that the schema has for it.",
    ),
    "last_way_in": (
        "The account has no phone number, and nobody could get in without the factor that shall be removed.",
        "Let the person add a phone number or another factor first.",
    ),
    "phone_taken": (
        "The code is right, and the number belongs to another account. With retry_after: its former owner may take it "
        "back until then. For a new account: the account of this number is in use, so it keeps the number.",
        "Let the person sign in with that number, or give another one. The code of a sign-in stays good.",
    ),
    "request_in_progress": (
        "The first request with this Idempotency-Key has no answer yet.",
        "Repeat the same request after retry_after seconds.",
    ),
    "too_large": (
        "The body is larger than the 4 KB that the address takes.",
        "Send the documented members alone.",
    ),
    "unsupported_media_type": (
        "The Content-Type is not application/json.",
        "Send JSON with Content-Type: application/json.",
    ),
    "idempotency_key_reused": (
        "This Idempotency-Key came with another body before.",
        "Take a new key for each new request, and the old one only to repeat the same.",
    ),
    "limited": (
        "A limit of the phone, the client, its network, the country or the service is reached.",
        "Wait for retry_after seconds, or ask for one of channels, if there are any. The operator sees by manage.py "
        "otp_limits which limit it is.",
    ),
    "internal_error": (
        "A mistake of the service. Its log has the traceback.",
        "Try again later, and tell the operator the time of the request.",
    ),
    "delivery_failed": (
        "No provider took the message. It surely was not sent, and nothing is charged for it.",
        "Send again after retry_after seconds. The operator finds the reason by manage.py otp_doctor, that of a mail "
        "in the log.",
    ),
    "unavailable": (
        "The database or Redis cannot be reached.",
        "Try again after retry_after seconds. The operator looks at /readyz and the log.",
    ),
}


@dataclass(frozen=True)
class Entry:
    """Hold what the page says of one error."""

    code: str
    status: int
    title: str
    cause: str
    cure: str


def entries() -> list[Entry]:
    """Return all errors by their codes, in English; raise KeyError for a code without cause and cure."""
    statuses = {error.code: error.status for error in _classes(OtpError) if hasattr(error, "code")}
    with override("en"):
        return [Entry(code, statuses[code], str(TITLES[code]), *CAUSES[code]) for code in sorted(TITLES)]


def _classes(base: type[OtpError]) -> Iterator[type[OtpError]]:
    for error in base.__subclasses__():
        yield error
        yield from _classes(error)


class ErrorsView(OtpView):
    """Answer the page of errors, with an anchor for each code."""

    schema = None  # a page, and no part of the API

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(_page(), headers={"Content-Security-Policy": "default-src 'none'"})


@cache
def _page() -> SafeString:
    entry = '<h2 id="{}">{}</h2>\n<p>{} {}</p>\n<p>{}</p>\n<p>{}</p>\n'
    texts = ((each.code, each.code, each.status, each.title, each.cause, each.cure) for each in entries())
    page = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Errors</title>\n<h1>Errors</h1>\n{}</html>\n'
    )
    return format_html(page, format_html_join("", entry, texts))
