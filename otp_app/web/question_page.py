"""Ask whether an account is the person's, by a page that carries the code along."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from ..errors import IsThisYou
from . import factor_page, pages
from .destinations import Destination


def wants_new_account(request: HttpRequest) -> bool:
    """Return whether the person has answered that the account is somebody else's."""
    return request.POST.get("account") == "new"


def show(request: HttpRequest, destination: Destination, question: IsThisYou) -> HttpResponse:
    """Render the question, with a form for another factor, which :mod:`.factor_page` reads."""
    asked, carried = factor_page.choices(question.factors), pages.carried(request)
    told: dict[str, Any] = {"since": question.since, "moved": question.moved}
    return pages.show(request, "question", destination, **told, carried=carried, **asked)
