"""Refuse what somebody asks who has an account: for lack of a token, of a proof, or for another account's sake."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .base import OtpError, wait


class NotAuthenticated(OtpError, PermissionDenied):
    """Refuse a token. To a view of a host project this is Django's PermissionDenied, not an error that it must know."""

    code = "not_authenticated"
    status = 401
    detail = _("Sign in first: the token is missing, wrong or expired.")


class RefreshReused(NotAuthenticated):
    """Refuse a refresh token that another one has replaced: one of two clients that have it has stolen it."""

    code = "refresh_reused"
    detail = _("This sign-in was ended, because it was used from two places. Sign in again.")


class SignInAgain(NotAuthenticated):
    """Refuse what only somebody may do who has signed in at most ``max_age`` seconds ago."""

    code = "sign_in_again"
    detail = _("Sign in again for this: your last sign-in was some time ago.")

    def __init__(self, max_age: int) -> None:
        super().__init__()
        self.max_age = max_age


class ConfirmationRequired(OtpError):
    """Ask for a fresh confirmation of ``purpose``, and of the context that the request has."""

    code = "confirmation_required"
    status = 403
    detail = _("Confirm this first: we send a code to your number.")

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose


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


class IsThisYou(OtpError):
    """Ask whether an account is the person's: it was idle for long, or the number has ``moved`` since it was used.

    ``factors`` are those that would prove it, ``since`` the year in which the account began, if that is known. The code
    is right and may be sent again.
    """

    code = "is_this_you"
    status = 403
    detail = _("This number has an account that was not used for a long time. Is it yours?")

    def __init__(
        self, factors: Sequence[Mapping[str, Any]] = (), since: int | None = None, *, moved: bool = False
    ) -> None:
        super().__init__()
        self.factors = factors
        self.since = since
        self.moved = moved
        if moved:
            self.detail = _(
                "Since the account of this number was last used, the number has got a new SIM card or a new owner. "
                "Is the account yours?"
            )


class NumberTooNew(OtpError):
    """Refuse a code to a number that became the user's, or as ``second`` the second one, within a day."""

    code = "number_too_new"
    status = 403
    detail = _("Your phone number was changed a short time ago.")

    def __init__(self, purpose: str, retry_after: int, *, second: bool = False) -> None:
        super().__init__()
        self.purpose = purpose
        self.retry_after = retry_after
        detail = _("Your second phone number was added a short time ago.") if second else self.detail
        self.detail = format_lazy("{} {}", detail, wait(retry_after))


class RecoveryWaits(OtpError):
    """Refuse a new number while the waiting period of a recovery runs, in which the owner could stop it."""

    code = "recovery_waits"
    status = 403
    detail = _("The waiting period is not over yet.")

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after
        self.detail = format_lazy("{} {}", self.detail, wait(retry_after))


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


class LastWayIn(OtpError):
    """Refuse to remove what the person could not get in without."""

    code = "last_way_in"
    status = 409
    detail = _("Your account has no phone number, so this is your last way in. Add another one first.")


class ErasureRefused(OtpError):
    """Refuse to delete an account. A project may say why in ``detail``, for the person."""

    code = "erasure_refused"
    status = 409
    detail: str | Promise = _("This account cannot be deleted here. Nothing was changed. Please ask us for help.")

    def __init__(self, detail: str | Promise = "") -> None:
        super().__init__()
        if detail:
            self.detail = detail
