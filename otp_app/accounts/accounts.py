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
        """Write the phone of the user, or with "" take it away, in a transaction that holds the user's row.

        Raise what the model or the database raises if somebody has it.
        """
        adapter.set_phone(user, phone)

    def shown(self, user: Any) -> Mapping[str, Any]:
        """Return what the API shows of the user beside id and phone."""
        return {}

    def changed(self, user: Any, old: str, new: str) -> None:
        """Do what is to be done after the number of the user was changed."""

    def update(self, user: Any, members: Mapping[str, Any]) -> None:
        """Write the validated members of a sign-up that the person has changed.

        This runs in a transaction that holds the user's row. What the database or the model refuses becomes
        InvalidRequest.
        """
        adapter.update(user, members)

    def erase(self, user: Any) -> None:
        """Delete the user, or take from it all that tells who the person was.

        This runs in the transaction of the erasure. Raise ErasureRefused, or Django's ProtectedError, to refuse: then
        nothing is changed.
        """
        adapter.erase(user)

    def export(self, user: Any) -> Mapping[str, Any]:
        """Return what the project keeps of the user, for the copy of the person's data."""
        return {}


def current() -> Accounts:
    """Return the instance of the class that OTP_ACCOUNTS names."""
    accounts: Accounts = plugin(conf.ACCOUNTS)
    return accounts


def is_default(method: str) -> bool:
    """Return whether the class in force leaves a method as it is."""
    return getattr(type(current()), method, None) is getattr(Accounts, method)
