"""Serve the page of the link in a notification. To look at it does nothing, because phones and messengers do that, too.

A POST acts. What it does hangs on the kind of the notification and on what was done by its link before.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from .. import accounts, phones, services, tokens
from ..accounts import devices, notifications, second_phones
from ..accounts.number_changes import is_undone, undoable
from ..errors import InvalidOrExpiredCode
from ..flows import number_changes, recovery
from ..models import Notification
from ..notifications import NEW_DEVICE, NUMBER_CHANGED, RECOVERY_BEGUN, SECOND_PHONE_ADDED
from . import pages

# Each does one thing and returns its outcome, a word. Of two requests at once both may call it, so to do it twice must
# do no harm.
Act = Callable[[Notification, HttpRequest], str]


def _end_session(row: Notification, request: HttpRequest) -> str:
    # Or whoever signed in would be known at the next sign-in, of which nobody is told.
    devices.end_all(accounts.phone_of(row.user))
    tokens.sessions.end(row.user, row.subject, request)
    return "ended"


def _end_all(row: Notification, request: HttpRequest) -> str:
    services.sign_out_everywhere(user=row.user, request=request)
    return "all_ended"


def _undo_change(row: Notification, request: HttpRequest) -> str:
    try:
        return "restored" if number_changes.undo(change_id=row.subject, request=request) else "kept"
    except InvalidOrExpiredCode:  # too late, or another request has just undone it
        return _outcome_of_change(row)


def _outcome_of_change(row: Notification) -> str:
    """Return what has become of a change without the link: it was undone by another one, or it is too late; else ""."""
    with suppress(InvalidOrExpiredCode):
        undoable(row.subject)
        return ""
    return "restored" if is_undone(row.subject) else "late"


def _remove_second_phone(row: Notification, request: HttpRequest) -> str:
    second_phones.remove(row.user, request)  # also one that a thief has put in its place
    services.sign_out_everywhere(user=row.user, request=request)
    return "removed"


def _stop_recovery(row: Notification, request: HttpRequest) -> str:
    return "stopped" if recovery.stop(recovery_id=row.subject, request=request) else "late"


# By kind: what can be done next, by the outcome so far. The page of a kind is ``otp_app/web/<kind>.notice.html``.
ACTS: Mapping[str, Mapping[str, Act]] = {
    NEW_DEVICE: {"": _end_session, "ended": _end_all},
    NUMBER_CHANGED: {"": _undo_change},
    SECOND_PHONE_ADDED: {"": _remove_second_phone},
    RECOVERY_BEGUN: {"": _stop_recovery},
}


@pages.page
def notice(request: HttpRequest, value: str) -> HttpResponseBase:
    """Show what a notification is about; by a POST, do what the page has offered, and show the outcome."""
    row = notifications.of_value(value)
    if row is None or row.kind not in ACTS:
        text = _("This link is no longer valid.")
        return pages.show(request, "problem", status=404, text=text)
    outcome = row.outcome or (_outcome_of_change(row) if row.kind == NUMBER_CHANGED else "")
    act = ACTS[row.kind].get(outcome)
    if request.method == "POST":
        if act and request.POST.get("after") == row.outcome:  # not for a form that was sent twice
            notifications.settle(row, act(row, request))
        return redirect(request.path)
    session = next((each for each in tokens.sessions.of(row.user) if each.id == row.subject), None)
    who = phones.mask(row.phone)
    return pages.show(request, f"{row.kind}.notice", outcome=outcome, session=session, who=who)
