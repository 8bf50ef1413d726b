"""The backends that issue the tokens of libraries keep the contract, and give staff no rights by a code alone."""

import logging

import pytest
from django.urls import include, path
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.authentication import TokenAuthentication as AuthTokenAuthentication
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet
from rest_framework_simplejwt.authentication import JWTAuthentication

from otp_app import tokens
from otp_app.api.authentication import TokenAuthentication
from otp_app.errors import InvalidOrExpiredCode
from otp_app.models import User
from otp_app.testing.contracts.tokens import TokenContract
from otp_app.tokens.authtoken import AuthTokens
from otp_app.tokens.knox import KnoxTokens
from otp_app.tokens.library_views import views_with
from otp_app.tokens.simplejwt import SimpleJwtTokens
from tests.factories import new_phone
from tests.tokens import careless

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

BACKENDS = {
    "otp_app.tokens.authtoken.AuthTokens": AuthTokenAuthentication,
    "otp_app.tokens.knox.KnoxTokens": KnoxAuthentication,
    "otp_app.tokens.simplejwt.SimpleJwtTokens": JWTAuthentication,
}


class TestContract(TokenContract):
    @pytest.fixture(params=[AuthTokens, KnoxTokens, SimpleJwtTokens])
    def backend(self, request):
        return request.param()


# Views of a project


class Rights(ViewSet):
    def list(self, request):
        return Response({"user": request.user.pk, "staff": request.user.is_staff})


class Ours(Rights):
    authentication_classes = (TokenAuthentication,)


class WithCare(Rights):
    authentication_classes = (careless.Careful,)


urlpatterns = [
    path("api/", include("otp_app.urls")),
    path("ours/", Ours.as_view({"get": "list"})),
    path("careful/", WithCare.as_view({"get": "list"})),
]


@pytest.fixture(params=BACKENDS)
def chosen(request, settings):
    settings.OTP_TOKEN_BACKEND = request.param
    settings.ROOT_URLCONF = __name__
    return tokens.current()


def test_what_is_issued_names_the_session_under_which_it_is_listed(chosen):
    user = User.objects.create_user(new_phone())
    issued = chosen.issue(user, None)
    assert [each.id for each in chosen.sessions(user, None)] == [issued.session]


@pytest.fixture
def member():
    return User.objects.create_user(new_phone(), is_staff=True, is_superuser=True)


def sign_in(client, outbox, phone):
    client.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
    answer = {"phone": phone, "otp": outbox[-1].code}
    return client.post("/api/verify-otp/", answer, content_type="application/json")


def test_a_sign_in_answers_with_the_librarys_token_by_which_the_api_knows_the_user(client, outbox, chosen):
    answer = sign_in(client, outbox, new_phone()).json()
    for scheme in ("Bearer", "Token"):
        headers = {"authorization": f"{scheme} {answer['token']}"}
        assert client.get("/api/me/", headers=headers).json()["id"] == answer["user"]["id"]
    (listed,) = client.get("/api/sessions/", headers=headers).json()["sessions"]
    assert listed["current"]
    assert client.delete(f"/api/sessions/{listed['id']}/", headers=headers).status_code == 204
    assert client.get("/api/me/", headers=headers).status_code == 401


def test_the_librarys_own_class_takes_the_token(client, outbox, chosen, rf):
    answer = sign_in(client, outbox, new_phone()).json()
    authentication = BACKENDS[f"{type(chosen).__module__}.{type(chosen).__qualname__}"]()
    scheme = authentication.authenticate_header(None).split()[0]
    user, _ = authentication.authenticate(rf.get("/", headers={"authorization": f"{scheme} {answer['token']}"}))
    assert user.pk == answer["user"]["id"]


def test_staff_who_signs_in_by_code_has_no_rights(client, outbox, chosen, member):
    headers = {"authorization": f"Bearer {sign_in(client, outbox, member.phone).json()['token']}"}
    assert client.get("/ours/", headers=headers).json() == {"user": member.pk, "staff": False}


def test_a_subclass_of_the_librarys_own_that_takes_the_rights_away_does_so(client, outbox, settings, member):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.simplejwt.SimpleJwtTokens"
    settings.ROOT_URLCONF = __name__
    headers = {"authorization": f"Bearer {sign_in(client, outbox, member.phone).json()['token']}"}
    assert client.get("/careful/", headers=headers).json() == {"user": member.pk, "staff": False}


def test_staff_gets_no_token_while_a_view_of_the_project_would_give_it_all_rights(
    chosen, member, settings, caplog, django_user_model
):
    settings.ROOT_URLCONF = careless.__name__
    with caplog.at_level(logging.ERROR, "otp_app.tokens"), pytest.raises(InvalidOrExpiredCode):
        chosen.issue(member, None)
    assert careless.__name__ in caplog.text
    assert chosen.issue(django_user_model.objects.create_user(new_phone()), None).token
    settings.OTP_STAFF_BY_CODE = True
    assert chosen.issue(member, None).token


@pytest.mark.parametrize("view", ["ByAuthtoken", "ByKnox", "ByJwt"])
def test_the_views_that_use_a_librarys_own_class_are_found_wherever_they_are(settings, view):
    own = {"ByAuthtoken": AuthTokenAuthentication, "ByKnox": KnoxAuthentication, "ByJwt": JWTAuthentication}[view]
    path_of_it = f"{own.__module__}.{own.__name__}"
    settings.ROOT_URLCONF = careless.__name__
    assert views_with(path_of_it) == [f"{careless.__name__}.{view}"]
    settings.ROOT_URLCONF = __name__
    assert views_with(path_of_it) == []
    settings.ROOT_URLCONF = None
    assert views_with(path_of_it) == []


@pytest.mark.parametrize("text", ["", " ", "x", "a\x00b", "ü", "eyJhbGciOiJub25lIn0.e30.", 5000 * "x"])
def test_what_is_no_token_is_nobodys(chosen, text):
    assert tokens.authenticate(text) is None


def test_the_sessions_of_a_user_are_the_users_alone_and_a_number_of_them_may_stay(client, outbox, chosen, settings):
    settings.OTP_MAX_SESSIONS = 1
    settings.OTP_WAITS = ()
    phone = new_phone()
    other, first, second = (sign_in(client, outbox, each).json()["token"] for each in (new_phone(), phone, phone))
    assert [bool(tokens.authenticate(each)) for each in (other, first, second)] == [True, False, True]
