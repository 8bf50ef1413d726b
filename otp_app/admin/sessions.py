"""Show who is signed in where, and end sessions; Django's admin writes its history of each end."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import accounts, phones, tokens
from ..models import RefreshToken, Token, UserSession


class SessionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Show tokens of one kind, or browsers' sessions. To delete a row is to end the session. Nothing can be changed."""

    list_display: tuple[str, ...] = ("owner", "began_at", "client_name", "network", "expires_at")
    fields = list_display
    list_select_related = ("user",)
    ordering = ("-pk",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the address that the page of a user leads to, and no other: any could reveal phones or secrets."""
        return lookup == "user__pk__exact"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Token | RefreshToken | UserSession) -> None:
        if not tokens.sessions.end(obj.user, obj.public_id):
            obj.delete()  # it has expired, or its backend is in force no more

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset.select_related("user"):
            self.delete_model(request, row)

    @admin.display(description=_("user"))
    def owner(self, row: Token | RefreshToken | UserSession) -> str:
        phone = accounts.phone_of(row.user)
        return phones.mask(phone) if phone else str(row.user_id)


class TokenAdmin(SessionAdmin):
    list_display = ("owner", "began_at", "used_at", "client_name", "network", "expires_at")
    fields = list_display
