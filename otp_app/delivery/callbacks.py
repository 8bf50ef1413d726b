"""Name public addresses: that to which a provider sends its reports, and the page of a notification's link."""

from urllib.parse import urlsplit

from django.urls import NoReverseMatch, reverse

from ..conf import conf


def url_of(alias: str, query: str = "") -> str:
    """Return the public address of a provider's webhook; "" without OTP_PUBLIC_URL. Never made from a Host header."""
    address = _public("otp_app:webhook", alias)
    return f"{address}?{query}" if address and query else address


def link_of(value: str) -> str:
    """Return the link with a notification's value; "" for no value, without OTP_PUBLIC_URL or the pages."""
    return value and _public("otp_web:notice", value)


def _public(name: str, argument: str) -> str:
    if not urlsplit(conf.PUBLIC_URL).netloc:
        return ""
    try:
        return conf.PUBLIC_URL.rstrip("/") + reverse(name, args=[argument])
    except NoReverseMatch:  # a project that does not serve our addresses
        return ""
