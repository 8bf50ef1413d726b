"""An access token is valid if one of our keys signed it, by the algorithm of that key, for us, for now."""

import base64
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jwt

from otp_app.tokens import access_tokens, lives, signing_keys

pytestmark = pytest.mark.django_db

SID = "0" * 32


@pytest.fixture(params=["ES256", "EdDSA"])
def algorithm(request, settings, clock):
    settings.OTP_JWT_ALGORITHM = request.param
    settings.OTP_JWT_ISSUER = "https://login.example.com"
    return request.param


@pytest.fixture
def token(algorithm):
    return access_tokens.sign("42", SID, lives.now())


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def parts(token):
    """Return header and claims, as they stand in the token."""
    return [json.loads(base64.urlsafe_b64decode(each + "==")) for each in token.split(".")[:2]]


def signed(token, header=None, claims=None, without=()):
    """Return the token with other members of header and claims, signed by our own key."""
    was, said = parts(token)
    said = {name: value for name, value in (said | (claims or {})).items() if name not in without}
    key = jwk.import_key(json.loads(signing_keys.current()[1]))
    return jwt.encode(was | (header or {}), said, key, registry=access_tokens._registry, default_type=None)


def test_it_says_who_signed_in_where_and_when(token, algorithm):
    header, claims = parts(token)
    row = signing_keys.published()[0]
    assert header == {"typ": "at+jwt", "alg": algorithm, "kid": row.kid}
    assert claims == access_tokens.claims_of(token)
    assert (claims["iss"], claims["sub"], claims["sid"]) == ("https://login.example.com", "42", SID)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["auth_time"] <= claims["iat"]
    assert set(claims) == {"iss", "sub", "iat", "exp", "jti", "sid", "auth_time"}
    assert parts(access_tokens.sign("42", SID, lives.now()))[1]["jti"] != claims["jti"]


def test_what_our_key_has_signed_again_is_as_good(token):
    assert access_tokens.claims_of(signed(token))


def test_it_ends_after_ten_minutes(token, clock):
    clock.advance(598)
    assert access_tokens.claims_of(token)
    clock.advance(2)
    assert access_tokens.claims_of(token) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.com"},
        {"iss": ""},
        {"aud": "another"},
        {"exp": 10**12 * 1.5, "iat": 10**12},
        {"nbf": 10**12},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": float("nan")},
        {"exp": None},
        {"sub": 42},
        {"sid": None},
    ],
    ids=str,
)
def test_wrong_claims_are_refused_whoever_signed_them(token, claims):
    assert access_tokens.claims_of(signed(token, claims=claims)) is None


@pytest.mark.parametrize("name", ["iss", "exp", "iat", "sub", "sid"])
def test_a_token_without_a_claim_that_counts_is_refused(token, name):
    assert access_tokens.claims_of(signed(token, without=[name])) is None


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "dpop+jwt"}, {"cty": "JWT"}, {"crit": ["exp"]}], ids=str)
def test_another_header_is_refused_whoever_signed_it(token, header):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access_tokens._Registry, "check_header", lambda *_: None)
        made = signed(token, header=header)
    assert access_tokens.claims_of(made) is None


def test_an_audience_is_said_and_wanted_where_one_is_set(algorithm, settings):
    for_nobody = access_tokens.sign("42", SID, lives.now())
    settings.OTP_JWT_AUDIENCE = "shop"
    for_shop = access_tokens.sign("42", SID, lives.now())
    assert access_tokens.claims_of(for_shop)["aud"] == "shop"
    assert access_tokens.claims_of(for_nobody) is None
    settings.OTP_JWT_AUDIENCE = "bank"
    assert access_tokens.claims_of(for_shop) is None


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS256", "ES384", "", None, 1, {}, []])
def test_the_token_does_not_choose_how_it_is_verified(token, alg):
    """Without a signature, or with one that is keyed with what everybody may read."""
    header, claims = parts(token)
    public = signing_keys.published()[0].public
    secrets = [json.dumps(public).encode(), jwk.import_key(public).as_pem(private=False), public["x"].encode(), b""]
    head = f"{part(header | {'alg': alg})}.{part(claims)}"
    macs = [base64.urlsafe_b64encode(hmac.digest(each, head.encode(), "sha256")).rstrip(b"=") for each in secrets]
    for signature in ("", *(mac.decode() for mac in macs), token.rpartition(".")[2]):
        assert access_tokens.claims_of(f"{head}.{signature}") is None


@pytest.mark.parametrize("kid", ["other", "", None, 1, [], {}])
def test_an_unknown_key_is_none(token, kid):
    header, claims = parts(token)
    assert access_tokens.claims_of(f"{part(header | {'kid': kid})}.{part(claims)}.{token.rpartition('.')[2]}") is None


def test_a_key_that_the_token_brings_along_is_none(token, algorithm):
    kind = {"ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}[algorithm]
    own = jwk.generate_key(*kind, {"alg": algorithm}, auto_kid=True)
    header, claims = parts(token)
    registry = access_tokens._registry
    for said in ({"jwk": own.as_dict(private=False)}, {"jku": "https://evil.example.com/jwks.json"}, {}):
        for kid in (own.kid, header["kid"]):
            forged = jwt.encode(header | said | {"kid": kid}, claims, own, registry=registry)
            assert access_tokens.claims_of(forged) is None


def test_a_changed_token_is_none(token):
    head, said, signature = token.split(".")
    other = part(parts(token)[1] | {"sub": "1"})
    assert access_tokens.claims_of(f"{head}.{other}.{signature}") is None
    assert access_tokens.claims_of(f"{head}.{said}.{signature[:-4]}AAAA") is None
    assert access_tokens.claims_of(f"{head}.{said}") is None


def test_the_clock_of_another_machine_may_be_a_little_ahead(token):
    now = parts(token)[1]["iat"]
    assert access_tokens.claims_of(signed(token, claims={"iat": now + 20}))
    assert access_tokens.claims_of(signed(token, claims={"iat": now + 60})) is None


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=20))
def test_whatever_somebody_sends_is_no_token(head, said, signature):
    assert access_tokens.claims_of(f"ey{head}.{said}.{signature}") is None


@pytest.mark.parametrize("header", [[], 1, "x", None, {}, {"alg": "ES256"}])
def test_a_header_that_is_no_header_is_no_token(header):
    assert access_tokens.claims_of(f"ey{part(header)}.e30.AAAA") is None
    encoded = part(header)
    assert access_tokens.claims_of(f"{encoded}.e30.AAAA") is None
