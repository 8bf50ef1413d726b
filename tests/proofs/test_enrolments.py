"""What is removed, and what goes along with it; the API's tests play the rest."""

import pytest

from otp_app.factors import recovery_codes
from otp_app.proofs import enrolments
from tests.factors.test_authenticators import enrolled

pytestmark = pytest.mark.django_db


def test_whoever_keeps_another_factor_keeps_the_recovery_codes():
    user = enrolled()[0].user
    with enrolments.removing(user):
        pass  # one of two passkeys, say
    assert recovery_codes.left(user) == 10
