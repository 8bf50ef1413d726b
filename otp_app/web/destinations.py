"""Where a person goes after signing in: back to a site that sent them, to ``next``, or to a page of ours.

It stands in the query string of every step, so two tabs may have two destinations. What is in it is believed only as
far as it was agreed on: ``next`` within our own hosts, a site's address if it is registered.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.conf import global_settings, settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from ..accounts import authorization_codes
from ..accounts.authorization_codes import Authorization
from ..conf import conf

_NAMES = ("next", "client", "redirect_uri", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True, slots=True)
class Destination:
    """``query`` carries it to the next step, "?" included; ``page`` is where it leads when no site has asked."""

    query: str
    page: str
    authorization: Authorization | None

    def address(self, user: Any) -> str:
        """To be asked for once, when the person is on the way: for a site it holds a code."""
        return authorization_codes.issue(self.authorization, user) if self.authorization else self.page

    @property
    def origin(self) -> str:
        """What a form may lead to beside ourselves: browsers hold a redirect after it against form-action, too."""
        parts = urlsplit(self.authorization.redirect_uri if self.authorization else self.page)
        if parts.netloc and parts.scheme in ("", "http", "https"):
            return f"{parts.scheme}://{parts.netloc}".removeprefix("://")
        return f"{parts.scheme}:" if parts.scheme else ""


def of(request: HttpRequest) -> Destination:
    """Raises InvalidAuthorization."""
    given = {name: request.GET[name] for name in _NAMES if name in request.GET}
    if len(quote(given.get("next", ""))) > authorization_codes.MAX_ADDRESS_CHARACTERS:
        del given["next"]  # browsers and Django itself take no address of any length
    query = f"?{urlencode(given)}" if given else ""
    return Destination(
        query, _page(request, given.get("next", "")), _authorization(given) if "client" in given else None
    )


def _page(request: HttpRequest, wanted: str) -> str:
    hosts = {request.get_host(), *conf.NEXT_HOSTS}
    if url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    # Django's own default leads to a page that few projects have.
    chosen = settings.LOGIN_REDIRECT_URL != global_settings.LOGIN_REDIRECT_URL
    return resolve_url(settings.LOGIN_REDIRECT_URL if chosen else "otp_web:account")


def _authorization(given: dict[str, str]) -> Authorization:
    return authorization_codes.validate_request(
        client=given["client"],
        redirect_uri=given.get("redirect_uri", ""),
        code_challenge=given.get("code_challenge", ""),
        state=given.get("state", ""),
        method=given.get("code_challenge_method", "S256"),
    )
