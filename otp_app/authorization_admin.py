"""The admin of sites and apps that send people here to sign in."""

from django.contrib import admin


class AuthorizationClientAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Its id is made when it is saved; it is no secret."""

    list_display = ("name", "id", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "id")
    fields = ("id", "name", "redirect_uris", "is_active")
    readonly_fields = ("id",)
