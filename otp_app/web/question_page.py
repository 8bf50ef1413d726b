"""Ask whether an account is the person's, by a page that carries the code along."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from .. import factors
from ..errors import IsThisYou
from . import pages
from .destinations import Destination


def wants_new_account(request: HttpRequest) -> bool:
    """Return whether the person has answered that the account is somebody else's."""
    return request.POST.get("account") == "new"


def show(request: HttpRequest, destination: Destination, question: IsThisYou) -> HttpResponse:
    """Render the question, with a field for a factor that can be typed, which :mod:`.factor_page` reads."""
    typed = any(each["by"] in (factors.AUTHENTICATOR, factors.RECOVERY_CODE) for each in question.factors)
    carried = pages.carried(request)
    told: dict[str, Any] = {"since": question.since, "moved": question.moved}
    return pages.show(request, "question", destination, **told, typed=typed, carried=carried)
