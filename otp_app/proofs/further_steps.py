"""Ask for what a sign-in takes beside a right code: members of a sign-up, a second factor, whose an idle account is."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, proofs, tokens
from ..accounts import dormancy, profiles
from ..conf import conf
from ..errors import PhoneTaken
from ..phones import Phone


def require(
    phone: Phone,
    members: Mapping[str, Any] | None,
    factor: Mapping[str, Any] | None,
    client: str | None,
    request: HttpRequest | None,
    *,
    vouched: bool,
    anew: bool,
) -> bool:
    """Return whether the number is to be taken from a dormant account, for a new one: with ``anew``, if there is one.

    Raise PhoneTaken for ``anew`` where the account is not dormant: who asks for a new one must not be signed in to
    somebody else's. Raise ProfileRequired, SecondFactorRequired, or Limited by wrong factors. The usual sign-in needs
    no query here, so the question of a dormant account mostly comes later, from the statement that signs in;
    ``vouched`` is as there.
    """
    user = accounts.current().find(phone, request) if factor or anew or not conf.CODE_ALONE else None
    known = user and user.is_active  # others get no further in any case
    dormant = bool(known) and not vouched and not phone.is_test and tokens.is_dormant(user)
    if dormant and not anew:
        raise dormancy.question(user)  # before the second factor, which a new owner of the number does not have
    if known and anew and not dormant:
        raise PhoneTaken
    profiles.require(phone, members, request, anew=dormant)
    if known and not dormant and (factor or not conf.CODE_ALONE):
        proofs.require(user, factor, client=client, request=request)
    return dormant
