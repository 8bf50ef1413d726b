"""Whatever began with a code alone opens no door of staff: each way in, at each door, on each host."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import path
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import services, tokens
from otp_app.accounts import authorization_codes
from otp_app.api.authentication import TokenAuthentication
from otp_app.models import User
from otp_project.urls import urlpatterns as service
from tests.factories import new_phone
from tests.factors.test_authenticators import code_of, enrolled
from tests.sites import BACK, VERIFIER, answer_in, new_site, requested
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

HOSTS = ("login.example", "admin.example")
SESSIONS = "otp_app.tokens.session.SessionTokens"


class ForStaff(APIView):
    """A view of a project."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAdminUser,)

    def get(self, request):
        return Response({})


urlpatterns = [path("for-staff/", ForStaff.as_view()), path("plain/", admin.AdminSite("plain").urls), *service]


@pytest.fixture(autouse=True)
def _two_hosts(settings):
    settings.OTP_STAFF_SECOND_FACTOR, settings.ROOT_URLCONF = True, __name__
    settings.ALLOWED_HOSTS = [*HOSTS, "testserver"]


@pytest.fixture
def superuser():
    return User.objects.create_superuser(new_phone(), "a long password")


@pytest.fixture
def factor(superuser):
    return enrolled(superuser)[0]


def by_page(superuser, factor, outbox, settings):
    visitor = Visitor(outbox, SERVER_NAME=HOSTS[0])
    visitor.phone = superuser.phone
    visitor.sign_in()
    return visitor.client.cookies, {}


def by_page_and_factor(superuser, factor, outbox, settings):
    settings.OTP_CODE_ALONE = False
    visitor = Visitor(outbox, SERVER_NAME=HOSTS[0])
    visitor.phone = superuser.phone
    visitor.ask()
    visitor.post("/login/1/", code=outbox[-1].code, checks="0")
    visitor.post("/login/1/", code=outbox[-1].code, checks="1", factor=code_of(factor, 1))
    assert visitor.get("/account/").status_code == 200
    return visitor.client.cookies, {}


def by_api(superuser, factor, outbox, settings, more=None):
    services.send_code(phone=superuser.phone)
    browser = Client(SERVER_NAME=HOSTS[0])
    body = {"phone": superuser.phone, "otp": outbox[-1].code} | (more or {})
    answer = browser.post("/api/verify-otp/", body, content_type="application/json").json()
    return browser.cookies, {"authorization": f"Bearer {answer['token']}"}


def by_api_and_factor(superuser, factor, outbox, settings):
    given = {"by": "authenticator", "answer": code_of(factor, 1)}
    return by_api(superuser, factor, outbox, settings, {"factor": given})


def by_session_of_the_api(superuser, factor, outbox, settings):
    settings.OTP_TOKEN_BACKEND = SESSIONS
    return by_api(superuser, factor, outbox, settings)


def by_another_site(superuser, factor, outbox, settings):
    site = new_site()
    code = answer_in(authorization_codes.issue(requested(site), superuser))["code"]
    _, issued = services.exchange(client=site.pk, redirect_uri=BACK, code=code, code_verifier=VERIFIER)
    return {}, {"authorization": f"Bearer {issued.token}"}


def by_a_token_from_before(superuser, factor, outbox, settings):
    settings.OTP_STAFF_SECOND_FACTOR = False
    found = {}, {"authorization": f"Bearer {tokens.current().issue(superuser, None).token}"}
    settings.OTP_STAFF_SECOND_FACTOR = True
    return found


def by_a_session_from_before(superuser, factor, outbox, settings):
    settings.OTP_STAFF_SECOND_FACTOR = False
    found = by_page(superuser, factor, outbox, settings)
    settings.OTP_STAFF_SECOND_FACTOR = True
    return found


WAYS = (
    by_page,
    by_page_and_factor,
    by_api,
    by_api_and_factor,
    by_session_of_the_api,
    by_another_site,
    by_a_token_from_before,
    by_a_session_from_before,
)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("door", ["/admin/", "/admin/otp_app/user/", "/plain/", "/for-staff/"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_code_opens_no_door_of_staff(superuser, factor, outbox, settings, way, door, host):
    cookies, headers = way(superuser, factor, outbox, settings)
    browser = Client(SERVER_NAME=host)
    browser.cookies.update(cookies)
    assert browser.get(door, headers=headers).status_code in (302, 401, 403)
    browser.post("/admin/second-factor/", {"code": code_of(factor, 1)}, headers=headers)
    assert browser.get(door, headers=headers).status_code in (302, 401, 403)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("door", ["/admin/", "/admin/otp_app/user/", "/plain/"])
def test_the_password_and_the_factor_do(superuser, factor, host, door):
    browser = Client(SERVER_NAME=host)
    browser.force_login(superuser)
    browser.post("/admin/second-factor/", {"code": code_of(factor, 1)})
    assert browser.get(door).status_code == 200


@pytest.mark.parametrize("way", WAYS[:5], ids=lambda way: way.__name__)
def test_the_ways_do_sign_in(superuser, factor, outbox, settings, way):
    """Else the doors would be shut for another reason."""
    cookies, headers = way(superuser, factor, outbox, settings)
    browser = Client()
    browser.cookies.update(cookies)
    door = "/account/" if "page" in way.__name__ else "/api/me/"
    assert browser.get(door, headers=headers).status_code == 200
