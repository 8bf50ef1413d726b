"""Limit the admin's sign-in by password: call ``passwords.limit(admin.site)`` before reading ``admin.site.urls``."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from . import audit, phones, staff, stores
from .db.transactions import without_transactions
from .errors import UNREACHABLE, InvalidPhone, Limited, Unavailable
from .keys import ledger_id
from .limits import request_limits
from .limits.clients import client_at, client_of
from .limits.values import RequestLimits

_MAX_NAME_CHARACTERS = 254  # bounds the cost of normalising a name
# For staff who signed in by code: Django would suggest another account, but the password of this one is needed.
_PASSWORD_NEEDED: dict[str, Any] = {
    "user": AnonymousUser(),
    "subtitle": _("A code alone does not open this page: enter your password."),
}


def limit(site: AdminSite) -> None:
    """Limit the password sign-in of an admin site, outside ATOMIC_REQUESTS, whose rollback would give tries back."""
    login = site.login

    @wraps(login)
    def outside(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        context = _PASSWORD_NEEDED if staff.is_begun_by_code(request) else {}
        return login(request, {**context, **(extra_context or {})})

    site.login_form = PasswordForm
    site.login = without_transactions(outside)  # type: ignore[method-assign]  # on this site only


class PasswordForm(AdminAuthenticationForm):
    """Pay for a try before the password is compared, and give it back if the password was right."""

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        # The name may be a phone in any spelling, which is longer than the field that stores it.
        longest = max(self.fields["username"].max_length, phones.MAX_CHARACTERS)  # type: ignore[attr-defined]
        self.fields["username"].max_length = longest  # type: ignore[attr-defined]
        self.fields["username"].widget.attrs["maxlength"] = longest

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username")
        if not name or not self.cleaned_data.get("password"):
            return super().clean()
        client = client_of(self.request.META) if self.request else client_at("")
        account = account_of(name)
        with paying(request_limits.for_password(client, account), account, client, self.request):
            return super().clean()


@contextmanager
def paying(limits: RequestLimits, account: str, client: str, request: HttpRequest | None) -> Iterator[None]:
    """Take limits before a secret is compared within this context, and give them back unless that raises.

    Raise what ``refusing`` raises.
    """
    store = stores.current()
    with refusing(account, client, request):
        increments = store.take(limits)
        yield
        store.give_back(increments)


@contextmanager
def refusing(account: str, client: str, request: HttpRequest | None) -> Iterator[None]:
    """Raise ValidationError if a limit refuses within this context, which is recorded, or if the store is down."""
    try:
        yield
    except Limited as refused:
        if not refused.recorded:
            _record_refusal(refused, account, client, request)
        raise ValidationError(refused.detail, code=refused.code) from None
    except UNREACHABLE:
        raise ValidationError(Unavailable().detail, code=Unavailable.code) from None


def account_of(name: str) -> str:
    """Return the name by which an account is counted: one for all spellings of a phone, or of a user name."""
    plain = unicodedata.normalize("NFKC", name[:_MAX_NAME_CHARACTERS]).strip()
    return _phone_of(plain) or unicodedata.normalize("NFKC", plain.casefold())


def _phone_of(name: str) -> str:
    with suppress(InvalidPhone):
        return phones.parse(name, gate=False)
    return ""


def _record_refusal(refused: Limited, account: str, client: str, request: HttpRequest | None) -> None:
    """Record a refusal; log a name that is no phone as a keyed hash, because it may be a password by mistake."""
    phone = _phone_of(account)
    hashed = "" if phone else ledger_id("account", account)[:8]
    audit.record_refusal(refused, phone, client, account=hashed, request=request)
