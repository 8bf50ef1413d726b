"""The contract of a token backend: what a client gets after sign-in, and how it is recognised by it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from django.db.models import Model
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Issued:
    """``token`` is None where the client holds its proof in another way (a session cookie)."""

    token: str | None
    expires_in: int  # seconds


@dataclass(frozen=True, slots=True)
class Issuing:
    """Hold a token that one row makes good: it is written with ``user`` set to who is found, if active."""

    issued: Issued
    model: type[Model]
    row: Mapping[str, Any]  # its values by attribute, but for the user; fields that are not named have their defaults


class TokenBackend(Protocol):
    """``ambient``: browsers send the proof by themselves, so requests that change something need a CSRF token."""

    ambient: ClassVar[bool]

    def issue(self, user: Any, request: HttpRequest | None) -> Issued: ...

    def issuing(self) -> Issuing | None:
        """Prepare the same for a user who is yet to be found, so that one statement does both; None to be asked later.

        What is prepared is worth nothing until it is written down, and may never be.
        """

    def authenticate(self, request: HttpRequest) -> Any | None:
        """Return the active user (see ``staff.by_code``); None when the request carries no good proof."""

    def revoke(self, request: HttpRequest) -> None:
        """End at once what the request was authenticated by; nothing to end is no error."""

    def revoke_all(self, user: Any) -> None:
        """End at once whatever this user is signed in by."""

    def purge(self) -> int:
        """Delete what has expired; how many."""
