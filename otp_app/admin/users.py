"""Administer users by phone. Mask phones for staff who may not see them."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from .. import accounts, phones, staff
from ..accounts import second_phones
from ..db import writes
from ..keys import phone_key
from ..models import RefreshToken, Token, User, UserSession
from ..users import is_lost, may_see_phones

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class PhoneUserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]  # not generic at run time
    class Meta:
        model = User
        fields = ("phone",)


class PhoneUserAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Administer ``User``, or any model that extends ``AbstractPhoneUser``.

    Only superusers give rights and change accounts of staff: whoever may change a name could else take any account.
    """

    add_form = PhoneUserCreationForm
    ordering = ("-date_joined",)
    list_display = ("masked_phone", "full_name", "is_active", "is_staff", "date_joined")
    search_fields = ("phone", "full_name")
    list_filter = ("is_active", "is_staff")
    readonly_fields = ("date_joined", "last_login", "signed_in")
    fieldsets = (
        (None, {"fields": ("phone", "password", "full_name", "language")}),
        (_("Permissions"), {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        (_("Dates"), {"fields": ("date_joined", "last_login", "signed_in")}),
    )
    add_fieldsets = ((None, {"fields": ("phone", "usable_password", "password1", "password2")}),)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        _masked, *others = self.list_display
        return ("phone" if self._sees_phones(request) else "masked_phone", *others)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        # A search by part of a number would reveal the number digit by digit.
        return self.search_fields if self._sees_phones(request) else ("phone__exact", "full_name")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self._sees_phones(request):
            return fieldsets
        _first, *others = fieldsets
        return ((None, {"fields": ("masked_phone", "full_name", "language")}), *others)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        rights = () if request.user.is_superuser else _RIGHTS
        return (*super().get_readonly_fields(request, obj), "masked_phone", *rights)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # So would a filter or an order in the address.
        hidden = lookup.partition("__")[0] == "phone" and not self._sees_phones(request)
        return not hidden and super().lookup_allowed(lookup, value, request)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        if not self._sees_phones(request):  # the page's title is the phone
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        old = form.initial.get("phone", obj.phone) if change else ""  # no field for whoever may not see it
        if old == obj.phone:
            super().save_model(request, obj, form, change)
            return
        # As a sign-up does, or somebody could prove it as a second number at the same time.
        writes.take_turn(accounts.database(), phone_key(obj.phone), type(obj))
        super().save_model(request, obj, form, change)
        second_phones.end(obj.phone)
        if change:
            old = "" if is_lost(old) else old
            transaction.on_commit(partial(accounts.current().changed, obj, old, obj.phone), using=accounts.database())

    @admin.display(description=_("phone"))
    def masked_phone(self, user: User) -> str:
        return phones.mask(user.phone)

    @admin.display(description=_("sessions"))
    def signed_in(self, user: User) -> SafeString:
        """Lead to the tokens and the browser sessions of the user, where they can be ended."""
        lists = [
            (
                reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist"),
                user.pk,
                model._meta.verbose_name_plural,
            )
            for model in (Token, RefreshToken, UserSession)
        ]
        return format_html_join(", ", '<a href="{}?user__pk__exact={}">{}</a>', lists)

    def _sees_phones(self, request: HttpRequest) -> bool:
        return may_see_phones(request.user)


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    return bool(request.user.is_superuser) or not (user and staff.is_staff(user))
