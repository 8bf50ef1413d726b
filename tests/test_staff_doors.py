"""Whatever began with a code or a passkey alone opens no door of staff: each way in, at each door, on each host."""

import html
import json
import re

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
from otp_app.factors import passkeys
from otp_app.models import User
from otp_project.urls import urlpatterns as service
from tests.factories import new_phone
from tests.factors.test_authenticators import code_of, enrolled
from tests.flows.test_passkeys import added
from tests.passkeys import relying_party  # noqa: F401
from tests.sites import BACK, VERIFIER, answer_in, new_site, requested
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requests, pytest.mark.usefixtures("relying_party")]

HOSTS = ("login.example", "admin.example")
PAGE = "/admin/second-factor/"
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


def by_page_and_passkey(superuser, factor, outbox, settings):
    """Give the passkey to the admin's page, too, where nobody has typed a password."""
    settings.OTP_CODE_ALONE, authenticator = False, added(superuser)
    visitor = Visitor(outbox, SERVER_NAME=HOSTS[0])
    visitor.phone = superuser.phone
    visitor.ask()
    page = visitor.post("/login/1/", code=outbox[-1].code, checks="0")
    signed = json.dumps(authenticator.get(options_on(page)))
    visitor.post("/login/1/", code=outbox[-1].code, checks="1", passkey=signed)
    assert visitor.get("/account/").status_code == 200
    for bound_to in ("", visitor.client.session.session_key):
        again = authenticator.get(passkeys.offer(superuser, bound_to)["options"])
        assert visitor.post(PAGE, passkey=json.dumps(again)).status_code == 302
    return visitor.client.cookies, {}


def by_session_of_a_passkey(superuser, factor, outbox, settings):
    settings.OTP_TOKEN_BACKEND = SESSIONS
    browser, authenticator = Client(SERVER_NAME=HOSTS[0]), added(superuser)
    options = browser.post("/api/passkeys/sign-in/begin/", {}, content_type="application/json").json()["options"]
    body = {"credential": authenticator.get(options)}
    answer = browser.post("/api/passkeys/sign-in/finish/", body, content_type="application/json")
    assert answer.status_code == 200
    signed = json.dumps(authenticator.get(passkeys.offer(superuser, browser.session.session_key)["options"]))
    browser.post(PAGE, {"passkey": signed})
    return browser.cookies, {}


WAYS = (
    by_page,
    by_page_and_factor,
    by_page_and_passkey,
    by_api,
    by_api_and_factor,
    by_session_of_the_api,
    by_session_of_a_passkey,
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
    browser.post(PAGE, {"code": code_of(factor, 1)}, headers=headers)
    assert browser.get(door, headers=headers).status_code in (302, 401, 403)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("door", ["/admin/", "/admin/otp_app/user/", "/plain/"])
def test_the_password_and_the_factor_do(superuser, factor, host, door):
    browser = Client(SERVER_NAME=host)
    browser.force_login(superuser)
    browser.post(PAGE, {"code": code_of(factor, 1)})
    assert browser.get(door).status_code == 200


def options_on(page):
    found = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', page.content.decode())
    return json.loads(html.unescape(found[1]))


def with_password(superuser, host):
    """Return a browser in which the password was given, and what the page for the factor asks it to sign."""
    browser = Client(SERVER_NAME=host)
    browser.force_login(superuser)
    return browser, options_on(browser.get(PAGE))


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("door", ["/admin/", "/admin/otp_app/user/", "/plain/"])
def test_the_password_and_the_passkey_do(superuser, host, door):
    authenticator = added(superuser)
    browser, options = with_password(superuser, host)
    browser.post(PAGE, {"passkey": json.dumps(authenticator.get(options))})
    assert browser.get(door).status_code == 200


def somebody_elses(superuser, options, host):
    return added(User.objects.create_superuser(new_phone(), "x")).get(options)


def to_another_origin(superuser, options, host):
    authenticator = added(superuser)
    authenticator.origin = "https://login.examp1e.com"
    return authenticator.get(options)


def replayed(superuser, options, host):
    authenticator = added(superuser)
    browser, theirs = with_password(superuser, host)
    signed = authenticator.get(theirs)
    browser.post(PAGE, {"passkey": json.dumps(signed)})
    assert browser.get("/admin/").status_code == 200
    return signed


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("door", ["/admin/", "/admin/otp_app/user/", "/plain/", "/for-staff/"])
@pytest.mark.parametrize("make", [somebody_elses, to_another_origin, replayed], ids=lambda make: make.__name__)
def test_the_password_and_a_passkey_that_proves_another_thing_open_none(superuser, host, door, make):
    added(superuser)
    browser, options = with_password(superuser, host)
    page = browser.post(PAGE, {"passkey": json.dumps(make(superuser, options, host))})
    assert "This passkey was not accepted." in page.content.decode()
    assert browser.get(door).status_code in (302, 401, 403)


@pytest.mark.parametrize("way", WAYS[:7], ids=lambda way: way.__name__)
def test_the_ways_do_sign_in(superuser, factor, outbox, settings, way):
    """Else the doors would be shut for another reason."""
    cookies, headers = way(superuser, factor, outbox, settings)
    browser = Client()
    browser.cookies.update(cookies)
    door = "/account/" if "page" in way.__name__ else "/api/me/"
    assert browser.get(door, headers=headers).status_code == 200
