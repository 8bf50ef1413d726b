"""Administer what operators rule by hand: shut a subject, hold it open, watch it, and lift that."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .. import phones, rulings
from ..db import clock
from ..models import BlockRow
from ..users import may_see_phones

STATES = {"active": _("active"), "over": _("over"), "lifted": _("lifted")}
_KINDS = {"phone": _("phone"), "prefix": _("prefix"), "network": _("network"), "region": _("country")}


class BlockState(admin.SimpleListFilter):
    """Filter rulings by their computed state."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(state=self.value()) if self.value() in STATES else queryset


class RulingForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Read a new ruling. Its subject is normalised, because a send is compared with it as text."""

    kind = forms.ChoiceField(label=_("of what"), choices=_KINDS)
    who = forms.CharField(label=_("who"), help_text="+998901234567, +99890123, 192.0.2.0/24, UZ")
    ends = forms.SplitDateTimeField(label=_("until"), widget=AdminSplitDateTime, required=False)

    class Meta:
        model = BlockRow
        fields: ClassVar[Any] = ["mode", "amount", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        row = self.instance
        row.mode, row.amount = cleaned.get("mode", row.mode), cleaned.get("amount")
        row.until = int(cleaned["ends"].timestamp() * 1000) if cleaned.get("ends") else None
        try:
            row.subject = rulings.subject_of(cleaned.get("kind", "region"), cleaned.get("who", ""))
            rulings.require_sense(row)
        except ValueError as error:
            self.add_error(None, str(error))
        return cleaned


class BlockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Make rulings, show them, and lift those that are active. None is ever changed or deleted.

    Staff without the permission to see phones see phones and prefixes masked.
    """

    form = RulingForm
    list_display = (
        *("masked_subject", "mode", "amount", "state", "limit", "reason"),
        *("author", "from_when", "until_when", "lifted_when"),
    )
    list_filter = (BlockState, "mode")
    ordering = ("-since",)
    actions = ("lift",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BlockRow]:
        now = clock.milliseconds()
        lifted, over = When(lifted_at__isnull=False, then=Value("lifted")), When(until__lte=now, then=Value("over"))
        rows: QuerySet[BlockRow] = super().get_queryset(request)
        return rows.annotate(state=Case(lifted, over, default=Value("active")))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        _masked, *others = self.list_display
        return ("subject" if may_see_phones(request.user) else "masked_subject", *others)

    def get_fields(self, request: HttpRequest, obj: BlockRow | None = None) -> tuple[str, ...]:
        return self.get_list_display(request) if obj else ("kind", "who", "mode", "amount", "reason", "ends")

    def get_readonly_fields(self, request: HttpRequest, obj: BlockRow | None = None) -> tuple[str, ...]:
        return self.get_list_display(request) if obj else ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # A filter in the address would reveal a phone or a prefix digit by digit.
        hidden = lookup.partition("__")[0] == "subject" and not may_see_phones(request.user)
        return not hidden and super().lookup_allowed(lookup, value, request)

    def has_change_permission(self, request: HttpRequest, obj: BlockRow | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: BlockRow | None = None) -> bool:
        return False  # lifting it leaves who was refused, and why

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("otp_app.change_blockrow")

    def save_model(self, request: HttpRequest, obj: BlockRow, form: Any, change: bool) -> None:
        rulings.make(obj, request.user)

    def log_addition(self, *_: Any) -> None:  # type: ignore[override]  # its answer is not read
        """Write no second record: ``rulings.make`` has written the admin's history."""

    @admin.action(description=_("Lift the selected"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: Any) -> None:
        subjects = set(queryset.filter(state="active").values_list("subject", flat=True))
        count = sum(rulings.lift(subject, request.user) for subject in subjects)
        text = ngettext("%(count)d was lifted.", "%(count)d were lifted.", count)
        self.message_user(request, text % {"count": count})

    @admin.display(description=_("who"))
    def masked_subject(self, row: BlockRow) -> str:
        return phones.mask_subject(row.subject)

    @admin.display(description=_("state"))
    def state(self, row: Any) -> Any:
        return STATES[row.state]

    @admin.display(description=_("since"), ordering="since")
    def from_when(self, row: BlockRow) -> datetime | None:
        return _moment(row.since)

    @admin.display(description=_("until"), ordering="until")
    def until_when(self, row: BlockRow) -> datetime | None:
        return _moment(row.until)

    @admin.display(description=_("lifted"), ordering="lifted_at")
    def lifted_when(self, row: BlockRow) -> datetime | None:
        return _moment(row.lifted_at)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
