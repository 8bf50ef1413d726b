"""Ask whether an account that was idle for long is the person's, by a page that carries the code along."""

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
    return pages.show(request, "question", destination, since=question.since, carried=carried, **asked)
