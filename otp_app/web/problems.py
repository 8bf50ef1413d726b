"""Pages for what is wrong before a view is reached: named in a project's settings and addresses."""

from functools import partial

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from . import pages


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:  # noqa: ARG001  (Django's signature)
    """``CSRF_FAILURE_VIEW``: a form of another site, a browser without cookies, or a page left open since a sign-in."""
    text = _("This page was open for too long, or your browser keeps no cookies. Go on from here.")
    return pages.answer(request, partial(pages.show, request, "problem", status=403, text=text))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001  (the same)
    """``handler400``: also when a session has ended, in another tab, while a request was under way."""
    text = _("This request could not be read, or the sign-in has ended meanwhile. Go on from here.")
    return _at_no_address(request, 400, text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:  # noqa: ARG001  (the same)
    """``handler404``."""
    return _at_no_address(request, 404, _("There is no such page."))


def _at_no_address(request: HttpRequest, status: int, text: object) -> HttpResponseBase:
    """Without the choice of languages: there is nothing here that a form could be sent to."""
    return pages.answer(request, partial(pages.show, request, "problem", status=status, text=text, languages={}))
