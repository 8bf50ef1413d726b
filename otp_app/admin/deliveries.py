"""The admin of deliveries: what became of each message, at what price, and what its provider reported."""

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
    """Show deliveries to read only, found by what is known in full, for which there are indexes."""

    # What fits beside the filters into a window of 1280 pixels; the rest stands on the page of each.
    list_display = ("when", "status", "carrier", "price", "times", "error")
    list_filter = ("status", "provider", "channel", "region")
    search_fields = ("challenge", "reference")  # the box is there; get_search_results looks
    search_help_text = _(
        "A challenge's id, a provider's reference or, for staff who may see phones, a phone number: each in full."
    )
    date_hierarchy = "created_at"
    # Without the name under which its phone is counted: it would tell which messages went to one person.
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
        # The index of references begins with the provider.
        wanted = Q(provider__in=providers.aliases(), reference=text)
        with suppress(ValueError):
            wanted |= Q(challenge=UUID(text))
        if may_see_phones(request.user):
            with suppress(InvalidPhone):
                phone = phones.parse(text, gate=False)
                wanted |= Q(phone__in=(phone_key(phone), phone_key(phone, "any device")))
        return queryset.filter(wanted), False

    @admin.display(description=_("created"), ordering="created_at")
    def when(self, row: Delivery) -> str:  # a text, for Django breaks no line of a time
        return date_format(localtime(row.created_at) if settings.USE_TZ else row.created_at, "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("provider"), ordering="provider")
    def carrier(self, row: Delivery) -> str:
        return f"{row.provider} {row.channel} {row.region}".strip()

    @admin.display(description=_("times, ms"), ordering="latency")
    def times(self, row: Delivery) -> str:  # of the answer, and of the arrival
        return ", ".join("-" if time is None else str(time) for time in (row.latency, row.delivered_after))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Delivery | None = None) -> bool:
        return False  # the limits of a day are restored from them when Redis has forgotten
