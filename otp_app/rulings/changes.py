"""Make and lift rulings; each change leaves a record in the log and, where a user made it, one in the admin."""

from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _

from .. import audit
from ..db import clock
from ..models import BlockRow
from . import kept


def make(row: BlockRow, by: Any) -> None:
    """Put a ruling into force in place of those on the same subject; ``by`` is a user, or the name of a command.

    Raise ValueError as :func:`require_sense` does.
    """
    require_sense(row)
    with transaction.atomic():
        lift(row.subject, by)
        row.since, row.author = clock.milliseconds(), _name_of(by)
        row.save()
        _log_for_admin(row, by, "ADDITION", f"{row.get_mode_display()}: {row.reason}")
    audit.record_ruling(row, _name_of(by))
    _forget()


def lift(subject: str, by: Any) -> int:
    """Lift the rulings on a subject that are in force, and return how many there were."""
    now = clock.milliseconds()
    rows = [row for row in kept.read(now) if row.subject == subject]
    for row in rows:
        row.lifted_at = now
        row.save(update_fields=["lifted_at"])
        _log_for_admin(row, by, "CHANGE", _("Lifted."))
        audit.record_lifted_ruling(row, _name_of(by))
    _forget()
    return len(rows)


def require_sense(row: BlockRow) -> None:
    """Raise ValueError, which says why, for a mode that is none for such a subject or lacks its amount."""
    kind = row.subject.partition(" ")[0]
    if row.mode == BlockRow.Mode.WATCH and kind != "region":
        raise ValueError(_("Only a country can be watched."))
    if row.mode == BlockRow.Mode.OPEN and kind == "phone":
        raise ValueError(_("A phone can only be shut."))
    if (row.mode == BlockRow.Mode.OPEN) != (row.amount is not None):
        raise ValueError(_("Give an amount for who is held open, and for nobody else."))


def _name_of(by: Any) -> str:
    return by if isinstance(by, str) else str(by.pk)


def _log_for_admin(row: BlockRow, by: Any, action: str, message: str) -> None:
    """Write the history of Django's admin, in which each record belongs to a user."""
    if isinstance(by, str) or not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib.admin import models  # not to be imported where the admin is not installed

    models.LogEntry.objects.log_actions(by.pk, [row], getattr(models, action), message, single_object=True)


def _forget() -> None:
    """Forget what is kept, now and once the change is committed: others may read between the two."""
    kept.forget()
    transaction.on_commit(kept.forget)
