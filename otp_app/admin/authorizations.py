"""Administer the sites and apps that send people here to sign in."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class AuthorizationClientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Edit a site. Its id, which is no secret, is made when it is saved."""

    list_display = ("name", "id", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "id")
    readonly_fields = ("id",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = ("name", "redirect_uris", "is_active")
        return ("id", *fields) if obj else fields  # an unsaved form would show an id that is not the saved one
