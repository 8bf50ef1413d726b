"""Add and remove passkeys, and sign in by one.

::

    add ────── passkeys.add ── an event
    enrol ──── passkeys.enrol ── an event               the first factor of staff, with recovery codes
    sign_in ── passkeys.verify ── tokens.issue          without a code; staff gets no rights by it, as by a code

Pass all arguments by keyword; call no function inside a transaction, as in :mod:`..services`.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, audit, notifications, phones, stores, tokens
from ..accounts import clients, devices, events
from ..conf import conf
from ..errors import InvalidOrExpiredCode
from ..factors import passkeys
from ..limits import request_limits
from ..models import Passkey
from ..notifications import NEW_DEVICE
from ..proofs import enrolments
from ..services import SignIn
from ..tokens.base import Issued


def creation_options(*, user: Any, bound_to: str = "") -> dict[str, Any]:
    """Return the JSON from which a client makes a passkey, which shows the number masked. Raise InvalidRequest."""
    return passkeys.creation_options(user, phones.mask(accounts.phone_of(user)) or user.get_username(), bound_to)


def add(*, user: Any, answer: Mapping[str, Any], name: str = "", request: HttpRequest | None = None) -> Passkey:
    """Keep the passkey that a client has made, record it and tell the user; without a name it is called as the client.

    Raise InvalidOrExpiredCode.
    """
    passkey = passkeys.add(user, answer, name or _name_of(request))
    _record_added(user, request)
    return passkey


def enrol(*, user: Any, answer: Any, bound_to: str, request: HttpRequest) -> tuple[Passkey, list[str]]:
    """Keep the first factor of a member of staff, a passkey, and record it; return it with ten recovery codes.

    ``bound_to`` is as in ``creation_options``. Raise InvalidOrExpiredCode.
    """
    passkey, codes = passkeys.enrol(user, answer, _name_of(request), bound_to)
    _record_added(user, request)
    return passkey, codes


def remove(*, user: Any, passkey_id: str, request: HttpRequest | None = None) -> bool:
    """Delete a passkey of a user and record it; return whether there was one of this id. Raise LastWayIn."""
    with enrolments.removing(user):
        removed = passkeys.remove(user, passkey_id)
    if not removed:
        return False
    audit.record_factor("removed", user.pk, by="passkey")
    events.record(user, events.Kind.PASSKEY_REMOVED, request)
    return True


def sign_in(
    *,
    answer: Mapping[str, Any],
    client: str | None = None,
    device: str | None = None,
    request: HttpRequest | None = None,
) -> SignIn:
    """Verify the answer of a passkey, and issue a token to its user by OTP_TOKEN_BACKEND.

    Raise InvalidOrExpiredCode, also for a deactivated user; or Limited, because answers are checks of the client, and
    each sign-in of the account writes rows that no message bounds.
    """
    store = stores.current()
    with audit.recording_refusals("", client, None, request=request):
        increments = store.take(request_limits.for_check(client))
        user = _user_of(answer, client, request)
        store.give_back(increments)
        store.take(request_limits.for_passkey(f"user {user.pk}"))
    issued = tokens.issue(tokens.current(), user, request)
    tokens.sessions.end_oldest(user, request)
    phone = accounts.phone_of(user)
    known = devices.recognise(phone, device)
    renewed = devices.renew(phone, store.now(), device, known=bool(known)) if phone else ""
    audit.record_sign_in(user, client, None, request, is_new=False, new_device=not known, phone=phone)
    if not known:
        _tell_of_new_device(user, issued, phone, request)
    return SignIn(user, False, issued, renewed)


def _name_of(request: HttpRequest | None) -> str:
    """Return how a passkey is called to which its owner gives no name: as the client."""
    name: str = clients.described(request).get("client_name", "")
    return name


def _record_added(user: Any, request: HttpRequest | None) -> None:
    audit.record_factor("added", user.pk, by="passkey")
    events.record(user, events.Kind.PASSKEY_ADDED, request)
    enrolments.tell_of_new_factor(user, request)


def _tell_of_new_device(user: Any, issued: Issued, phone: str, request: HttpRequest | None) -> None:
    events.record(user, events.Kind.NEW_DEVICE, request)
    if conf.NOTIFY_NEW_DEVICE:
        notifications.send(user, NEW_DEVICE, phone=phone, subject=issued.session, request=request)


def _user_of(answer: Mapping[str, Any], client: str | None, request: HttpRequest | None) -> Any:
    """Return the active user whose passkey has answered. Raise InvalidOrExpiredCode."""
    try:
        user = passkeys.verify(answer, passkeys.SIGN_IN).user
    except passkeys.ClonedPasskey as refused:
        events.record(refused.user, events.Kind.PASSKEY_CLONED, request)
        raise audit.record_failed_passkey(client, "cloned") from None
    except InvalidOrExpiredCode:
        raise audit.record_failed_passkey(client, "invalid") from None
    if not user.is_active:
        raise audit.record_failed_passkey(client, "deactivated")
    return user
