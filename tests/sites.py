"""A site that sends people here to sign in, and what it sends along."""

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlsplit

from otp_app.accounts import authorization_codes
from otp_app.models import AuthorizationClient

VERIFIER = "a-verifier-of-the-site.~_" + 40 * "x"
BACK = "https://shop.example.com/back"


def challenge_of(verifier):
    """RFC 7636 §4.2, S256."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def new_site(**values):
    return AuthorizationClient.objects.create(**{"name": "The Shop", "redirect_uris": BACK} | values)


def asked_by(site, **changed):
    """The query string with which a site sends somebody here."""
    asked = {
        "client": site.pk,
        "redirect_uri": site.redirect_uris.split()[0],
        "state": "the state",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return "?" + urlencode({name: value for name, value in (asked | changed).items() if value is not None})


def requested(site, **changed):
    """The same, checked."""
    asked = {
        "client": site.pk,
        "redirect_uri": site.redirect_uris.split()[0],
        "code_challenge": challenge_of(VERIFIER),
        "state": "",
    }
    return authorization_codes.validate_request(**(asked | changed))


def answer_in(address):
    """What stands in the query of an address, one value each."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
