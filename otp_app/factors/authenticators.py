"""Keep authenticators by TOTP (RFC 6238).

The secret is derived from the authenticator's id and a key of the settings, so a dump of the database proves nobody.
"""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import router
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..conf import conf
from ..db import clock
from ..keys import fingerprint, kept_keys
from ..models import Authenticator
from . import kept, recovery_codes
from .changing import alone
from .typed import plain

PENDING_SECONDS = 600  # until a code of a new one must have been shown
_STEP_MILLISECONDS = 30_000
_STEPS = (0, -1, 1)  # of the code that is typed, beside the current one: clocks differ, and people are slow
_SECRET_BYTES = 20  # RFC 4226 recommends 160 bits


def new(user: Any, pk: str) -> Authenticator:
    """Return an authenticator that is not saved, because its owner has yet to show a code of it."""
    return Authenticator(pk=UUID(pk), user_id=user.pk, key=fingerprint(kept_keys("second factor")[0]))


def begin(user: Any) -> Authenticator:
    """Save a new authenticator until its owner has shown a code of it, in place of one begun before."""
    begun = new(user, uuid4().hex)
    with alone(user):
        _rows().filter(user_id=user.pk, last_step=None).delete()
        begun.save(force_insert=True, using=_rows().db)
    return begun


def pending(user: Any) -> Authenticator | None:
    """Return the authenticator that was begun within PENDING_SECONDS and has shown no code."""
    since = timezone.now() - timedelta(seconds=PENDING_SECONDS)
    return _rows().filter(user_id=user.pk, last_step=None, created_at__gt=since).first()


def find(user: Any) -> Authenticator | None:
    """Return the authenticator of a user."""
    return _kept().filter(user_id=user.pk).first()


def secret_of(authenticator: Authenticator) -> str:
    """Return the secret in base32, as apps take it; "" if its key has gone from the settings."""
    key = next((key for key in kept_keys("second factor") if fingerprint(key) == authenticator.key), None)
    return b32encode(hmac.digest(key, authenticator.pk.bytes, "sha256")[:_SECRET_BYTES]).decode() if key else ""


def uri_of(authenticator: Authenticator, name: str) -> str:
    """Return the address by which an app adds the authenticator."""
    from pyotp import TOTP

    return TOTP(secret_of(authenticator)).provisioning_uri(name=name, issuer_name=conf.BRAND)


def drawing_of(uri: str) -> str:
    """Return the address of an authenticator as a QR code, in SVG that stands in a page: a phone reads it there."""
    from segno import make

    return make(uri, micro=False).svg_inline(scale=4, dark="#000", light="#fff", title=_("QR code"))


def enrol(user: Any, authenticator: Authenticator, code: str) -> list[str]:
    """Keep a new authenticator if the code is its own, and return new recovery codes, which nobody can read again.

    Return none of them if the code is wrong, or if the user has got an authenticator or a passkey meanwhile.
    """
    return _keep(user, authenticator, code, lambda: not kept.has_any(user))


def finish(user: Any, code: str) -> list[str]:
    """Keep the authenticator that was begun in place of the one that the user has; return as ``enrol`` does."""
    begun = pending(user)
    return _keep(user, begun, code, _rows().filter(pk=begun.pk, last_step=None).exists) if begun else []


def remove(user: Any) -> bool:
    """Delete the authenticator of a user; return whether there was one."""
    return bool(_kept().filter(user_id=user.pk).delete()[0])


def how_many_lost() -> int:
    """Return how many authenticators have a key that has left the settings."""
    return _kept().exclude(key__in=[fingerprint(key) for key in kept_keys("second factor")]).count()


def purge() -> None:
    """Delete those that were begun a day ago and have shown no code."""
    _rows().filter(last_step=None, created_at__lt=timezone.now() - timedelta(days=1)).delete()


def is_held(user: Any) -> bool:
    return _kept().filter(user_id=user.pk).exists()


def offer(user: Any, bound_to: str) -> dict[str, Any]:  # noqa: ARG001  (Factor's)
    return {}


def prove(user: Any, answer: Any, bound_to: str) -> bool:  # noqa: ARG001  (Factor's)
    """Use up the step of a code and return True, if it is the user's and neither it nor a later one is used up."""
    authenticator = find(user) if isinstance(answer, str) else None
    step = _step_of(authenticator, answer) if authenticator else None
    if authenticator is None or step is None:
        return False
    return bool(_kept().filter(pk=authenticator.pk, last_step__lt=step).update(last_step=step))


def _keep(user: Any, authenticator: Authenticator, code: str, is_wanted: Callable[[], bool]) -> list[str]:
    authenticator.last_step = _step_of(authenticator, code)
    if authenticator.last_step is None:
        return []
    codes, rows = recovery_codes.new()
    with alone(user):
        if not is_wanted():
            return []
        _rows().filter(user_id=user.pk).delete()
        authenticator.save(force_insert=True, using=_rows().db)
        recovery_codes.keep(user, rows)
    return codes


def _step_of(authenticator: Authenticator, code: str) -> int | None:
    """Return the step whose code this is."""
    from pyotp import TOTP

    secret = secret_of(authenticator)
    if not secret:
        return None
    totp, now = TOTP(secret), clock.milliseconds() // _STEP_MILLISECONDS
    steps = [now + apart for apart in _STEPS]
    return next((step for step in steps if secrets.compare_digest(totp.generate_otp(step), plain(code))), None)


def _kept() -> QuerySet[Authenticator]:
    """Return the rows of those that have shown a code."""
    return _rows().filter(last_step__isnull=False)


def _rows() -> QuerySet[Authenticator]:
    """Return the rows of all, in the database that they are written to: a replica has them late."""
    return Authenticator.objects.using(router.db_for_write(Authenticator))
