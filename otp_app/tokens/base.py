"""The contract of a token backend: what a client gets after sign-in, and how it is recognised by it."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from django.http import HttpRequest

from ..queries import Part


@dataclass(frozen=True, slots=True)
class Issued:
    """``token`` is None where the client holds its proof in another way (a session cookie)."""

    token: str | None
    expires_in: int  # seconds


@dataclass(frozen=True, slots=True)
class Issuing:
    """Hold a token that is issued by the statement that finds its user, if active; ``is_active`` is a column then."""

    change: Part  # takes the user from ``found``
    issued: Issued


class TokenBackend(Protocol):
    """``ambient``: browsers send the proof by themselves, so requests that change something need a CSRF token."""

    ambient: ClassVar[bool]

    def issue(self, user: Any, request: HttpRequest | None) -> Issued: ...

    def issuing(self, alias: str) -> Issuing | None:
        """The same for a user who is yet to be found in that database; None where it takes a statement of its own."""

    def authenticate(self, request: HttpRequest) -> Any | None:
        """Return the active user (see ``staff.by_code``); None when the request carries no good proof."""

    def revoke(self, request: HttpRequest) -> None:
        """End at once what the request was authenticated by; nothing to end is no error."""

    def revoke_all(self, user: Any) -> None:
        """End at once whatever this user is signed in by."""

    def purge(self) -> int:
        """Delete what has expired; how many."""
