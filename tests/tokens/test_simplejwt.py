"""The tokens of simplejwt: pairs that name their session, ended by the library's blacklist where that is installed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from rest_framework_simplejwt.views import TokenRefreshView

from otp_app.errors import NotAuthenticated
from otp_app.models import User
from otp_app.tokens import simplejwt
from otp_app.tokens.simplejwt import SimpleJwtTokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


@pytest.fixture
def backend():
    return SimpleJwtTokens()


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


@pytest.fixture
def ask(rf):
    return lambda token: rf.get("/", headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def rotating(monkeypatch):
    """As SIMPLE_JWT has it that wants a refresh token to be used once."""
    monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", True, raising=False)
    monkeypatch.setattr(api_settings, "BLACKLIST_AFTER_ROTATION", True, raising=False)


@pytest.fixture
def by_the_librarys_view(rf):
    """Return a function that refreshes as clients of the library do, and returns status and pair."""

    def refresh(token):
        answer = TokenRefreshView.as_view()(rf.post("/", {"refresh": token}, content_type="application/json"))
        return answer.status_code, answer.data.get("access"), answer.data.get("refresh", token)

    return refresh


def sessions(backend, user, request=None):
    return [(each.id, each.current) for each in backend.sessions(user, request)]


def test_a_refresh_leaves_the_time_of_the_sign_in_and_a_token_of_the_project_has_none(
    backend, user, ask, by_the_librarys_view, rotating
):
    first = backend.issue(user, None)
    at = backend.auth_time(ask(first.token), user)
    assert at.timestamp() == RefreshToken(first.refresh_token)["iat"]
    _, access, _ = by_the_librarys_view(first.refresh_token)
    assert backend.auth_time(ask(access), user) == at
    assert backend.auth_time(ask(AccessToken.for_user(user)), user) is None


def test_a_pair_lives_as_long_as_the_library_says_and_names_its_session(backend, user):
    issued = backend.issue(user, None)
    access, refresh = AccessToken(issued.token), RefreshToken(issued.refresh_token)
    assert issued.expires_in == AccessToken.lifetime.total_seconds() == access["exp"] - access["iat"]
    assert access["sid"] == refresh["sid"]
    assert access["auth_time"] == refresh["iat"]
    assert OutstandingToken.objects.get(user=user).token == issued.refresh_token


def test_a_session_goes_on_under_its_name_while_its_refresh_tokens_are_replaced(
    backend, user, ask, rotating, by_the_librarys_view
):
    first = backend.issue(user, None)
    second = backend.refresh(first.refresh_token, None)
    status, token, refresh_token = by_the_librarys_view(second.refresh_token)
    assert (status, len({first.refresh_token, second.refresh_token, refresh_token})) == (200, 3)
    assert {AccessToken(each)["sid"] for each in (first.token, second.token, token)} == {AccessToken(token)["sid"]}
    assert sessions(backend, user, ask(token)) == [(AccessToken(token)["sid"], True)]
    assert all(backend.authenticate(ask(each)) == user for each in (first.token, second.token, token))


@pytest.mark.parametrize("how", ["revoke", "end", "revoke_all"])
def test_an_ended_session_is_refreshed_by_no_road_and_its_access_tokens_are_worth_nothing(
    backend, user, ask, rotating, by_the_librarys_view, how
):
    first, other = backend.issue(user, None), backend.issue(User.objects.create_user(new_phone()), None)
    second = backend.refresh(first.refresh_token, None)
    ends = {
        "revoke": lambda: backend.revoke(ask(first.token)),
        "end": lambda: [each.end() for each in backend.sessions(user, None)],
        "revoke_all": lambda: backend.revoke_all(user),
    }
    ends[how]()
    assert [backend.authenticate(ask(each.token)) for each in (first, second)] == [None, None]
    assert sessions(backend, user) == []
    for each in (first, second):
        with pytest.raises(NotAuthenticated):
            backend.refresh(each.refresh_token, None)
        assert by_the_librarys_view(each.refresh_token)[0] == 401
    assert backend.authenticate(ask(other.token)) != user
    assert backend.refresh(other.refresh_token, None).token


def test_a_refresh_that_overtakes_the_end_of_its_session_gives_nothing(backend, user, ask, monkeypatch):
    issued = backend.issue(user, None)
    real = simplejwt.import_string

    def slow(path):
        class Slow(real(path)):
            def validate(self, attrs):
                new = super().validate(attrs)
                backend.revoke(ask(issued.token))
                return new

        return Slow

    monkeypatch.setattr(simplejwt, "import_string", slow)
    with pytest.raises(NotAuthenticated):
        backend.refresh(issued.refresh_token, None)


def test_a_session_can_be_ended_once(backend, user):
    backend.issue(user, None)
    (session,) = backend.sessions(user, None)
    assert [session.end(), session.end()] == [True, False]


def test_tokens_that_the_project_issued_itself_are_valid_and_can_be_ended(backend, user, ask, by_the_librarys_view):
    refresh = RefreshToken.for_user(user)
    access = str(refresh.access_token)
    assert backend.authenticate(ask(access)) == user
    backend.revoke(ask(access))
    assert backend.authenticate(ask(access)) is None
    assert sessions(backend, user) == [(refresh["jti"], False)]
    backend.revoke_all(user)
    assert by_the_librarys_view(str(refresh))[0] == 401


def test_the_token_of_a_user_who_is_deleted_is_worth_nothing(backend, user, ask):
    issued = backend.issue(user, None)
    user.delete()
    assert backend.authenticate(ask(issued.token)) is None
    with pytest.raises(NotAuthenticated):
        backend.refresh(issued.refresh_token, None)
    backend.revoke(ask(issued.token))


def test_a_purge_deletes_what_has_expired_and_an_ended_session_stays_ended(backend, user, ask):
    gone, ended = backend.issue(user, None), backend.issue(user, None)
    backend.revoke(ask(ended.token))
    OutstandingToken.objects.filter(token=gone.refresh_token).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert backend.purge() == 1
    assert backend.authenticate(ask(ended.token)) is None


def test_without_the_blacklist_tokens_live_until_they_expire(backend, user, ask, monkeypatch):
    issued = backend.issue(user, None)
    monkeypatch.setattr(simplejwt.apps, "is_installed", lambda name: name != simplejwt.BLACKLIST)
    backend.revoke(ask(issued.token))
    backend.revoke_all(user)
    assert backend.authenticate(ask(issued.token)) == user
    assert backend.authenticate(ask(backend.refresh(issued.refresh_token, None).token)) == user
    assert (sessions(backend, user), backend.purge(), BlacklistedToken.objects.count()) == ([], 0, 0)


def test_of_sessions_that_began_in_one_second_the_older_has_the_smaller_name(backend, user):
    """So that OTP_MAX_SESSIONS ends the oldest one."""
    named = [backend.issue(user, None).session for _ in range(20)]
    assert named == sorted(named)
    assert [each.id for each in backend.sessions(user, None)] == named[::-1]
