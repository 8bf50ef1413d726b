"""Administer blocks: show who is refused for a while, and lift blocks."""

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .. import audit, phones, stores
from ..db import clock
from ..db.transactions import without_transactions
from ..errors import Unavailable
from ..models import BlockRow
from ..users import may_see_phones

STATES = {"active": _("active"), "over": _("over"), "lifted": _("lifted")}


class BlockState(admin.SimpleListFilter):
    """Filter blocks by their computed state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(state=self.value()) if self.value() in STATES else queryset


class BlockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Show blocks of prefixes and regions, and lift those that are active. A phone is never blocked.

    Staff without the permission to see phones see prefixes masked.
    """

    list_display = ("masked_subject", "state", "limit", "reason", "from_when", "until_when", "lifted_when")
    list_filter = (BlockState, "limit")
    ordering = ("-since",)
    actions = ("unblock",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRow]:
        try:
            now = stores.current().now()
        except Unavailable:  # blocks must be visible without the store, too
            now = clock.milliseconds()
        lifted, over = When(lifted_at__isnull=False, then=Value("lifted")), When(until__lte=now, then=Value("over"))
        rows: QuerySet[BlockRow] = super().get_queryset(request)
        return rows.annotate(state=Case(lifted, over, default=Value("active")))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        _masked, *others = self.list_display
        return ("subject" if may_see_phones(request.user) else "masked_subject", *others)

    def get_fields(self, request: HttpRequest, obj: BlockRow | None = None) -> tuple[str, ...]:
        return self.get_list_display(request)

    get_readonly_fields = get_fields

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A filter in the address would reveal the prefix digit by digit.
        hidden = lookup.partition("__")[0] == "subject" and not may_see_phones(request.user)
        return not hidden and super().lookup_allowed(lookup, value, request)

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for url in urls:  # the store lifts blocks in a transaction of its own
            url.callback = without_transactions(url.callback)
        return urls

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: BlockRow | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: BlockRow | None = None) -> bool:
        return False  # without its row the block would go on, and could not be lifted

    def has_unblock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("otp_app.change_blockrow")

    @admin.action(description=_("Unblock the selected"), permissions=["unblock"])
    def unblock(self, request: HttpRequest, queryset: Any) -> None:
        store = stores.current()
        rows = list(queryset.filter(state="active"))
        for row in rows:
            try:
                BlockRow.objects.filter(pk=row.pk).update(lifted_at=store.now())
            except Unavailable as error:
                return self.message_user(request, str(error.detail), messages.ERROR)
            audit.record_lifted_block(row, request.user.pk)
            self.log_change(request, row, str(_("Lifted the block.")))
        text = ngettext("%(count)d block was lifted.", "%(count)d blocks were lifted.", len(rows))
        return self.message_user(request, text % {"count": len(rows)})

    @admin.display(description=_("who"))
    def masked_subject(self, row: BlockRow) -> str:
        return phones.mask_subject(row.subject)

    @admin.display(description=_("state"))
    def state(self, row: Any) -> Any:
        return STATES[row.state]

    @admin.display(description=_("since"), ordering="since")
    def from_when(self, row: BlockRow) -> datetime:
        return _moment(row.since)

    @admin.display(description=_("until"), ordering="until")
    def until_when(self, row: BlockRow) -> datetime:
        return _moment(row.until)

    @admin.display(description=_("lifted"), ordering="lifted_at")
    def lifted_when(self, row: BlockRow) -> datetime | None:
        return None if row.lifted_at is None else _moment(row.lifted_at)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
