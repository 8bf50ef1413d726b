"""Find what a session of staff is asked for: a factor that its user has, or else a new one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.http import HttpRequest

from ..factors import authenticators, passkeys, recovery_codes, relying_party
from ..flows import passkeys as adding
from ..models import Authenticator, Passkey

_NEW = "otp_app_new_factor"  # the authenticator that the person of this session is about to add
_BOUND_TO = "otp_app_asked"  # what the answers of passkeys are bound to, so that none of another session is good


@dataclass(frozen=True)
class Asked:
    """Hold the factors of the user of a session. Whoever has neither authenticator nor passkey adds one."""

    request: HttpRequest
    user: Any
    authenticator: Authenticator | None
    passkeys: list[Passkey]

    @property
    def is_new(self) -> bool:
        return not self.authenticator and not self.passkeys

    @property
    def key(self) -> str:
        """Return the key of the factor that a typed code proves: a recovery code stands in for one of them."""
        shown = self.authenticator or self.passkeys[0]
        return str(shown.pk.hex)

    @cached_property
    def new(self) -> Authenticator:
        """Return the authenticator that this session may add, the same each time."""
        return authenticators.new(self.user, self.request.session.setdefault(_NEW, uuid4().hex))

    @property
    def bound_to(self) -> str:
        value: str = self.request.session.setdefault(_BOUND_TO, uuid4().hex)
        return value

    @cached_property
    def takes_code(self) -> bool:
        """Return whether there is something that the person can type."""
        return bool(self.authenticator) or self.is_new or recovery_codes.is_held(self.user)

    @property
    def takes_passkey(self) -> bool:
        """Return whether the person can add a first passkey, or answer by one."""
        return relying_party.is_on() and (self.is_new or bool(self.passkeys))

    def options(self) -> dict[str, Any] | None:
        """Return from what a browser makes a first passkey or signs by one; None where passkeys are of no use."""
        if not self.takes_passkey:
            return None
        if self.is_new:
            return adding.creation_options(user=self.user, bound_to=self.bound_to)
        options: dict[str, Any] = passkeys.offer(self.user, self.bound_to)["options"]
        return options

    def forget(self) -> None:
        """Forget in the session what was asked, because a factor was given."""
        for name in (_NEW, _BOUND_TO):
            self.request.session.pop(name, None)


def find(request: HttpRequest, user: Any) -> Asked:
    """Return what the session of a request, by a password of this user, is asked for."""
    return Asked(request, user, authenticators.find(user), passkeys.of(user))
