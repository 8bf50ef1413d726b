"""The admin of deliveries: what became of each message, at what price, and what its provider reported."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Delivery, EventRow


class EventInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """The reports on a delivery, in the order in which they came: to read only, by whoever may see the delivery."""

    model = EventRow
    fields = readonly_fields = ("received_at", "status", "error", "reference", "raw")
    ordering = ("received_at", "pk")
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("otp_app.view_delivery")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """To read only."""

    list_display = (
        "created_at",
        "status",
        "provider",
        "channel",
        "region",
        "handover",
        "segments",
        "price",
        "latency",
        "delivered_after",
        "error",
    )
    list_filter = ("status", "provider", "channel", "region")
    date_hierarchy = "created_at"
    # Without the name under which its phone is counted: it would tell which messages went to one person.
    fields = (*list_display, "challenge", "reference", "device", "converted", "updated_at")
    inlines = (EventInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False  # the limits of a day are restored from them when Redis has forgotten
