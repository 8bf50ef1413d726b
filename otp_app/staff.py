"""Take the rights of staff from sign-ins by code, and from those by password until the second factor is given.

So neither a stolen number nor a stolen password opens the admin.
NIST SP 800-63B-4 §3.1.3.1 restricts the telephone network as an authenticator, and a SIM swap needs no skill. For
accounts that can change all others a code alone is too little. ``OTP_STAFF_BY_CODE = True`` takes that risk.
"""

from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from .conf import conf
from .factors import kept

MIDDLEWARE = f"{__name__}.StaffMiddleware"
_BY_CODE = "otp_app_by_code"
_FACTOR = "otp_app_second_factor"  # the key of the factor that was given


class StaffMiddleware(MiddlewareMixin):
    """Take the rights of staff from ``request.user`` in a session that a code began, or that awaits a second factor.

    The middleware belongs after AuthenticationMiddleware.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Leave the session and the database unread until a view asks for the user."""
        user, auser = request.user, request.auser

        async def user_later() -> Any:
            return await sync_to_async(user_of_session)(request, await auser())

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


def asks_second_factor() -> bool:
    """Return whether sessions of staff need a second factor: unless it is switched off, wherever a site asks for it."""
    if not conf.STAFF_SECOND_FACTOR or not apps.is_installed("django.contrib.admin"):
        return False
    from django.contrib.admin.sites import all_sites  # not to be imported where the admin is not installed

    return any(getattr(site, "asks_second_factor", False) for site in all_sites)


def give_factor(request: HttpRequest, factor: str) -> None:
    """Write into the session that the authenticator or passkey with this key was given; the session gets a new id."""
    request.session[_FACTOR] = factor
    request.session.cycle_key()


def is_given(request: HttpRequest) -> bool:
    """Return whether a factor was given in the session, whatever became of the factor since."""
    return _FACTOR in request.session


def awaits_factor(request: HttpRequest, user: Any) -> bool:
    """Return whether a session that no code began still lacks the second factor, which its user must give as staff."""
    if not is_staff(user) or is_begun_by_code(request) or not asks_second_factor():
        return False
    return not kept.is_of(user, request.session.get(_FACTOR, ""))


def user_of_session(request: HttpRequest, user: Any) -> Any:
    """Return the user of a session, without rights of staff if a code began it or the second factor is missing."""
    if is_begun_by_code(request):
        return without_rights(user)
    return _WithoutRights(lambda: user) if awaits_factor(request, user) else user


def without_rights(user: Any) -> Any:
    """Return a user who signed in by code: staff without the rights of staff, others unchanged.

    With OTP_STAFF_BY_CODE staff is unchanged, too.
    """
    return user if conf.STAFF_BY_CODE or not is_staff(user) else _WithoutRights(lambda: user)


def is_guarded(user: Any) -> bool:
    """Return whether a user is staff for whom a code alone is too little, here without the rights of staff or with."""
    return not conf.STAFF_BY_CODE and (is_staff(user) or getattr(user, "is_otp_without_rights", False))


def _remove_marks(request: HttpRequest, **_: Any) -> None:
    """Remove both marks at any sign-in; a sign-in by code marks the session again, and a factor must be given anew.

    The session also gets a new id, because it is worth more now: Django keeps the id when the same user signs in again.
    """
    if [found for mark in (_BY_CODE, _FACTOR) if (found := request.session.pop(mark, None))]:
        request.session.cycle_key()


user_logged_in.connect(_remove_marks)


class _WithoutRights(SimpleLazyObject):  # type: ignore[type-arg]  # not generic at run time
    """Stand for a user in everything but rights, as Django's own ``request.user`` does.

    The user itself keeps its flags, so saving this object does not change them.
    """

    is_staff = is_superuser = False
    is_otp_without_rights = True  # an object around this one, as the middleware's, shows the user's class and not ours

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
