import pytest

from tests.api.guard.client import proven, verify


@pytest.fixture(autouse=True)
def _guarded(settings):
    settings.OTP_PROOFS, settings.OTP_PROOF_COST = True, 1


@pytest.fixture
def signed_in(outbox):
    """Return a function that signs in by a phone and returns what verify-otp answers."""

    def sign_in(phone, **body):
        assert proven(phone, **body).status_code == 200
        return verify(phone, outbox[-1].code, **body).json()

    return sign_in
