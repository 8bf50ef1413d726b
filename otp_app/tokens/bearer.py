"""Read the token that a request carries."""

from django.http import HttpRequest

_SCHEMES = {"bearer", "token"}


def token_of(request: HttpRequest) -> str:
    """Return the token in ``Authorization: Bearer …`` (RFC 6750) or DRF's usual ``Token …``; empty if there is none."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() in _SCHEMES and token.isascii() else ""
