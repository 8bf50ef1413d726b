"""What signs access tokens is looked at before it does."""

import pytest

from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do

JWT = "otp_app.tokens.jwt.JwtTokens"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "es256", ""])
def test_an_algorithm_that_is_not_known_is_refused(settings, algorithm):
    settings.OTP_JWT_ALGORITHM = algorithm
    assert ids() == ["otp_app.E060"]


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_the_two_that_are_known_are_not(settings, algorithm):
    settings.OTP_JWT_ALGORITHM = algorithm
    assert ids() == []


@pytest.mark.parametrize(
    ("backend", "values", "found"),
    [
        (JWT, {}, True),
        (JWT, {"OTP_JWT_ISSUER": "https://login.example.com"}, False),
        (JWT, {"OTP_PUBLIC_URL": "https://login.example.com"}, False),
        ("otp_app.tokens.opaque.OpaqueTokens", {}, False),
    ],
)
def test_tokens_that_do_not_say_whose_they_are_are_warned_of(settings, backend, values, found):
    settings.OTP_TOKEN_BACKEND = backend
    for name, value in values.items():
        setattr(settings, name, value)
    assert ("otp_app.W060" in ids(deploy=True)) is found
