"""Name the public address to which a provider sends its reports."""

from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from ..conf import conf


def url_of(alias: str, query: str = "") -> str:
    """Return the public address of a provider's webhook; "" without OTP_PUBLIC_URL. Never made from a Host header."""
    if not urlsplit(conf.PUBLIC_URL).netloc:
        return ""
    try:
        path = reverse("otp_app:webhook", args=[alias])
    except NoReverseMatch:  # a project that does not serve our addresses
        return ""
    return f"{conf.PUBLIC_URL.rstrip('/')}{path}{'?' if query else ''}{query}"
