"""What every token backend must do."""

import pytest
from django.contrib.sessions.backends.db import SessionStore

from otp_app.tokens.opaque import OpaqueTokens
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[OpaqueTokens, SessionTokens])
def backend(request):
    return request.param()


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def ask(rf):
    """A new request of a client that holds what it was issued."""

    def ask(held=None):
        headers = {"authorization": f"Bearer {held['token']}"} if held and held["token"] else {}
        request = rf.get("/", headers=headers)
        request.session = SessionStore(held["session"] if held else None)
        return request

    return ask


@pytest.fixture
def sign_in(backend, ask):
    def sign_in(user):
        request = ask()
        issued = backend.issue(user, request)
        assert issued.expires_in > 0
        request.session.save()
        return {"token": issued.token, "session": request.session.session_key}

    return sign_in


def test_who_holds_what_was_issued_is_the_user(backend, sign_in, ask, user, django_user_model):
    other = django_user_model.objects.create_user(new_phone())
    assert backend.authenticate(ask(sign_in(user))) == user
    assert backend.authenticate(ask(sign_in(other))) == other


def test_who_holds_nothing_is_nobody(backend, ask):
    assert backend.authenticate(ask()) is None


def test_what_was_revoked_is_worth_nothing_and_another_sign_in_stays(backend, sign_in, ask, user):
    first, second = sign_in(user), sign_in(user)
    request = ask(first)
    backend.revoke(request)
    request.session.save()
    assert backend.authenticate(ask(first)) is None
    assert backend.authenticate(ask(second)) == user


def test_signing_out_everywhere_ends_all_of_a_user_and_of_nobody_else(backend, sign_in, ask, user, django_user_model):
    other = django_user_model.objects.create_user(new_phone())
    held = [sign_in(user), sign_in(user), sign_in(other)]
    backend.revoke_all(user)
    assert [backend.authenticate(ask(one)) for one in held] == [None, None, other]


def test_revoking_nothing_is_no_error(backend, ask):
    backend.revoke(ask())


def test_a_deactivated_user_is_nobody(backend, sign_in, ask, user):
    held = sign_in(user)
    user.is_active = False
    user.save()
    assert backend.authenticate(ask(held)) is None


def test_a_purge_spares_the_living(backend, sign_in, ask, user):
    held = sign_in(user)
    assert backend.purge() == 0
    assert backend.authenticate(ask(held)) == user


def test_a_session_cannot_be_issued_without_a_request(user):
    with pytest.raises(ValueError, match="needs the request"):
        SessionTokens().issue(user, None)


def test_sessions_begun_with_a_password_last_until_it_is_changed(django_user_model):
    staff = django_user_model.objects.create_superuser(new_phone(), "a long enough password")
    SessionTokens().revoke_all(staff)
    assert staff.check_password("a long enough password")
