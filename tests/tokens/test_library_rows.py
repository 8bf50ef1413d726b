"""The tokens of knox and authtoken end when they should."""

from datetime import timedelta

import pytest
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings
from rest_framework.authtoken.models import Token

from otp_app.models import User
from otp_app.tokens.authtoken import AuthTokens
from otp_app.tokens.knox import KnoxTokens
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


@pytest.fixture
def ask(rf):
    return lambda token: rf.get("/", headers={"authorization": f"Bearer {token}"})


def test_a_token_of_knox_lives_as_long_as_the_library_says_and_else_as_long_as_ours(user, monkeypatch, settings):
    assert KnoxTokens().issue(user, None).expires_in == knox_settings.TOKEN_TTL.total_seconds()
    monkeypatch.setattr(knox_settings, "TOKEN_TTL", None)
    settings.OTP_TOKEN_TTL = 3600
    assert KnoxTokens().issue(user, None).expires_in == 3600
    last = AuthToken.objects.latest("created")
    assert timedelta(0) < last.expiry - timezone.now() <= timedelta(hours=1)


def test_expired_tokens_of_knox_are_neither_valid_nor_listed_and_a_purge_deletes_them(user, ask):
    token = KnoxTokens().issue(user, None).token
    AuthToken.objects.create(user, expiry=None)  # the project's own, which never ends
    AuthToken.objects.filter(expiry__isnull=False).update(expiry=timezone.now() - timedelta(seconds=1))
    assert len(KnoxTokens().sessions(user, None)) == 1
    assert KnoxTokens().purge() == 1
    assert KnoxTokens().authenticate(ask(token)) is None
    assert AuthToken.objects.count() == 1


def test_a_sign_in_ends_the_token_of_authtoken_before_it(user, ask):
    first, second = (AuthTokens().issue(user, None).token for _ in range(2))
    assert [AuthTokens().authenticate(ask(each)) for each in (first, second)] == [None, user]


def test_a_token_of_authtoken_ends_after_our_time_and_a_new_one_begins_it_anew(user, ask, settings):
    settings.OTP_TOKEN_TTL = 3600
    token = AuthTokens().issue(user, None).token
    Token.objects.update(created=timezone.now() - timedelta(hours=1))
    assert AuthTokens().authenticate(ask(token)) is None
    assert AuthTokens().sessions(user, None) == []
    again = AuthTokens().issue(user, None)
    assert (AuthTokens().authenticate(ask(again.token)), again.expires_in) == (user, 3600)
    Token.objects.update(created=timezone.now() - timedelta(hours=1))
    assert AuthTokens().purge() == 1
    assert not Token.objects.exists()


@pytest.mark.parametrize("backend", [AuthTokens, KnoxTokens])
def test_a_session_can_be_ended_once(user, backend):
    backend().issue(user, None)
    (session,) = backend().sessions(user, None)
    assert [session.end(), session.end()] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_first_sign_ins_at_the_same_instant_all_get_a_token_of_authtoken(user, ask):
    issued = race(lambda _number: AuthTokens().issue(user, None).token, 4)
    assert user in [AuthTokens().authenticate(ask(token)) for token in issued]
