"""Add a second number to a user: confirmed by the first or a factor, proven by a code to the second.

::

    send ──── number_changes.send ── accounts.confirmations.use ── services.send_code ──── to the second number
    verify ── accounts.number_changes.open_for ── services.verify_code ── one transaction: accounts.second_phones.keep
              notifications.send: the first number gets a link, and so does the second one of before
    remove ── accounts.second_phones.remove ── notifications.send: the number that was removed is told

Pass all arguments by keyword; call none of them inside a transaction, as in :mod:`..services`.
"""

from typing import Any

from django.http import HttpRequest

from .. import accounts, notifications, services
from ..accounts import number_changes as rows
from ..accounts import second_phones
from ..challenges import Grant
from ..challenges.policies import NEW_PHONE
from ..errors import InvalidOrExpiredCode, PhoneTaken
from . import number_changes


def send(**asked: Any) -> Grant:
    """Send a code to the number that shall be the second, as ``number_changes.send`` does to a new one."""
    return number_changes.send(second=True, **asked)


def remove(*, user: Any, request: HttpRequest | None = None) -> bool:
    """Remove the second number of a user and tell that number; return whether there was one.

    Else whoever has stolen the first number would remove the second one before adding another, and nobody would hear.
    """
    phone = second_phones.of(user)
    if not second_phones.remove(user, request):
        return False
    notifications.send(user, notifications.SECOND_PHONE_REMOVED, phone=phone, request=request)
    return True


def verify(
    *, user: Any, challenge_id: str, code: str, client: str | None = None, request: HttpRequest | None = None
) -> str:
    """Verify the code to a second number, keep that number in place of the second one of before, and return it.

    Raise InvalidOrExpiredCode, also for a challenge of another user or after a change of the first number; Limited; or
    PhoneTaken for a number that is the first of somebody, or may be so again.
    """
    row = rows.open_for(user, challenge_id, second=True)
    services.verify_code(phone=row.new, code=code, purpose=NEW_PHONE, client=client, challenge_id=challenge_id)
    with rows.alone_with(row) as changed:
        if accounts.phone_of(changed) != row.old or not rows.forget(challenge_id):
            raise InvalidOrExpiredCode
        if wait := rows.seconds_kept(row.new, changed):
            raise PhoneTaken(wait)
        if accounts.current().find(row.new, request):
            raise PhoneTaken
        before = second_phones.keep(changed, row.new, challenge_id, request)
    told = {"phone": row.old, "also": before if before != row.new else ""}
    notifications.send(changed, notifications.SECOND_PHONE_ADDED, **told, subject=challenge_id, request=request)
    return row.new
