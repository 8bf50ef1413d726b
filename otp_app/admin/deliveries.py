"""Show deliveries: what became of each message, at what price, and what its provider reported."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from .. import phones, providers
from ..errors import InvalidPhone
from ..keys import phone_key
from ..models import Delivery, EventRow
from ..users import may_see_phones


class EventInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Show the reports on a delivery in the order of arrival, read-only, to staff who may see the delivery."""

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
    """Show deliveries read-only. Search by full values only, because these have indexes."""

    # These columns fit beside the filters into a window 1280 pixels wide; a delivery's own page shows the rest.
    list_display = ("when", "status", "provider_route", "price", "times", "error")
    list_filter = ("status", "provider", "channel", "region")
    search_fields = ("challenge", "reference")  # makes the admin show the box; get_search_results searches
    search_help_text = _(
        "A challenge's id, a provider's reference or, for staff who may see phones, a phone number: each in full."
    )
    date_hierarchy = "created_at"
    # The phone's keyed hash is left out: it would show which messages went to the same person.
    fields = (
        *("created_at", "status", "provider", "channel", "region", "handover", "segments", "price", "latency"),
        *("delivered_after", "error", "challenge", "reference", "device", "converted", "updated_at"),
    )
    inlines = (EventInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        if not (text := search_term.strip()):
            return queryset, False
        # The provider is named because the index of references begins with it.
        wanted = Q(provider__in=providers.aliases(), reference=text)
        with suppress(ValueError):
            wanted |= Q(challenge=UUID(text))
        if may_see_phones(request.user):
            with suppress(InvalidPhone):
                phone = phones.parse(text, gate=False)
                wanted |= Q(phone__in=(phone_key(phone), phone_key(phone, "any device")))
        return queryset.filter(wanted), False

    @admin.display(description=_("created"), ordering="created_at")
    def when(self, row: Delivery) -> str:  # as text, because Django never wraps a time
        return date_format(localtime(row.created_at) if settings.USE_TZ else row.created_at, "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("provider"), ordering="provider")
    def provider_route(self, row: Delivery) -> str:
        return f"{row.provider} {row.channel} {row.region}".strip()

    @admin.display(description=_("times, ms"), ordering="latency")
    def times(self, row: Delivery) -> str:  # until the provider's answer, and until delivery
        return ", ".join("-" if time is None else str(time) for time in (row.latency, row.delivered_after))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False  # the limits of a day are restored from deliveries when Redis has lost its data
