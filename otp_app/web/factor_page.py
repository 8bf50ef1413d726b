"""Ask for the second factor beside the code, by a form that carries the code along, as :mod:`.profile_page` does."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from .. import factors
from ..errors import SecondFactorRequired
from . import pages
from .destinations import Destination

_FIELD = "factor"


def given(request: HttpRequest) -> dict[str, str] | None:
    """Return the proof that a person has typed, a code of an authenticator or a recovery code, or None."""
    typed = request.POST.get(_FIELD, "").strip()
    return {"by": factors.kind_of(typed), "answer": typed} if typed else None


def show(request: HttpRequest, destination: Destination, refused: SecondFactorRequired) -> HttpResponse:
    """Render the form, with what was wrong with the proof before."""
    wrong: list[Any] = refused.errors.get(_FIELD, [])
    typed = [each for each in refused.factors if each["by"] in (factors.AUTHENTICATOR, factors.RECOVERY_CODE)]
    carried = pages.carried(request)
    return pages.show(request, "factor", destination, wrong=wrong, typed=bool(typed), carried=carried)
