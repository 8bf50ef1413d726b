"""What a site may ask for: only what was agreed on, and what is wrong is named."""

import pytest

from otp_app.errors import InvalidAuthorization
from tests.sites import BACK, VERIFIER, challenge_of, new_site, requested

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return new_site()


def test_what_a_site_asks_for_is_what_it_gets(site):
    asked = requested(site, state="a")
    assert (asked.client, asked.redirect_uri, asked.state) == (site, BACK, "a")
    assert asked.code_challenge == challenge_of(VERIFIER)


def test_each_registered_address_is_taken_and_only_as_it_was_registered():
    site = new_site(redirect_uris=f"{BACK}\r\ncom.example.app:/cb\n")
    for uri in (BACK, "com.example.app:/cb"):
        assert requested(site, redirect_uri=uri).redirect_uri == uri
    for uri in (BACK + "/", BACK + "?", BACK + "?a=b", BACK.upper(), BACK[:-1], "", site.redirect_uris):
        with pytest.raises(InvalidAuthorization) as refused:
            requested(site, redirect_uri=uri)
        assert refused.value.parameter == "redirect_uri"


@pytest.mark.parametrize("client", ["", "x", "0" * 16, "\x00", "%", "' OR 1=1 --", "é" * 5000])
def test_a_client_that_nobody_registered_is_refused(site, client):
    with pytest.raises(InvalidAuthorization) as refused:
        requested(site, client=client)
    assert refused.value.parameter == "client"


def test_an_inactive_client_is_refused(site):
    site.is_active = False
    site.save()
    with pytest.raises(InvalidAuthorization) as refused:
        requested(site)
    assert refused.value.parameter == "client"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": ""},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 44},
        {"code_challenge": "x" * 42 + "="},
        {"code_challenge": "x" * 43 + "\n"},
        {"method": "plain"},
        {"method": "s256"},
        {"method": ""},
    ],
)
def test_without_a_sha_256_of_a_verifier_no_code_is_given(site, changed):
    with pytest.raises(InvalidAuthorization) as refused:
        requested(site, **changed)
    assert refused.value.parameter == "code_challenge"


def test_a_state_has_a_longest_length(site):
    assert requested(site, state="x" * 2048)
    with pytest.raises(InvalidAuthorization) as refused:
        requested(site, state="x" * 2049)
    assert refused.value.parameter == "state"
