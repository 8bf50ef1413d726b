"""Define the contract of a token backend: issue a token after sign-in, and find the user of a request by it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from django.db.models import Model
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Issued:
    """Hold what the client is given; ``token`` is None if its proof is kept in another way (a session cookie)."""

    token: str | None
    expires_in: int  # seconds
    refresh_token: str | None = None  # for a new pair, by a backend that has ``refresh``
    session: str = ""  # the id under which the session is listed, if the backend lists its sessions


@dataclass(frozen=True, slots=True)
class Issuing:
    """Hold a token that becomes valid by inserting one row, with ``user`` set to the active user who signs in.

    Where the token names its user, ``issued`` is a function that makes it of the user, once the row is inserted.
    """

    issued: Issued | Callable[[Any], Issued]
    model: type[Model]
    row: Mapping[str, Any]  # values by attribute, without ``user``; fields that are not named have their defaults

    def issued_to(self, user: Any) -> Issued:
        """Return what the client of the user is given."""
        return self.issued(user) if callable(self.issued) else self.issued


@dataclass(frozen=True, slots=True)
class Session:
    """Hold what its owner sees of one signed-in client, and how to end it."""

    id: str
    began_at: datetime | None
    used_at: datetime | None  # by the hour; None: not known
    client: str  # as "Firefox, Windows"; "" if it did not name itself
    network: str  # of the client when it signed in: an IPv4 /24 or IPv6 /48, or ""
    current: bool
    end: Callable[[], bool]  # returns whether the session was still there


class TokenBackend(Protocol):
    """Issue and recognise tokens.

    If ``ambient``, browsers send the proof by themselves, so requests that change something need a CSRF token.
    """

    ambient: ClassVar[bool]

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        """Sign a user in, and return what the client is given."""

    def issuing(self) -> Issuing | None:
        """Prepare a token before the user is known, so that one statement finds the user and inserts the token.

        Return None to have ``issue`` called instead. A prepared token is worth nothing until its row is inserted, which
        may never happen.
        """

    def authenticate(self, request: HttpRequest) -> Any | None:
        """Return the active user (see ``staff.without_rights``); None if the request carries no valid proof."""

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        """Return when the user signed in to whom the proof in a request belongs; None for another user's, or if that
        is not known. A backend may lack the method.
        """

    def revoke(self, request: HttpRequest) -> None:
        """End at once the token or session that the request carries. A request without one is no error."""

    def revoke_all(self, user: Any) -> None:
        """End at once all tokens or sessions of this user."""

    def sessions(self, user: Any, request: HttpRequest | None) -> Sequence[Session]:
        """Return the live sessions of a user; ``current`` is the one of ``request``. A backend may lack the method."""

    def purge(self) -> int:
        """Delete tokens or sessions that have expired, and return how many."""


class RefreshTokenBackend(TokenBackend, Protocol):
    """Issue tokens that are short, each with a refresh token that lasts."""

    def refresh(self, refresh_token: str, request: HttpRequest | None) -> Issued:
        """Return a new token and refresh token for a valid one. Raise RefreshReused or NotAuthenticated."""
