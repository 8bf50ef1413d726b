"""Issue the tokens of a library, by its own classes, so that a project that has such tokens keeps them.

Whoever asks the backend gets a user without the rights of staff. The library's own authentication class leaves those
rights in place, so staff gets no token while a view of the project uses that class.
"""

import logging
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from .. import accounts, staff
from ..conf import conf
from ..errors import InvalidOrExpiredCode
from ..models.tokens import session_id
from .base import Issued, Session
from .bearer import token_of
from .library_views import views_with

logger = logging.getLogger("otp_app.tokens")


class LibraryTokens(ABC):
    """Hold what the backends of all libraries share."""

    ambient: ClassVar[bool] = False
    app: ClassVar[str]  # what the library needs in INSTALLED_APPS; empty: nothing
    authentication_class: ClassVar[str]  # the library's own, for views of Django REST framework

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        if staff.is_staff(user) and not conf.STAFF_BY_CODE and (views := views_with(self.authentication_class)):
            logger.error("staff cannot sign in by code: they would have all rights in %s", ", ".join(views))
            raise InvalidOrExpiredCode
        return self._issue(user)

    def issuing(self) -> None:  # noqa: B027  (this is all that it does)
        """Prepare nothing, because the library inserts its rows itself."""

    def authenticate(self, request: HttpRequest) -> Any | None:
        user = self._user_of(request)
        if user is None:
            return None
        accounts.record_use(user)
        return staff.without_rights(user)

    @abstractmethod
    def _issue(self, user: Any) -> Issued:
        """Issue a token to a user who may have one."""

    @abstractmethod
    def _user_of(self, request: HttpRequest) -> Any | None:
        """Return the active user whose valid token a request carries."""


class RowTokens(LibraryTokens):
    """Hold what the backends of libraries share that keep a row for each token."""

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        row = self._row(request)
        return row.created if row and row.user_id == user.pk else None

    def revoke(self, request: HttpRequest) -> None:
        if row := self._row(request):
            row.delete()

    def revoke_all(self, user: Any) -> None:
        self._rows().filter(user=user).delete()

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        own = self._row(request) if request else None
        rows = self._rows().filter(user=user).exclude(self._over())
        return [self._session(row, is_current=row == own) for row in rows]

    def purge(self) -> int:
        return int(self._rows().filter(self._over()).delete()[0])

    def _user_of(self, request: HttpRequest) -> Any | None:
        row = self._row(request)
        return row.user if row else None

    def _row(self, request: HttpRequest) -> Any | None:
        token = token_of(request)
        return self._row_of(token) if token.isprintable() and token else None

    def _session(self, row: Any, *, is_current: bool) -> Session:
        def end() -> bool:
            return self._rows().filter(pk=row.pk).delete()[0] > 0

        return Session(session_id(row.pk.encode()), row.created, None, "", "", is_current, end)

    @abstractmethod
    def _row_of(self, token: str) -> Any | None:
        """Return the row of a valid token of an active user."""

    @abstractmethod
    def _rows(self) -> QuerySet[Any]:
        """Return the rows of all tokens, in the database that they are written to: a replica has them late."""

    @abstractmethod
    def _over(self) -> Q:
        """Return the condition for the rows of tokens that have expired."""
