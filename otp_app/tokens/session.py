"""Django's session as the proof: for sites whose pages call the API from the same origin."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user, login, logout
from django.http import HttpRequest

from .base import Issued


class SessionTokens:
    """Needs SessionMiddleware. ``login`` starts a new session id, so a fixed one is worth nothing."""

    ambient: ClassVar[bool] = True

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        if request is None:
            raise ValueError("the session backend needs the request that signs in")
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return Issued(None, request.session.get_expiry_age())

    def authenticate(self, request: HttpRequest) -> Any | None:
        user = get_user(request)
        return user if user.is_authenticated and user.is_active else None

    def revoke(self, request: HttpRequest) -> None:
        logout(request)

    def revoke_all(self, user: Any) -> None:
        """Sessions carry a hash of the password: a new one ends them all. Users by phone have none that is of use.

        Who has a real password (staff) keeps the sessions that were begun with it until it is changed.
        """
        if not user.has_usable_password():
            user.set_unusable_password()
            user.save(update_fields=["password"])

    def purge(self) -> int:
        return 0  # Django's own clearsessions does it
