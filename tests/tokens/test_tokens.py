"""The text of a token names its user, wherever it comes from."""

import pytest

from otp_app import tokens
from otp_app.models import User
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("token", ["", "otp_", "otp_x", "x", "Bearer x", None, "otp_ü", "otp_x\n"])
def test_what_is_no_token_is_nobodys(token):
    assert tokens.authenticate(token) is None


def test_a_token_is_its_users_as_long_as_the_user_is_active():
    user = User.objects.create_user(new_phone(), is_staff=True)
    token = tokens.current().issue(user, None).token
    found = tokens.authenticate(token)
    assert (found, found.is_staff) == (user, False)  # a code alone does not make staff
    User.objects.update(is_active=False)
    assert tokens.authenticate(token) is None


def test_where_sessions_are_kept_there_are_no_tokens(settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
    assert tokens.authenticate("otp_x") is None
