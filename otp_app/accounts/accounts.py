"""Say who the user of a phone is, in a class to subclass: OTP_ACCOUNTS names the subclass."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from ..conf import conf, plugin
from . import adapter


class Accounts:
    """Find, create and show the users of verified phones.

    ``phone`` is E.164. ``request`` is the HttpRequest, or None where a program signs somebody in without one.
    """

    # A serializer of Django REST framework for the members of a sign-up, such as a name or a consent: the class, or
    # its dotted path. None: a sign-up takes none.
    sign_up_serializer: Any = None

    def find(self, phone: str, request: HttpRequest | None) -> Any | None:
        """Return the user of the phone, also one who is not active, or None."""
        return adapter.find(phone)

    def may_sign_up(self, phone: str, request: HttpRequest | None) -> bool:
        """Return whether a new user may be made for the phone. OTP_SIGN_UP = "invited" asks, before a code is sent."""
        return conf.SIGN_UP == "open"

    def create(self, phone: str, request: HttpRequest | None, profile: Mapping[str, Any]) -> Any:
        """Create the user of the phone and return it; ``profile`` holds the validated members of the sign-up.

        This runs in a transaction, and no two run at once for a phone. What the database or the model refuses becomes
        UserNotCreated, unless ``find`` finds somebody then.
        """
        return adapter.create(phone, profile)

    def phone_of(self, user: Any) -> str:
        """Return the phone of the user, E.164; empty if there is none."""
        return adapter.phone_of(user)

    def set_phone(self, user: Any, phone: str) -> None:
        """Give the user another phone, in a transaction; raise what the model or the database raises if it is taken."""
        adapter.set_phone(user, phone)

    def shown(self, user: Any) -> Mapping[str, Any]:
        """Return what the API shows of the user beside id and phone."""
        return {}

    def changed(self, user: Any, old: str, new: str) -> None:
        """Do what is to be done after the number of the user was changed."""


def current() -> Accounts:
    """Return the instance of the class that OTP_ACCOUNTS names."""
    accounts: Accounts = plugin(conf.ACCOUNTS)
    return accounts


def is_default(method: str) -> bool:
    """Return whether the class in force leaves a method as it is."""
    return getattr(type(current()), method, None) is getattr(Accounts, method)
