"""Whoever holds a JWT is its user, without a query until a view wants to know more than who it is."""

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import tokens
from otp_app.api.authentication import LiveTokenAuthentication, TokenAuthentication
from otp_app.api.operations import OPERATIONS
from otp_app.errors import NotAuthenticated
from otp_app.models import RefreshToken
from otp_app.tokens import access_tokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _jwt(settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def token(user):
    return tokens.current().issue(user, None).token


class WhoView(APIView):
    """As a host project has them: it needs no more than the key of the user."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request):
        return Response({"id": request.user.pk})


class LiveView(WhoView):
    authentication_classes = (LiveTokenAuthentication,)


@pytest.fixture
def ask(rf, token):
    return lambda view: view.as_view()(rf.get("/", headers={"authorization": f"Bearer {token}"}))


def sid_of(token):
    return access_tokens.claims_of(token)["sid"]


def test_a_view_that_needs_the_key_of_the_user_takes_no_statement(ask, user, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = ask(WhoView)
    assert response.data == {"id": user.pk}


def test_a_live_view_takes_one_statement_and_refuses_as_soon_as_the_session_is_ended(
    ask, user, django_assert_num_queries
):
    with django_assert_num_queries(1):
        assert ask(LiveView).data == {"id": user.pk}
    tokens.revoke_all(user)
    assert (ask(LiveView).status_code, ask(WhoView).status_code) == (401, 200)


def test_a_live_view_refuses_a_user_who_is_not_active_any_more(ask, user):
    user.is_active = False
    user.save()
    assert (ask(LiveView).status_code, ask(WhoView).status_code) == (401, 200)


@pytest.mark.parametrize("view", [view for view in OPERATIONS if view.authentication_classes])
def test_every_view_of_ours_is_live(view):
    assert view.authentication_classes == (LiveTokenAuthentication,)


def test_for_opaque_tokens_a_live_view_is_like_any_other(settings, rf, user):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.opaque.OpaqueTokens"
    token = tokens.current().issue(user, None).token
    request = rf.get("/", headers={"authorization": f"Bearer {token}"})
    assert LiveView.as_view()(request).data == {"id": user.pk}


def test_the_user_is_read_once_and_is_a_user_in_every_way(user, token, django_user_model, django_assert_num_queries):
    found = tokens.authenticate(token)
    with django_assert_num_queries(0):
        assert (found.pk, found.id) == (user.pk, user.pk)
        assert (found.is_authenticated, found.is_anonymous, bool(found)) == (True, False, True)
    with django_assert_num_queries(1):
        assert (found.phone, found.is_active) == (user.phone, True)
        assert found == user
        assert isinstance(found, django_user_model)
        assert list(RefreshToken.objects.none().filter(user=found)) == []
    with django_assert_num_queries(1):
        assert RefreshToken.objects.get(user=found)


def test_a_user_who_is_not_active_any_more_is_refused_when_a_view_reads_more(user, token):
    found = tokens.authenticate(token)
    user.is_active = False
    user.save()
    for error in (NotAuthenticated, PermissionDenied):
        with pytest.raises(error):
            assert found.phone
    user.delete()
    with pytest.raises(NotAuthenticated):
        assert tokens.authenticate(token).phone


@pytest.mark.parametrize("flags", [{"is_staff": True}, {"is_superuser": True}])
def test_staff_has_no_rights_by_a_token_that_a_code_began(django_user_model, flags):
    staff = django_user_model.objects.create_user(new_phone(), **flags)
    found = tokens.authenticate(tokens.current().issue(staff, None).token)
    assert (found.is_staff, found.is_superuser, found.has_perm("otp_app.view_user")) == (False, False, False)
    assert found.get_all_permissions() == set()


def test_somebody_who_became_staff_after_the_token_was_issued_has_none_either(user, token):
    user.is_staff = user.is_superuser = True
    user.save()
    found = tokens.authenticate(token)
    assert (found.is_staff, found.has_perm("otp_app.view_user")) == (False, False)


def test_others_keep_what_they_may_do(user, token):
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert tokens.authenticate(token).has_perm("otp_app.view_user")


def test_whether_a_session_is_live_is_one_question(user, token, settings, django_assert_num_queries):
    sid = sid_of(token)
    with django_assert_num_queries(1):
        assert tokens.is_live(sid)
    assert not tokens.is_live("0" * 32)
    assert not tokens.is_live("no session")
    tokens.revoke_all(user)
    assert not tokens.is_live(sid)
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.opaque.OpaqueTokens"
    assert not tokens.is_live(sid)


def test_what_is_no_token_is_nobodys_and_ends_nothing(rf, user, token):
    backend = tokens.current()
    for header in ("", "Bearer", "Bearer x", "Basic eyJ", f"Basic {token}", f"Bearer {token}x", "Bearer eyJü"):
        request = rf.get("/", headers={"authorization": header})
        backend.revoke(request)
        assert backend.authenticate(request) is None
        assert backend.authenticate_live(request) is None
        assert [each.current for each in backend.sessions(user, request)] == [False]
    assert tokens.is_live(sid_of(token))
