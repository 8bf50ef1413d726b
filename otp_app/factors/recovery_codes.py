"""Keep recovery codes, which stand in once each for an authenticator or a passkey that is lost."""

import secrets
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.db import router
from django.db.models import QuerySet

from ..models import RecoveryCode
from .changing import alone
from .typed import plain

HOW_MANY = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another
_RANDOM_LETTERS = 10  # some 50 bits, behind the number of the code


def new() -> tuple[list[str], list[RecoveryCode]]:
    """Return ten codes as people write them, and rows for them.

    Hashing takes seconds, so it is done here and not under the lock of ``keep``.
    """
    codes = [f"{number}{_random_letters()}" for number in range(HOW_MANY)]
    rows = [RecoveryCode(number=code[0], hash=make_password(code)) for code in codes]
    return ["-".join((code[0], code[1:6], code[6:])) for code in codes], rows


def keep(user: Any, rows: list[RecoveryCode]) -> None:
    """Save new codes of a user in place of the old ones."""
    with alone(user):
        remove(user)
        for row in rows:
            row.user_id = user.pk
        _rows().bulk_create(rows)


def remove(user: Any) -> None:
    _rows().filter(user_id=user.pk).delete()


def left(user: Any) -> int:
    """Return how many codes of a user are unused."""
    return _rows().filter(user_id=user.pk).count()


def is_one(code: str) -> bool:
    """Return whether a text has the form of a recovery code."""
    return len(plain(code)) == 1 + _RANDOM_LETTERS and plain(code)[0].isdigit()


def is_held(user: Any) -> bool:
    return _rows().filter(user_id=user.pk).exists()


def offer(user: Any, bound_to: str) -> dict[str, Any]:  # noqa: ARG001  (Factor's)
    return {}


def prove(user: Any, answer: Any, bound_to: str) -> bool:  # noqa: ARG001  (Factor's)
    """Delete the code and return True, if it is one of the user's: one of many at once deletes it."""
    if not isinstance(answer, str) or not is_one(answer):
        return False
    code = plain(answer)
    row = _rows().filter(user_id=user.pk, number=code[0]).first()
    return row is not None and check_password(code, row.hash) and bool(_rows().filter(pk=row.pk).delete()[0])


def _random_letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM_LETTERS))


def _rows() -> QuerySet[RecoveryCode]:
    """Return the rows of all codes, in the database that they are written to: a replica has them late."""
    return RecoveryCode.objects.using(router.db_for_write(RecoveryCode))
