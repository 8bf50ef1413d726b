"""Change the number of a user: confirmed by the old number or a factor, proven by a code to the new one.

::

    send ──── accounts.confirmations.use ── number_changes.begin ── services.send_code ──── to the new number
    verify ── number_changes.open_for ── services.verify_code ── one transaction: the number, and what hung on the old
              notifications.send: the old number gets a link
    undo ──── from that link, for 72 hours: the old number again, and every session ends

Pass all arguments by keyword; call none of them inside a transaction, as in :mod:`..services`.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from .. import accounts, factors, notifications, services, staff, stores, tokens
from ..accounts import authorization_codes, confirmations, devices, events, number_changes, second_phones
from ..challenges import Challenge, Grant, random_id
from ..challenges.policies import ADD_SECOND_PHONE, CHANGE_PHONE, NEW_PHONE
from ..db import clock
from ..db.transactions import send_after_commit
from ..errors import (
    ConfirmationRequired,
    InvalidOrExpiredCode,
    InvalidRequest,
    OtpError,
    PhoneTaken,
    Unavailable,
    UserNotChanged,
)
from ..models import NumberChange
from ..proofs import enrolments
from ..queues import background
from ..signals import phone_changed

FRESH_SECONDS = 600  # after its beginning a session may add the first number of a user


def send(
    *,
    user: Any,
    phone: str,
    confirmation: str = "",
    challenge_id: str | None = None,
    second: bool = False,
    new_id: str = "",
    request: HttpRequest | None = None,
    **asked: Any,
) -> Grant:
    """Send a code to ``phone`` (E.164, from ``phones.parse``), the same again with ``challenge_id``.

    ``confirmation`` is one of purpose ``change_phone`` and of the context ``{"text": phone}``. It is used up, unless
    the send is refused. A user with neither number nor factor may instead have signed in within ten minutes. Whether
    the number is taken makes no difference here. ``second``: the number shall come beside the first, the purpose is
    ``add_second_phone``, and :mod:`.second_phones` verifies. ``asked`` goes on to ``services.send_code``: client,
    language and proof. Raise what that raises; InvalidRequest for the user's own number; or ConfirmationRequired.
    """
    asked |= {"user": user, "phone": phone, "request": request}
    if challenge_id is not None:
        return send_to(challenge_id=challenge_id, second=second, **asked)
    require_another(user, phone)
    if second:
        _require_used(user, ADD_SECOND_PHONE, phone, confirmation)
    elif confirmation or accounts.phone_of(user) or factors.is_protected(user) or not _is_fresh(user, request):
        _require_used(user, CHANGE_PHONE, phone, confirmation)
    by_factor = not second and _is_by_old_factor(user, confirmation)
    try:
        return send_to(new_id=new_id, second=second, by_factor=by_factor, **asked)
    except OtpError as refused:
        if not isinstance(refused, Unavailable):  # then a message may go out all the same
            confirmations.give_back(confirmation)
        raise


def require_another(user: Any, phone: str) -> None:
    """Raise InvalidRequest for the user's own number."""
    if phone == accounts.phone_of(user):
        raise InvalidRequest({"phone": [_("This is your number already.")]})


def send_to(
    *,
    user: Any,
    phone: str,
    challenge_id: str | None = None,
    new_id: str = "",
    second: bool = False,
    recovery: UUID | None = None,
    by_factor: bool = False,
    **asked: Any,
) -> Grant:
    """Begin a change that somebody has proven to be the user's wish, and send the code to the new number.

    With ``challenge_id`` send the same code again. ``second`` and ``recovery`` are as in
    ``accounts.number_changes.open_for``; ``by_factor``: a factor that was not new has confirmed the change. A change
    whose send is refused is forgotten.
    """
    asked |= {"phone": phone, "purpose": NEW_PHONE}
    if challenge_id is not None:
        number_changes.open_for(user, challenge_id, second=second, recovery=recovery)
        return services.send_code(challenge_id=challenge_id, **asked)
    new_id = new_id or random_id()
    way = {"second": second, "recovery": recovery}
    number_changes.begin(user, accounts.phone_of(user), phone, new_id, by_factor=by_factor, **way)
    try:
        return services.send_code(new_id=new_id, **asked)
    except OtpError as refused:
        if not isinstance(refused, Unavailable):  # then a message may go out all the same
            number_changes.forget(new_id)
        raise


def verify(
    *, user: Any, challenge_id: str, code: str, client: str | None = None, request: HttpRequest | None = None
) -> tuple[Any, str, str]:
    """Verify the code to the new number, and give the user that number; return user, number and a value for the device.

    The old number gets a notice with a link, its devices are forgotten, and what the user has begun ends:
    confirmations, codes for other sites, other changes. Sessions go on. Raise InvalidOrExpiredCode, also for a
    challenge of another user or after another change; Limited; PhoneTaken; or UserNotChanged.
    """
    row = number_changes.open_for(user, challenge_id)
    challenge = verify_code(row, code, client)
    with number_changes.alone_with(row) as changed:
        make(row, changed, request)
    tell_made(row, changed, request)
    return changed, row.new, devices.issue(row.new, challenge.checked_at)


