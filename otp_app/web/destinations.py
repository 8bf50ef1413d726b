"""Decide where a person goes after signing in: back to the site that sent them, to ``next``, or to a page of ours.

The query string of every step holds the destination, so two tabs may have two destinations. Trust it only within what
was agreed on: ``next`` within our own hosts, a site's address if it is registered.
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

_PARAMETERS = ("next", "client", "redirect_uri", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True, slots=True)
class Destination:
    """Hold a destination. ``query`` carries it to the next step, "?" included; ``page`` counts if no site has asked."""

    query: str
    page: str
    authorization: Authorization | None

    def address(self, user: Any) -> str:
        """Return the address to redirect ``user`` to. Call this once: for a site it issues an authorization code."""
        return authorization_codes.issue(self.authorization, user) if self.authorization else self.page

    @property
    def origin(self) -> str:
        """Return the origin that form-action must allow: browsers apply it to the redirect after a form, too."""
        parts = urlsplit(self.authorization.redirect_uri if self.authorization else self.page)
        if parts.netloc and parts.scheme in ("", "http", "https"):
            return f"{parts.scheme}://{parts.netloc}".removeprefix("://")
        return f"{parts.scheme}:" if parts.scheme else ""


def from_request(request: HttpRequest) -> Destination:
    """Read the destination from the query string. Raise InvalidAuthorization."""
    given = {name: request.GET[name] for name in _PARAMETERS if name in request.GET}
    if len(quote(given.get("next", ""))) > authorization_codes.MAX_ADDRESS_CHARACTERS:
        del given["next"]  # browsers and Django limit the length of an address
    query = f"?{urlencode(given)}" if given else ""
    return Destination(
        query, _page_after(request, given.get("next", "")), _authorization(given) if "client" in given else None
    )


def _page_after(request: HttpRequest, wanted: str) -> str:
    hosts = {request.get_host(), *conf.NEXT_HOSTS}
    if url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure()):
        return wanted
    # Django's default, /accounts/profile/, is a page that few projects have.
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
