"""Ask for the second factor beside the code, by a form that carries the code along, as :mod:`.profile_page` does."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse

from .. import factors
from ..errors import SecondFactorRequired
from ..factors import passkeys, relying_party
from . import pages
from .destinations import Destination

_FIELD, _PASSKEY = "factor", "passkey"


def given(request: HttpRequest) -> dict[str, Any] | None:
    """Return the proof that a form brings, or None: a passkey's answer, or what a person has typed."""
    if answer := request.POST.get(_PASSKEY):
        return {"by": factors.PASSKEY, "answer": passkeys.read(answer)}
    typed = request.POST.get(_FIELD, "").strip()
    return {"by": factors.kind_of(typed), "answer": typed} if typed else None


def show(request: HttpRequest, destination: Destination, refused: SecondFactorRequired) -> HttpResponse:
    """Render the form, with what was wrong with the proof before: a passkey, or what was typed."""
    asked = choices(refused.factors)
    wrong: list[Any] = refused.errors.get(_FIELD, [])
    if asked["passkey"] and _PASSKEY in request.POST:
        asked["passkey"]["refused"], wrong = bool(wrong), []
    return pages.show(request, "factor", destination, wrong=wrong, carried=pages.carried(request), **asked)


def choices(offered: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a template shows of the factors that a person has: whether one can be typed, and the passkey."""
    typed = any(each["by"] in (factors.AUTHENTICATOR, factors.RECOVERY_CODE) for each in offered)
    options = next((each.get("options") for each in offered if each["by"] == factors.PASSKEY), None)
    shown = {"options": options, "origins": " ".join(relying_party.origins())}
    return {"typed": typed, "passkey": shown if options else None}
