"""Play a site that sends people here to sign in."""

import hashlib
from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlencode, urlsplit

from otp_app.accounts import authorization_codes
from otp_app.models import AuthorizationClient

VERIFIER = "a-verifier-of-the-site.~_" + 40 * "x"
BACK = "https://shop.example.com/back"


def challenge_of(verifier):
    """Return the S256 code challenge of a verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def new_site(**values):
    return AuthorizationClient.objects.create(**{"name": "The Shop", "redirect_uris": BACK} | values)


def asked_by(site, **changed):
    """Return the query string with which a site sends people here."""
    parameters = {
        "client": site.pk,
        "redirect_uri": site.redirect_uris.split()[0],
        "state": "the state",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return "?" + urlencode({name: value for name, value in (parameters | changed).items() if value is not None})


def requested(site, **changed):
    """Return the valid Authorization that the site asks for."""
    parameters = {
        "client": site.pk,
        "redirect_uri": site.redirect_uris.split()[0],
        "code_challenge": challenge_of(VERIFIER),
        "state": "",
    }
    return authorization_codes.validate_request(**(parameters | changed))


def answer_in(address):
    """Return the parameters in the query of an address, one value each."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query, strict_parsing=True).items()}