def verify_code(row: NumberChange, code: str, client: str | None) -> Challenge:
    """Verify the code to the new number of a change. Raise InvalidOrExpiredCode or Limited."""
    named = {"client": client, "challenge_id": row.pk.hex}
    return services.verify_code(phone=row.new, code=code, purpose=NEW_PHONE, **named)


def make(row: NumberChange, user: Any, request: HttpRequest | None) -> None:
    """Give the new number of a change to its user, within ``alone_with``, and end what hung on the old one.

    Raise InvalidOrExpiredCode, PhoneTaken or UserNotChanged.
    """
    if accounts.phone_of(user) != row.old:
        raise InvalidOrExpiredCode
    if wait := number_changes.seconds_kept(row.new, user):
        raise PhoneTaken(wait)
    number_changes.make(row)
    _give(user, row.new, request)
    _end_what_was_begun(user, row.old)
    events.record(user, events.Kind.NUMBER_CHANGED, request)


def tell_made(row: NumberChange, user: Any, request: HttpRequest | None) -> None:
    """Tell the old number of a change, by a message with a link, and the project."""
    if row.old:
        notifications.send(user, notifications.NUMBER_CHANGED, phone=row.old, subject=row.pk.hex, request=request)
    _tell(user, row.old, row.new, request)


def undo(*, change_id: str, request: HttpRequest | None = None) -> bool:
    """Give the old number of a change back to its user, and end all sessions; return whether it could be given back.

    Factors that were added since a day before the change are removed, or whoever has made it would come back by them:
    not those of staff, and not after a change that a factor has confirmed, because then a stolen old number would be
    enough to remove the factors of the owner. The number could not be given back if somebody else has it, as by the
    admin. Raise InvalidOrExpiredCode after 72 hours, and the second time.
    """
    row = number_changes.undoable(change_id)
    with number_changes.alone_with(row) as user:
        number_changes.undo(row)
        last, holder = accounts.phone_of(user), accounts.current().find(row.old, request)
        if holder is None:
            _give(user, row.old, request)
        _end_what_was_begun(user, last)
        if not (row.by_factor or staff.is_staff(user)):
            enrolments.remove_added_since(user, (row.changed_at or 0) - number_changes.NEW_MS, request)
        services.sign_out_everywhere(user=user, request=request)
        events.record(user, events.Kind.NUMBER_RESTORED, request)
    background.run(end_latecomers, user)
    if holder is None:
        _tell(user, last, row.old, request)
    return holder is None or holder.pk == user.pk


def end_latecomers(user: Any) -> None:
    """End the session of whoever was signing in by a number while it was replaced: the lock waits for that."""
    with transaction.atomic(using=accounts.database()):
        accounts.lock(user)
    for session in tokens.sessions.of(user):
        session.end()


def _is_by_old_factor(user: Any, confirmation: str) -> bool:
    """Return whether a factor has confirmed, and none was added within a day: a thief's own would vouch for it."""
    if not confirmations.is_by_factor(confirmation):
        return False
    return not enrolments.has_new_factor(user, stores.current().now() - number_changes.NEW_MS)


def _require_used(user: Any, purpose: str, phone: str, confirmation: str) -> None:
    """Use up a confirmation that names the new number. Raise ConfirmationRequired."""
    if not confirmation or not confirmations.use(user, purpose, confirmation, {"text": phone}):
        raise ConfirmationRequired(purpose)


def _is_fresh(user: Any, request: HttpRequest | None) -> bool:
    at = tokens.auth_time(request, user) if request else None
    return at is not None and clock.instant().timestamp() - at.timestamp() < FRESH_SECONDS


def _give(user: Any, phone: str, request: HttpRequest | None) -> None:
    """Write a number of a user; raise PhoneTaken or UserNotChanged."""
    current = accounts.current()
    if current.find(phone, request):
        raise PhoneTaken
    try:
        with transaction.atomic(using=accounts.database()):
            current.set_phone(user, phone)
    except accounts.REFUSALS as error:
        if current.find(phone, request):
            raise PhoneTaken from None
        raise UserNotChanged(type(error).__name__) from None  # without the cause, because its details show the phone
    if current.phone_of(user) != phone:
        raise UserNotChanged("phone_of does not return what set_phone wrote")
    second_phones.end(phone)


def _end_what_was_begun(user: Any, phone: str) -> None:
    """End the devices of a number that was given up, and what its user has begun by it."""
    devices.end_all(phone)
    authorization_codes.revoke_all(user)
    confirmations.end_all(user)


def _tell(user: Any, old: str, new: str, request: HttpRequest | None) -> None:
    send_after_commit(phone_changed, user, old=old, new=new, request=request)
    accounts.current().changed(user, old, new)
