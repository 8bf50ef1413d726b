"""Keep passkeys: discoverable credentials of WebAuthn, whose authenticator verifies the user.

::

    creation_options ── the client makes a key ── add, or enrol for the first one of staff
    request_options ─── the client signs ──────── verify: signature, challenge, counter

A challenge is about one use: to add a passkey, to sign in, or to prove one user for one confirmation or session.
"""

import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..bodies import MAX_API_BYTES
from ..challenges import is_id
from ..errors import InvalidOrExpiredCode, InvalidRequest
from ..keys import kept_keys
from ..models import Passkey
from . import ceremonies, kept, recovery_codes, relying_party
from .changing import alone

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication

ADD, SIGN_IN, PROVE = "add", "sign-in", "prove"
MAX_NAME_CHARACTERS = 64
_MAX_PASSKEYS = 20  # of a user. Each costs a confirmation, so it does not matter that many at once may exceed it.
TOO_MANY: Any = _("You have too many passkeys. Remove one first.")
_TRANSPORTS = ("ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb")


class ClonedPasskey(Exception):
    """Tell the caller, who refuses it as a wrong code, that the counter of a passkey went back: it may be a copy."""

    def __init__(self, user: Any) -> None:
        super().__init__()
        self.user = user


def of(user: Any) -> list[Passkey]:
    """Return the passkeys of a user, the oldest first."""
    return list(_rows().filter(user_id=user.pk))


def how_many() -> int:
    """Return how many passkeys are kept, of all users."""
    return _rows().count()


def remove(user: Any, pk: str) -> bool:
    """Delete a passkey of a user, and return whether there was one of this id."""
    return is_id(pk) and bool(_rows().filter(pk=UUID(pk), user_id=user.pk).delete()[0])


def creation_options(user: Any, shown_name: str, bound_to: str = "") -> dict[str, Any]:
    """Return the JSON from which a client makes a passkey; authenticators list it by ``shown_name``.

    The answer adds it only with the same ``bound_to``. Raise InvalidRequest for a user who has too many.
    """
    known = of(user)
    if len(known) >= _MAX_PASSKEYS:
        raise InvalidRequest({"passkeys": [str(TOO_MANY)]})
    challenge = relying_party.new_challenge(ADD, str(user.pk), bound_to)
    return ceremonies.creation_options(_handle_of(user), shown_name, known, challenge)


def add(user: Any, answer: Mapping[str, Any], name: str) -> Passkey:
    """Keep the passkey that a client has made. Raise InvalidOrExpiredCode, also for one that is known already."""
    row = _made(user, answer, name)
    _save(row)
    return row


def enrol(user: Any, answer: Any, name: str, bound_to: str) -> tuple[Passkey, list[str]]:
    """Keep the passkey of an answer, whatever JSON it is, and return it with new recovery codes.

    Raise InvalidOrExpiredCode, also if the user has an authenticator or a passkey already.
    """
    row = _made(user, answer, name, bound_to)
    codes, rows = recovery_codes.new()
    with alone(user):
        if kept.has_any(user):
            raise InvalidOrExpiredCode
        _save(row)
        recovery_codes.keep(user, rows)
    return row, codes


def sign_in_options() -> dict[str, Any]:
    """Return the JSON from which a client signs by any passkey that the person chooses."""
    return ceremonies.request_options((), relying_party.new_challenge(SIGN_IN))


def verify(answer: Mapping[str, Any], *about: str) -> Passkey:
    """Return the passkey, with its user, that has signed a challenge about this, and use the challenge up.

    Nobody can guess a signature, so no check is paid before it is compared. Raise InvalidOrExpiredCode, or
    ClonedPasskey if the counter of the passkey went back.
    """
    challenge = relying_party.challenge_of(answer, *about)
    row = _find(answer)
    seen = ceremonies.checked_signature(answer, challenge, row)
    if ceremonies.may_be_copied(seen) != row.backup_eligible:
        raise InvalidOrExpiredCode
    relying_party.use_up(challenge)
    _count(row, seen)
    return row


