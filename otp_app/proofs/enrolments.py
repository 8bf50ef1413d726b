"""Add and remove the factors of an account and its e-mail address, and write down each change."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.http import HttpRequest

from .. import accounts, audit, factors, notifications
from ..accounts import events, recoveries, second_phones
from ..accounts.events import Kind
from ..conf import conf
from ..errors import InvalidOrExpiredCode, LastWayIn
from ..factors import authenticators, emails, passkeys, recovery_codes
from ..factors.changing import alone
from ..limits.clients import client_of
from ..notifications import mails


def add_authenticator(user: Any, code: str, request: HttpRequest) -> list[str]:
    """Keep the authenticator that was begun if the code is its own, and return new recovery codes.

    Whoever has stolen a token must not guess a code while its owner adds an authenticator: the recovery codes prove the
    owner. Raise InvalidOrExpiredCode, or Limited.
    """
    with audit.recording_refusals(accounts.phone_of(user), client_of(request.META), None, request=request):
        codes = factors.limited(user, partial(authenticators.finish, user, code))
    if not codes:
        raise InvalidOrExpiredCode
    record_added(user, request, client_of(request.META))
    return codes


def record_added(user: Any, request: HttpRequest, client: str) -> None:
    """Write down that an authenticator was added, and tell the user."""
    audit.record_factor("added", user.pk, client)
    events.record(user, Kind.AUTHENTICATOR_ADDED, request)
    tell_of_new_factor(user, request)


def tell_of_new_factor(user: Any, request: HttpRequest | None) -> None:
    """Tell a user by SMS that a factor was added, unless OTP_NOTIFY_FACTOR_ADDED is off."""
    if conf.NOTIFY_FACTOR_ADDED:
        notifications.send(user, notifications.FACTOR_ADDED, request=request)


def remove_authenticator(user: Any, request: HttpRequest) -> bool:
    """Remove the authenticator of a user; return whether there was one. Raise LastWayIn."""
    with removing(user):
        removed = authenticators.remove(user)
    if removed:
        audit.record_factor("removed", user.pk, client_of(request.META))
        events.record(user, Kind.AUTHENTICATOR_REMOVED, request)
    return removed


def renew_recovery_codes(user: Any, request: HttpRequest) -> list[str]:
    """Return new recovery codes in place of the old ones; none for a user without an authenticator or a passkey."""
    codes, rows = recovery_codes.new()
    with alone(user):
        if not factors.is_protected(user):
            return []
        recovery_codes.keep(user, rows)
    events.record(user, Kind.RECOVERY_CODES_RENEWED, request)
    return codes


def add_email(user: Any, challenge_id: str, otp: str, request: HttpRequest) -> None:
    """Keep an e-mail address if the code is that which was sent there; raise as ``emails.verify`` does.

    The number is told in any case, because whoever has added the address could get back by it, and so is an address
    that was replaced.
    """
    before = emails.verify(user, challenge_id, otp)
    events.record(user, Kind.EMAIL_ADDED, request)
    recoveries.end_all(user, recoveries.BY_ADDRESS, request)
    notifications.send(user, notifications.EMAIL_ADDED, request=request)
    mails.tell_lost(user, before, request, replaced=True)


def remove_email(user: Any, request: HttpRequest) -> bool:
    """Remove and tell the e-mail address of a user; return whether there was one.

    It is no way in, so it may always go.
    """
    removed = emails.remove(user)
    if removed:
        events.record(user, Kind.EMAIL_REMOVED, request)
        recoveries.end_all(user, recoveries.BY_ADDRESS, request)
        mails.tell_lost(user, removed, request)
    return bool(removed)


def has_new_factor(user: Any, at: int) -> bool:
    """Return whether a user has got a factor, or new recovery codes, since an instant (ms by the store's clock)."""
    new = {Kind.AUTHENTICATOR_ADDED, Kind.PASSKEY_ADDED, Kind.RECOVERY_CODES_RENEWED}
    return bool(new & events.kinds_since(user, at))


def remove_added_since(user: Any, at: int, request: HttpRequest | None) -> None:
    """Remove the factors of each kind of which one was added since an instant, and an e-mail address or second phone.

    Whoever held the account since then may have added them; older ones of the kind go with them, since they may be
    copies or replaced. ``at`` is in milliseconds by the store's clock.
    """
    added = events.kinds_since(user, at)
    removed = set()
    if added & {Kind.AUTHENTICATOR_ADDED, Kind.RECOVERY_CODES_RENEWED}:
        recovery_codes.remove(user)
        removed |= {Kind.AUTHENTICATOR_REMOVED} if authenticators.remove(user) else set()
    if Kind.PASSKEY_ADDED in added and sum(passkeys.remove(user, row.pk.hex) for row in passkeys.of(user)):
        removed.add(Kind.PASSKEY_REMOVED)
    if Kind.EMAIL_ADDED in added and (email := emails.remove(user)):
        removed.add(Kind.EMAIL_REMOVED)
        mails.tell_lost(user, email, request)
    if Kind.SECOND_PHONE_ADDED in added:
        second_phones.remove(user, request)
    if not factors.is_protected(user):
        recovery_codes.remove(user)
    for kind in sorted(removed):
        events.record(user, kind, request)


@contextmanager
def removing(user: Any) -> Iterator[None]:
    """Remove an authenticator or a passkey within this context, which is undone if the user had no other way in.

    A phone is a way in, and so is a passkey. An authenticator is none, because it is asked for beside a code alone; nor
    are recovery codes: without the factor that they stand in for, they end. Raise LastWayIn.
    """
    with alone(user) as current:
        yield
        if not accounts.phone_of(current) and not factors.is_held(user, factors.PASSKEY):
            raise LastWayIn
        if not factors.is_protected(user):
            recovery_codes.remove(user)
