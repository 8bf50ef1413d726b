"""Get back into an account by its e-mail address, for whoever has lost the number, every session and every factor.

::

    ask ───── recoveries.ask ── in a moment a mail with a code, if number and address are of one account
    begin ─── recoveries.spend_check ── matches ── begin: the waiting period; the old number and the address are told
    send ──── after it: recoveries.open_by ── number_changes.send_to: a code to the new number
    finish ── number_changes.verify_code ── one transaction: once, if nobody was in the account; every session ends
    stop ──── from the notice, in the waiting period

Pass all arguments by keyword; call none of them inside a transaction, as in :mod:`..services`.
"""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import override

from .. import accounts, audit, notifications, phones, services, staff, stores, tokens
from ..accounts import notifications as notices
from ..accounts import number_changes as changes
from ..accounts import recoveries
from ..challenges import Grant
from ..conf import conf
from ..delivery import callbacks
from ..errors import InvalidOrExpiredCode, RecoveryWaits
from ..factors import emails, mailed_codes
from ..factors.changing import alone
from ..keys import phone_key
from ..limits import request_limits
from ..models import Recovery
from ..phones.languages import language_of
from ..queues import background
from . import number_changes


def ask(*, phone: str, email: str, client: str | None = None, request: HttpRequest | None = None) -> str:
    """Send a code to ``email`` if it is the address of the account of ``phone``; return the id of the challenge.

    Whether or not there is such an account, the answer is the same, and so are the statements; the mail goes after the
    answer. There is none for staff, for a deactivated user, and by an address that was not proven a week ago. Raise
    Limited.
    """
    with audit.recording_refusals(phone, client, None, request=request):
        stores.current().take(request_limits.for_recovery(client, email))
    user = accounts.current().find(phone, request)
    address = emails.of_way_back(user)
    is_theirs = address is not None and address.email.lower() == email.lower() and _may_come_back(user)
    row = recoveries.ask(phone, address if is_theirs else None)
    to = address.email if address and is_theirs else ""  # as it was proven, and never as it was typed
    background.run(partial(_mail_code, to, language_of(request or HttpRequest(), phone)), row)
    return row.pk.hex


def begin(*, challenge_id: str, code: str, request: HttpRequest | None = None) -> str:
    """Verify the code from the mail, and begin the waiting period; return the value for the steps after it.

    The number and the address are told, each with a link that stops it. Raise InvalidRequest for a code of another
    form, before a check is spent, or InvalidOrExpiredCode.
    """
    mailed_codes.require_form(code)
    row = recoveries.spend_check(challenge_id)
    if not recoveries.matches(row, code):
        raise InvalidOrExpiredCode
    with alone(row.user) as user:
        _require_same(row, user)
        value = recoveries.begin(row, user, request)
    phone = accounts.phone_of(user)
    notifications.send(user, notifications.RECOVERY_BEGUN, phone=phone, subject=row.pk.hex, request=request)
    background.run(partial(_mail_notice, user, phone, accounts.language_of(user, request, phone)), row)
    return value


def send(*, value: str, phone: str, request: HttpRequest | None = None, **asked: Any) -> Grant:
    """Send a code to the new number ``phone`` (E.164), after the waiting period.

    ``asked`` is as in ``number_changes.send``, without user and confirmation. Raise what that raises; RecoveryWaits
    before; or InvalidOrExpiredCode for a value that is unknown, used, ended or too old.
    """
    row, user = _open_by(value, request)
    number_changes.require_another(user, phone)
    return number_changes.send_to(user=user, phone=phone, recovery=row.pk, request=request, **asked)


def finish(
    *, value: str, challenge_id: str, code: str, client: str | None = None, request: HttpRequest | None = None
) -> str:
    """Verify the code to the new number, give the user that number, end all sessions and devices; return the number.

    Nobody is signed in by it: whoever has the number then signs in as always, with the second factor where one is
    asked for. The old number can undo it for 72 hours. Raise as ``send`` and ``number_changes.verify`` do.
    """
    row, user = _open_by(value, request)
    change = changes.open_for(user, challenge_id, recovery=row.pk)
    number_changes.verify_code(change, code, client)
    with changes.alone_with(change) as user:
        _require_same(row, user)
        _require_unused(row, user)
        recoveries.finish(row)
        number_changes.make(change, user, request)
        services.sign_out_everywhere(user=user, request=request)
        accounts.record_sign_in(user)  # or the account would be asked about, where it was idle for long
    background.run(number_changes.end_latecomers, user)
    number_changes.tell_made(change, user, request)
    return change.new


def stop(*, recovery_id: str, request: HttpRequest | None = None) -> bool:
    """End a recovery by the link of its notice; return False if it was too late for that."""
    return recoveries.stop(recovery_id, request)


def _may_come_back(user: Any) -> bool:
    """Return whether the way back is open to a user.

    Without ``last_login`` nobody could see that a sign-in stops it; whoever has proven an address has signed in.
    """
    return bool(conf.RECOVERY_WAIT and user.is_active and accounts.last_login(user) and not staff.is_staff(user))


def _open_by(value: str, request: HttpRequest | None) -> tuple[Recovery, Any]:
    """Return the recovery of a value, whose waiting period is over, and its user.

    Raise InvalidOrExpiredCode or RecoveryWaits. A recovery whose account was used meanwhile ends.
    """
    row = recoveries.open_by(value)
    try:
        _require_same(row, row.user)
        _require_unused(row, row.user)
    except InvalidOrExpiredCode:
        recoveries.end_all(row.user, recoveries.BY_USE, request)
        raise
    if wait := recoveries.seconds_left(row):
        raise RecoveryWaits(wait)
    return row, row.user


def _require_same(row: Recovery, user: Any) -> None:
    """Raise InvalidOrExpiredCode unless the user has the number and the address of a recovery, and may come back."""
    address = emails.of_way_back(user)
    has_address = address is not None and address.pk == row.address
    if not (has_address and phone_key(accounts.phone_of(user)) == row.phone.hex and _may_come_back(user)):
        raise InvalidOrExpiredCode


def _require_unused(row: Recovery, user: Any) -> None:
    """Raise InvalidOrExpiredCode if somebody was in the account since the recovery was begun.

    A sign-in writes ``last_login`` at once, whatever its way, and the use of a session writes it once a day; sessions
    themselves know of their use by the hour.
    """
    seen = [at for each in tokens.sessions.of(user) for at in (each.began_at, each.used_at) if at]
    used = any(at.timestamp() * 1000 > (row.begun_at or 0) for at in seen)
    if used or accounts.last_login(user) != row.last_login:
        raise InvalidOrExpiredCode


def _mail_code(email: str, language: str, row: Recovery) -> None:
    if email:
        with override(language):
            mailed_codes.send_code(email, "otp_app/recovery.txt", recoveries.code_of(row))


def _mail_notice(user: Any, phone: str, language: str, row: Recovery) -> None:
    value = notices.add_for_mail(user, notifications.RECOVERY_BEGUN, phones.as_phone(phone), row.pk.hex, language)
    with override(language):
        told = {"link": callbacks.link_of(value), "hours": conf.RECOVERY_WAIT // 3600}
        subject = _("%(brand)s: somebody wants a new number for your account")
        mailed_codes.send(emails.find(user), subject, "otp_app/recovery_begun.txt", told)
