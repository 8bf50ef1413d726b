"""Ask for what a sign-in takes beside a right code: members of a sign-up, a second factor, whose the account is."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .. import accounts, proofs, tokens
from ..accounts import dormancy, profiles
from ..conf import conf
from ..errors import PhoneTaken
from ..phones import Phone
from . import line_checks


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
    """Return whether a new account takes the number of a dormant or lost one: with ``anew``, if there is such a one.

    Raise IsThisYou for such an account without ``anew``. Raise PhoneTaken for ``anew`` where the account is in use: who
    asks for a new one must not be signed in to somebody else's. Raise ProfileRequired, SecondFactorRequired, or Limited
    by wrong factors. The usual sign-in needs no query here, so the question of a dormant account mostly comes later,
    from the statement that signs in; ``vouched`` is as there.
    """
    doubtful = not vouched and not phone.is_test
    asks = factor or anew or not conf.CODE_ALONE or (doubtful and conf.LINE_CHECK)
    user = accounts.current().find(phone, request) if asks else None
    known = bool(user and user.is_active)  # others get no further in any case
    dormant = known and doubtful and tokens.is_dormant(user)
    moved = known and doubtful and not dormant and line_checks.have_moved(user, phone)
    lost = dormant or moved
    if lost and not anew:  # before the second factor, which a new owner of the number does not have
        raise dormancy.question(user, moved=moved)
    if known and anew and not lost:
        raise PhoneTaken
    profiles.require(phone, members, request, anew=lost)
    if known and not lost and (factor or not conf.CODE_ALONE):
        proofs.require(user, factor, client=client, request=request)
    return lost
