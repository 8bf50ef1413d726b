"""Take the rights of staff from sign-ins by code, so that a stolen number does not open the admin.

NIST SP 800-63B-4 §3.1.3.1 restricts the telephone network as an authenticator, and a SIM swap needs no skill. For
accounts that can change all others a code alone is too little. ``OTP_STAFF_BY_CODE = True`` takes that risk.
"""

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from .conf import conf

MIDDLEWARE = f"{__name__}.StaffMiddleware"
_BY_CODE = "otp_app_by_code"


class StaffMiddleware(MiddlewareMixin):
    """Take the rights of staff from ``request.user`` in a session that a code began.

    The middleware belongs after AuthenticationMiddleware.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Leave the session and the database unread until a view asks for the user."""
        user, auser = request.user, request.auser

        async def user_later() -> Any:
            return user_of_session(request, await auser())

        request.user = SimpleLazyObject(partial(user_of_session, request, user))  # type: ignore[assignment]
        request.auser = user_later


def is_staff(user: Any) -> bool:
    """Return whether Django's own flags give a user more rights than others."""
    return bool(getattr(user, "is_staff", False) or getattr(user, "is_superuser", False))


def has_middleware() -> bool:
    """Return whether the project uses StaffMiddleware."""
    return MIDDLEWARE in settings.MIDDLEWARE


def mark_session(request: HttpRequest) -> None:
    """Write into the session that a code began it."""
    request.session[_BY_CODE] = True


def is_begun_by_code(request: HttpRequest) -> bool:
    """Return whether a code began the session."""
    return bool(request.session.get(_BY_CODE))


def user_of_session(request: HttpRequest, user: Any) -> Any:
    """Return the user of a session, without rights of staff if a code began it."""
    return without_rights(user) if is_begun_by_code(request) else user


def without_rights(user: Any) -> Any:
    """Return a user who signed in by code: staff without the rights of staff, others unchanged.

    With OTP_STAFF_BY_CODE staff is unchanged, too.
    """
    return user if conf.STAFF_BY_CODE or not is_staff(user) else _WithoutRights(lambda: user)


def _remove_mark(request: HttpRequest, **_: Any) -> None:
    """Remove the mark at any sign-in; a sign-in by code marks the session again.

    The session also gets a new id, because it is worth more now: Django keeps the id when the same user signs in again.
    """
    if request.session.pop(_BY_CODE, False):
        request.session.cycle_key()


user_logged_in.connect(_remove_mark)


class _WithoutRights(SimpleLazyObject):  # type: ignore[type-arg]  # not generic at run time
    """Stand for a user in everything but rights, as Django's own ``request.user`` does.

    The user itself keeps its flags, so saving this object does not change them.
    """

    is_staff = is_superuser = False

    def has_perm(self, *_: Any, **__: Any) -> bool:
        return False

    def get_all_permissions(self, *_: Any, **__: Any) -> set[str]:
        return set()

    async def ahas_perm(self, *_: Any, **__: Any) -> bool:
        return False

    async def aget_all_permissions(self, *_: Any, **__: Any) -> set[str]:
        return set()

    has_perms = has_module_perms = has_perm
    get_user_permissions = get_group_permissions = get_all_permissions
    ahas_perms = ahas_module_perms = ahas_perm
    aget_user_permissions = aget_group_permissions = aget_all_permissions
