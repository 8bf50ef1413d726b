"""Views of a host for whoever has signed in a short time ago, and the answer of RFC 9470 for all others."""

import pytest
from django.db import connection
from django.http import JsonResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import tokens
from otp_app.accounts import confirmations
from otp_app.api.authentication import LiveTokenAuthentication, TokenAuthentication
from otp_app.api.fresh_sign_ins import SignedInWithin, signed_in_within
from otp_app.api.views import OtpView
from otp_app.models import Token
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

BACKENDS = {name: f"otp_app.tokens.{name.lower()}.{name}Tokens" for name in ("Opaque", "Jwt", "Session")}
CHALLENGE = (
    'Bearer error="insufficient_user_authentication", error_description="A more recent sign-in is required", '
    'max_age="300"'
)


class Export(APIView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated, SignedInWithin(300))

    def get(self, request):
        return Response({"owner": request.user.pk})


class BySession(Export):
    authentication_classes = (SessionAuthentication,)


class Ours(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (SignedInWithin(300),)

    def get(self, request):
        return Response({"owner": request.user.pk})


@signed_in_within(300)
def plain(request):
    return JsonResponse({"owner": request.user.pk})


urlpatterns = [
    path("export/", Export.as_view()),
    path("by-session/", BySession.as_view()),
    path("ours/", Ours.as_view()),
    path("plain/", plain),
    path("api/", include("otp_app.urls")),
]


@pytest.fixture(autouse=True)
def served(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def sign_in(client, user, settings):
    """Return a function that signs the user in and returns the headers of the token, if it is one."""

    def sign_in(backend=None):
        request = RequestFactory().get("/")
        request.session = client.session
        issued = (backend or tokens.current()).issue(user, request)
        request.session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
        return {"authorization": f"Bearer {issued.token}"} if issued.token else {}

    return sign_in


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
@pytest.mark.parametrize("address", ["/export/", "/ours/"])
def test_a_view_opens_for_so_long_after_the_sign_in_and_a_refresh_is_none(
    client, user, sign_in, clock, settings, backend, address
):
    settings.OTP_TOKEN_BACKEND = backend
    headers = sign_in()
    clock.advance(290)
    assert client.get(address, headers=headers).json() == {"owner": user.pk}
    clock.advance(20)
    refused = client.get(address, headers=headers)
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, CHALLENGE)
    assert (refused.json()["code"], refused.json()["max_age"]) == ("sign_in_again", 300)
    assert client.get(address, headers=sign_in()).status_code == 200


def test_a_new_access_token_of_an_old_sign_in_opens_nothing(client, sign_in, clock, settings, user):
    settings.OTP_TOKEN_BACKEND = BACKENDS["Jwt"]
    first = tokens.current().issue(user, None)
    clock.advance(301)
    second = tokens.refresh(first.refresh_token, None)
    refused = client.get("/export/", headers={"authorization": f"Bearer {second.token}"})
    assert refused.json()["code"] == "sign_in_again"


@pytest.mark.parametrize(("name", "queries"), [("Opaque", 1), ("Jwt", 0)])
def test_the_age_of_a_token_costs_no_query(client, sign_in, settings, name, queries):
    settings.OTP_TOKEN_BACKEND = BACKENDS[name]
    headers = sign_in()
    with CaptureQueriesContext(connection) as made:
        client.get("/export/", headers=headers)
    assert sum("SAVEPOINT" not in query["sql"] for query in made) == queries  # of ATOMIC_REQUESTS


def test_the_answer_is_in_the_clients_language_and_its_header_in_ascii(client, sign_in, clock):
    headers = sign_in() | {"accept-language": "ru"}
    clock.advance(301)
    for address in ("/export/", "/ours/"):
        refused = client.get(address, headers=headers)
        assert refused.json()["title"] == "Войдите снова"
        assert refused["WWW-Authenticate"] == CHALLENGE


def test_who_has_not_signed_in_is_told_that_first(client):
    for address in ("/export/", "/ours/", "/plain/"):
        refused = client.get(address)
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
        assert "max_age" not in refused.json()


def test_a_plain_view_is_guarded_by_the_session_that_a_code_has_begun(client, user, sign_in, clock):
    sign_in(SessionTokens())
    assert client.get("/plain/").json() == {"owner": user.pk}
    clock.advance(301)
    refused = client.get("/plain/")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, CHALLENGE)
    assert (refused["Content-Type"], refused.json()["code"]) == ("application/problem+json", "sign_in_again")


def test_a_session_of_which_nobody_knows_when_it_began_opens_nothing(client, user):
    client.force_login(user)
    assert client.get("/plain/").json()["code"] == "sign_in_again"


def test_a_fresh_token_of_somebody_else_does_not_make_a_session_younger(client, sign_in, clock, django_user_model):
    sign_in(SessionTokens())
    clock.advance(301)
    other = tokens.current().issue(django_user_model.objects.create_user(new_phone()), None)
    refused = client.get("/by-session/", headers={"authorization": f"Bearer {other.token}"})
    assert refused.json()["code"] == "sign_in_again"


def test_a_confirmation_since_is_no_sign_in(client, user, sign_in, clock):
    headers = sign_in()
    clock.advance(301)
    confirmations.begin(user, "change_phone", "{}", "0" * 32)
    row = confirmations.Confirmation.objects.get()
    headers["otp-confirmation"] = confirmations.confirm(row)
    assert client.get("/export/", headers=headers).json()["code"] == "sign_in_again"


def test_a_program_asks_when_somebody_signed_in(rf, user):
    issued = tokens.current().issue(user, None)
    request = rf.get("/", headers={"authorization": f"Bearer {issued.token}"})
    assert tokens.auth_time(request) is None  # nobody has said whose it is
    assert tokens.auth_time(request, user) == Token.objects.get().began_at


def test_an_own_backend_that_does_not_know_is_asked_nothing(rf, user, settings):
    settings.OTP_TOKEN_BACKEND = f"{__name__}.Older"
    assert tokens.auth_time(rf.get("/"), user) is None


class Older:
    ambient = False