def read(text: str) -> Any:
    """Return the answer of a client that a form carries as JSON; None, which proves nobody, for any other text."""
    if len(text) > MAX_API_BYTES:  # no longer than the API takes it
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def named_by(user: Any, answer: Mapping[str, Any]) -> Passkey | None:
    """Return the passkey of a user by which an answer has proven the user, or None if it was removed since."""
    return _rows().filter(user_id=user.pk, credential_id=relying_party.decoded(answer["id"])).first()


# What the front door of factors asks


def is_held(user: Any) -> bool:
    """Return whether a user has a passkey."""
    return relying_party.is_on() and _rows().filter(user_id=user.pk).exists()


def offer(user: Any, bound_to: str) -> dict[str, Any]:
    """Return the options of a request that proves this user, for what ``bound_to`` names."""
    challenge = relying_party.new_challenge(PROVE, str(user.pk), bound_to)
    return {"options": ceremonies.request_options(of(user), challenge)}


def prove(user: Any, answer: Any, bound_to: str) -> bool:
    """Return whether an answer proves the user, for what ``bound_to`` names. Raise ClonedPasskey."""
    if not relying_party.is_on():
        return False
    try:
        return bool(verify(answer, PROVE, str(user.pk), bound_to).user_id == user.pk)
    except InvalidOrExpiredCode:
        return False


def _made(user: Any, answer: Mapping[str, Any], name: str, bound_to: str = "") -> Passkey:
    """Return the passkey that a client has made, not saved, and use its challenge up. Raise InvalidOrExpiredCode."""
    challenge = relying_party.challenge_of(answer, ADD, str(user.pk), bound_to)
    made = ceremonies.checked_creation(answer, challenge)
    relying_party.use_up(challenge)
    named = answer["response"].get("transports")
    return Passkey(
        user_id=user.pk,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        user_handle=_handle_of(user),
        sign_count=made.sign_count,
        transports=[each for each in _TRANSPORTS if isinstance(named, list) and each in named],
        backup_eligible=ceremonies.may_be_copied(made),
        backed_up=made.credential_backed_up,
        name=name[:MAX_NAME_CHARACTERS],
        created_at=timezone.now(),
    )


def _save(row: Passkey) -> None:
    """Save a new passkey. Raise InvalidOrExpiredCode if its id is known already."""
    try:
        with transaction.atomic(using=_rows().db):
            row.save(force_insert=True, using=_rows().db)
    except IntegrityError:
        raise InvalidOrExpiredCode from None


def _find(answer: Mapping[str, Any]) -> Passkey:
    """Return the passkey that an answer names; its user handle must be of the same user. Raise InvalidOrExpiredCode."""
    try:
        wanted, handle = relying_party.decoded(answer["id"]), answer["response"].get("userHandle")
        named = None if handle is None else relying_party.decoded(handle)
    except (ValueError, TypeError, LookupError):
        raise InvalidOrExpiredCode from None
    row = _rows().select_related("user").filter(credential_id=wanted).first()
    if row is None or (named is not None and named != bytes(row.user_handle)):
        raise InvalidOrExpiredCode
    return row


def _count(row: Passkey, seen: "VerifiedAuthentication") -> None:
    """Write down the counter and whether there are copies. Raise ClonedPasskey if the counter has not grown.

    It stays 0 where an authenticator does not count, as most do that keep copies (WebAuthn level 3, §6.1.1).
    """
    valid = {"sign_count__lt": seen.new_sign_count} if seen.new_sign_count else {"sign_count": 0}
    used = {"sign_count": seen.new_sign_count, "backed_up": seen.credential_backed_up, "used_at": timezone.now()}
    if not _rows().filter(pk=row.pk, **valid).update(**used):
        raise ClonedPasskey(row.user)


def _handle_of(user: Any) -> bytes:
    """Return the name of a user for authenticators, one for all passkeys: a keyed hash, because it is no secret."""
    return hmac.digest(kept_keys("passkey")[0], str(user.pk).encode(), "sha256")


def _rows() -> QuerySet[Passkey]:
    """Return the rows of all passkeys, in the database that they are written to: a replica has them late."""
    return Passkey.objects.using(router.db_for_write(Passkey))
