"""The admin's sign-in by password, limited like everything else: ``passwords.limit(admin.site)``, before its urls."""

import unicodedata
from contextlib import suppress
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
from .limits.clients import client_of

_LONGEST = 254  # characters of a name that count: what is normalised must be bounded
# To staff who came by a code: Django would advise another account, where this one's password is what is wanted.
_ASKED: dict[str, Any] = {
    "user": AnonymousUser(),
    "subtitle": _("A code alone does not open this page: enter your password."),
}


def limit(site: AdminSite) -> None:
    """Limit the password sign-in of an admin site, and take it out of ATOMIC_REQUESTS: a try stays paid for."""
    login = site.login

    @wraps(login)
    def outside(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        asked = _ASKED if staff.is_by_code(request) else {}
        return login(request, {**asked, **(extra_context or {})})

    site.login_form = PasswordForm
    site.login = without_transactions(outside)  # type: ignore[method-assign]  # on this site only


class PasswordForm(AdminAuthenticationForm):
    """Pays for the try before the password is looked at, and gets it back when it was the right one."""

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
        client = client_of(self.request.META if self.request else {})
        account = account_of(name)
        store = stores.current()
        try:
            increments = store.take(request_limits.for_password(client, account))
            cleaned = super().clean()
            store.give_back(increments)
        except Limited as refused:
            _report(refused, account, client)
            raise ValidationError(refused.detail, code=refused.code) from None
        except UNREACHABLE:
            raise ValidationError(Unavailable().detail, code=Unavailable.code) from None
        return cleaned


def account_of(name: str) -> str:
    """Under which name an account is counted: all spellings of a phone, or of a user name, are one."""
    plain = unicodedata.normalize("NFKC", name[:_LONGEST]).strip()
    return _phone_of(plain) or unicodedata.normalize("NFKC", plain.casefold())


def _phone_of(name: str) -> str:
    with suppress(InvalidPhone):
        return phones.parse(name, gate=False)
    return ""


def _report(refused: Limited, account: str, client: str) -> None:
    """A name that is no phone is told by a keyed hash only: people type their password there by mistake."""
    phone = _phone_of(account)
    audit.report(refused, phone, client, account="" if phone else ledger_id("account", account)[:8])
