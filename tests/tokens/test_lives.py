"""A token in use goes on until a set end after the sign-in; one that nobody uses ends sooner."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import tokens
from otp_app.models import Token
from otp_app.tokens import lives
from tests.factories import new_phone

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def token(django_user_model, clock):
    return tokens.current().issue(django_user_model.objects.create_user(new_phone()), None).token


def days_until_it_ends(token, clock, every):
    """Use the token each so many days; return after how many it was refused."""
    for used in range(every, 500, every):
        clock.advance(every * DAY)
        if tokens.authenticate(token) is None:
            return used
    return None


def test_a_token_that_is_used_goes_on_for_a_year_after_the_sign_in(token, clock):
    assert days_until_it_ends(token, clock, 5) == 365


def test_a_token_that_nobody_uses_ends_however_young_it_is(token, clock):
    assert days_until_it_ends(token, clock, 14) == 14


@pytest.mark.parametrize("renewed_for", [0, 7 * DAY, 30 * DAY])
def test_without_renewal_a_token_ends_at_its_age(token, clock, settings, renewed_for):
    settings.OTP_TOKEN_RENEWED_FOR = renewed_for
    assert days_until_it_ends(token, clock, 5) == 30


def test_a_token_whose_beginning_nobody_wrote_down_ends_at_its_age(token, clock):
    Token.objects.update(began_at=None)
    assert days_until_it_ends(token, clock, 5) == 30


def test_a_token_that_lives_for_less_than_an_hour_is_renewed_by_use_too(settings, django_user_model, clock):
    settings.OTP_TOKEN_TTL = 600
    token = tokens.current().issue(django_user_model.objects.create_user(new_phone()), None).token
    for _ in range(5):
        clock.advance(500)
        assert tokens.authenticate(token)
    clock.advance(600)
    assert tokens.authenticate(token) is None


def test_the_renewal_is_part_of_the_write_of_each_hour(token, clock):
    tokens.authenticate(token)
    counts = []
    for seconds in (3500, 200, 200):
        clock.advance(seconds)
        with CaptureQueriesContext(connection) as made:
            tokens.authenticate(token)
        counts.append(len(made))
    assert counts == [1, 2, 1]


def test_an_end_never_moves_back():
    began = lives.now()
    far = began + timedelta(days=900)  # as a longer OTP_TOKEN_TTL had it
    assert lives.renewed_end(began, far, began + timedelta(days=1)) == far
