"""The contract of token backends, and what sessions do beside it."""

from datetime import timedelta

import pytest
from django.contrib.auth.backends import BaseBackend
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.backends.signed_cookies import SessionStore as CookieSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from otp_app.models import RefreshToken, Token, UserSession
from otp_app.testing.contracts.tokens import TokenContract
from otp_app.tokens.jwt import JwtTokens
from otp_app.tokens.opaque import OpaqueTokens
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


class Replicas:
    """Read tokens and sessions where none has arrived yet: from an alias that does not exist."""

    def db_for_read(self, model, **_):
        return "replica" if model in {RefreshToken, Token, UserSession} else None


class TestTokens(TokenContract):
    @pytest.fixture(params=[OpaqueTokens, SessionTokens, JwtTokens])
    def backend(self, request):
        return request.param()

    def test_what_was_issued_is_good_and_can_be_ended_before_a_replica_has_it(
        self, settings, backend, sign_in, ask, holder, user
    ):
        settings.DATABASE_ROUTERS = [Replicas()]
        held = sign_in(user)
        assert backend.authenticate(ask(held)) == user
        backend.purge()
        backend.revoke_all(user)
        assert holder(held) is None


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def ask(rf):
    """Return a function that makes a request with the session of this key, or with a new one."""

    def ask(key=None):
        request = rf.get("/")
        request.session = SessionStore(key)
        return request

    return ask


def test_a_session_cannot_be_issued_without_a_request(user):
    with pytest.raises(ValueError, match="needs the request"):
        SessionTokens().issue(user, None)


def test_sessions_begun_with_a_password_last_until_it_is_changed(django_user_model):
    staff = django_user_model.objects.create_superuser(new_phone(), "a long enough password")
    SessionTokens().revoke_all(staff)
    assert staff.check_password("a long enough password")


class ForPermissions(BaseBackend):
    """As many projects have: it knows no users."""


@pytest.fixture
def sessions(settings):
    return SessionTokens()


def test_all_sessions_of_a_user_with_a_password_end_too(sessions, ask, user, django_user_model):
    user.set_password("something long and unusual")
    user.save()
    keys = []
    for owner in (user, user, django_user_model.objects.create_user(new_phone())):
        request = ask()
        sessions.issue(owner, request)
        request.session.save()
        keys.append(request.session.session_key)
    sessions.revoke_all(user)
    left = [sessions.authenticate(ask(key)) for key in keys]
    assert left == [None, None, owner]
    assert UserSession.objects.count() == 1


def test_a_session_that_takes_the_place_of_another_users_can_be_ended(sessions, ask, user, django_user_model):
    request = ask()
    sessions.issue(django_user_model.objects.create_user(new_phone()), request)
    sessions.issue(user, request)
    assert UserSession.objects.filter(user=user, key=request.session.session_key).exists()


def test_a_session_that_is_kept_in_its_cookie_is_not_written_down(sessions, rf, user, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    request = rf.get("/")
    request.session = CookieSession()
    assert sessions.issue(user, request).expires_in > 0
    assert not UserSession.objects.exists()


def test_signing_out_forgets_the_session_and_a_purge_those_that_expired(sessions, ask, user):
    request = ask()
    sessions.issue(user, request)
    sessions.revoke(request)
    assert not UserSession.objects.exists()
    for _ in range(2):
        request = ask()
        sessions.issue(user, request)
        request.session.save()
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=request.session.session_key).update(expire_date=past)
    assert sessions.purge() == 0  # the one that has expired is not known to have: its row says another day
    UserSession.objects.update(expires_at=past)
    assert sessions.purge() == 1
    assert not Session.objects.filter(pk=request.session.session_key).exists()
    (left,) = UserSession.objects.all()
    assert left.expires_at > timezone.now()  # its session was used since, and lives on


def test_who_signs_in_again_in_the_same_session_gets_a_new_one(sessions, ask, user):
    request = ask()
    sessions.issue(user, request)
    before = request.session.session_key
    sessions.issue(user, request)
    assert request.session.session_key != before
    assert not request.session.exists(before)
    assert [row.key for row in UserSession.objects.all()] == [request.session.session_key]


def test_the_backend_that_is_named_in_the_session_is_one_that_finds_the_user_again(sessions, ask, user, settings):
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.ForPermissions", "django.contrib.auth.backends.ModelBackend"]
    request = ask()
    sessions.issue(user, request)
    request.session.save()
    assert sessions.authenticate(ask(request.session.session_key)) == user
