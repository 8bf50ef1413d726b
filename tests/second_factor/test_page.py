"""The admin asks for phone and password and a second factor; whoever has none enrols at the first visit."""

import html
import logging
import re
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
import segno
from django.contrib import admin
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client
from django.urls import path
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import passwords, staff, stores
from otp_app.api.authentication import TokenAuthentication
from otp_app.factors import authenticators, recovery_codes
from otp_app.models import Authenticator, Notification, Token, User
from otp_app.second_factor import SecondFactorMixin
from tests.factories import new_phone
from tests.factors.test_authenticators import code_of, enrolled
from tests.races import race
from tests.second_factor.conftest import PASSWORD
from tests.web.visitor import Visitor, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = "/admin/second-factor/"
USERS = "/admin/otp_app/user/"


class ForStaff(APIView):
    """A view of a project."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAdminUser,)

    def get(self, request):
        return Response({})


class OwnSite(SecondFactorMixin, admin.AdminSite):
    """An admin site of a project."""


OWN_SITE = OwnSite("own")
PLAIN_SITE = admin.AdminSite("plain")
urlpatterns = [
    path("for-staff/", ForStaff.as_view()),
    path("own/", OWN_SITE.urls),
    path("plain/", PLAIN_SITE.urls),
]


@pytest.fixture
def addresses(settings):
    from otp_project.urls import urlpatterns as service

    urlpatterns[3:] = service
    settings.ROOT_URLCONF = __name__


def with_password(visitor, site="/admin/"):
    """Sign in by the password, and return the page that comes then."""
    visitor.get(f"{site}login/")
    visitor.post(f"{site}login/?next={site}", username=visitor.phone, password=PASSWORD)
    return followed(visitor, site)


def followed(visitor, path):
    """The page that a browser ends at."""
    for _ in range(5):
        response = visitor.get(path)
        if response.status_code != 302:
            return response
        path = response["Location"]
    raise AssertionError("the browser goes in circles")


def secret_on(response):
    return re.search(r"<code>([A-Z2-7 ]+)</code>", response.content.decode())[1].replace(" ", "")


def at_work(visitor, factor=None, apart=1):
    """Sign in by password and by a code of the factor, or else enrol."""
    response = with_password(visitor)
    if factor:
        return visitor.post(f"{PAGE}?next=/admin/", code=code_of(factor, apart))
    pending = authenticators.new(User.objects.get(phone=visitor.phone), visitor.client.session["otp_app_new_factor"])
    assert secret_on(response) == authenticators.secret_of(pending)
    return visitor.post(f"{PAGE}?next=/admin/", code=code_of(pending, 0))


class TestTheFirstVisit:
    def test_it_leads_from_the_password_to_the_enrolment_and_back(self, visitor, superuser):
        page = text_of(with_password(visitor))
        assert "Add a second factor" in page
        assert visitor.get(USERS)["Location"] == f"/admin/login/?next={USERS}"
        answer = at_work(visitor)
        shown = re.findall(r"<li><code>([0-9]-\w{5}-\w{5})</code>", answer.content.decode())
        assert len(shown) == 10
        assert 'href="/admin/"' in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert visitor.get(USERS).status_code == 200
        assert not any(code in followed(visitor, PAGE).content.decode() for code in shown)

    def test_the_page_links_to_the_app_of_the_authenticator_and_draws_the_link_for_a_phone(self, visitor, superuser):
        page = with_password(visitor).content.decode()
        [uri] = re.findall(r'href="(otpauth://totp/OTP:[^"]+secret=[A-Z2-7]{32}&amp;issuer=OTP)"', page)
        [drawn] = re.findall(r'<svg [^>]+>.+<path class="qrline" [^>]*d="([^"]+)"', page)
        assert f'd="{drawn}"' in segno.make(html.unescape(uri)).svg_inline()

    def test_a_wrong_code_adds_nothing_and_the_secret_stays(self, visitor, superuser):
        secret = secret_on(with_password(visitor))
        page = visitor.post(f"{PAGE}?next=/admin/", code="abcdef")
        assert "This code is wrong, or it was used already." in text_of(page)
        assert secret_on(page) == secret
        assert not Authenticator.objects.exists()

    def test_whoever_saw_a_secret_before_knows_another_one(self, visitor, superuser, outbox):
        thief = Visitor(outbox)
        thief.phone = visitor.phone
        seen = secret_on(with_password(thief))
        assert secret_on(with_password(visitor)) != seen
        at_work(visitor)
        assert "one of your recovery codes" in text_of(followed(thief, "/admin/"))

    @pytest.mark.parametrize(("language", "words"), [("ru", "Второй фактор"), ("uz", "Ikkinchi omil")])
    def test_the_pages_speak_the_persons_language(self, superuser, outbox, language, words):
        enrolled(superuser)
        visitor = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language)
        visitor.phone = superuser.phone
        assert words in text_of(with_password(visitor))


class TestALaterVisit:
    def test_the_password_alone_opens_nothing(self, visitor, superuser):
        enrolled(superuser)
        assert "Enter the code that your authenticator app shows" in text_of(with_password(visitor))
        change = f"{USERS}{superuser.pk}/change/"
        assert visitor.post(change, full_name="Owned").status_code == 302
        superuser.refresh_from_db()
        assert superuser.full_name == ""

    def test_a_code_opens_it_under_another_session_id(self, visitor, superuser):
        factor, _ = enrolled(superuser)
        with_password(visitor)
        before = visitor.client.session.session_key
        assert visitor.post(f"{PAGE}?next={USERS}", code=code_of(factor, 1))["Location"] == USERS
        assert visitor.get(USERS).status_code == 200
        assert visitor.client.session.session_key != before
        assert not visitor.client.session.exists(before)

    def test_a_recovery_code_opens_it_once(self, visitor, superuser, outbox):
        _, codes = enrolled(superuser)
        with_password(visitor)
        assert visitor.post(PAGE, code=codes[0])["Location"] == "/admin/"
        other = Visitor(outbox)
        other.phone = visitor.phone
        with_password(other)
        assert "wrong, or it was used already" in text_of(other.post(PAGE, code=codes[0]))
        assert other.get(USERS).status_code == 302

    def test_an_empty_form_costs_nothing(self, visitor, superuser, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
        factor, _ = enrolled(superuser)
        with_password(visitor)
        for _ in range(3):
            assert "This field is required" in text_of(visitor.post(PAGE, code=""))
        assert visitor.post(PAGE, code=code_of(factor, 1)).status_code == 302

    def test_it_leads_to_no_other_host(self, visitor, superuser):
        factor, _ = enrolled(superuser)
        with_password(visitor)
        answer = visitor.post(f"{PAGE}?{urlencode({'next': 'https://evil.example/'})}", code=code_of(factor, 1))
        assert answer["Location"] == "/admin/"

    def test_the_next_sign_in_of_the_browser_asks_again(self, visitor, superuser):
        at_work(visitor, enrolled(superuser)[0])
        visitor.post("/admin/login/", username=visitor.phone, password=PASSWORD)
        assert visitor.get(USERS).status_code == 302

    def test_one_may_sign_in_as_somebody_else_instead(self, visitor, superuser):
        with_password(visitor)
        assert visitor.post(f"{PAGE}?next=/admin/", leave="1").status_code == 302
        assert "_auth_user_id" not in visitor.client.session
        assert 'name="password"' in followed(visitor, "/admin/").content.decode()

    def test_who_is_no_staff_is_asked_for_nothing(self, visitor):
        visitor.sign_in()
        assert visitor.get("/account/").status_code == 200
        assert visitor.get(PAGE)["Location"] == "/admin/"
        assert 'name="password"' in followed(visitor, "/admin/").content.decode()

    def test_the_setting_that_says_so_lets_the_password_in(self, visitor, superuser, settings):
        settings.OTP_STAFF_SECOND_FACTOR = False
        with_password(visitor)
        assert visitor.get(USERS).status_code == 200


class TestASwappedSim:
    """Somebody has the number of a superuser, whose phone lies without service on the table."""

    @pytest.fixture(autouse=True)
    def _enrolled(self, superuser):
        self.factor, self.codes = enrolled(superuser)

    @pytest.fixture
    def bearer(self, client, superuser, outbox):
        client.post("/api/send-otp/", {"phone": superuser.phone}, content_type="application/json")
        body = {"phone": superuser.phone, "otp": outbox[-1].code}
        token = client.post("/api/verify-otp/", body, content_type="application/json").json()["token"]
        return {"authorization": f"Bearer {token}"}

    def test_the_code_opens_neither_the_admin_nor_a_view_for_staff(self, visitor, bearer, client, addresses):
        visitor.sign_in()
        assert "A code alone does not open this page" in text_of(followed(visitor, USERS))
        assert visitor.get(PAGE)["Location"] == "/admin/"
        assert client.get("/for-staff/", headers=bearer).status_code == 403
        assert client.get("/api/me/", headers=bearer).status_code == 200

    def test_the_code_and_the_second_factor_do_not_stand_in_for_the_password(self, visitor):
        visitor.sign_in()
        assert visitor.post(PAGE, code=code_of(self.factor, 1))["Location"] == "/admin/"
        assert visitor.get(USERS).status_code == 302
        assert authenticators.prove(self.factor.user, code_of(self.factor, 1), "")  # it was not even looked at

    def test_with_the_password_too_there_is_no_second_factor(self, visitor, addresses, settings):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        visitor.sign_in()
        with_password(visitor)
        assert "Enter the code that your authenticator app shows" in text_of(followed(visitor, USERS))
        assert visitor.get("/for-staff/").status_code == 403
        for guess in ("abcdef", self.codes[0][:-1] + ("2" if self.codes[0][-1] != "2" else "3")):
            assert visitor.post(PAGE, code=guess).status_code == 200
        assert visitor.get(USERS).status_code == 302
        assert visitor.get("/for-staff/").status_code == 403

    def test_a_code_in_the_browser_of_the_owner_takes_the_rights_away(self, visitor):
        at_work(visitor, self.factor)
        assert visitor.get(USERS).status_code == 200
        visitor.post("/account/sign-out/")
        visitor.sign_in()
        assert visitor.get(USERS).status_code == 302


class TestEachDoor:
    def test_a_session_from_before_the_second_factor_has_no_rights(self, client, superuser, settings, addresses):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        settings.OTP_STAFF_SECOND_FACTOR = False
        client.force_login(superuser)
        assert client.get("/for-staff/").status_code == 200
        settings.OTP_STAFF_SECOND_FACTOR = True
        assert client.get("/for-staff/").status_code == 403
        assert client.get(USERS).status_code == 302

    def test_a_mark_of_another_person_is_worth_nothing(self, visitor, superuser):
        other, _ = enrolled()
        with_password(visitor)
        session = visitor.client.session
        session["otp_app_second_factor"] = other.pk.hex
        session.save()
        assert visitor.get(USERS).status_code == 302

    def test_a_site_of_ones_own_asks_and_the_factor_is_good_for_all_sites(self, visitor, superuser, addresses):
        page = with_password(visitor, "/own/")
        assert page.request["PATH_INFO"] == "/own/second-factor/"
        pending = authenticators.new(superuser, visitor.client.session["otp_app_new_factor"])
        assert 'href="/own/"' in visitor.post("/own/second-factor/", code=code_of(pending)).content.decode()
        assert visitor.get("/own/").status_code == 200
        assert visitor.get(USERS).status_code == 200
        assert OWN_SITE.login_form is passwords.PasswordForm
        assert OWN_SITE.login.login_required is False

    def test_a_site_that_does_not_ask_is_closed_without_the_factor(self, visitor, superuser, addresses):
        factor, _ = enrolled(superuser)
        assert 'name="password"' in with_password(visitor, "/plain/").content.decode()
        visitor.post(PAGE, code=code_of(factor, 1))
        assert visitor.get("/plain/").status_code == 200

    def test_a_project_without_the_middleware_has_a_closed_admin(self, visitor, superuser, settings):
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != staff.MIDDLEWARE]
        with_password(visitor)
        assert visitor.get(USERS).status_code == 302

    def test_a_project_without_an_admin_asks_for_nothing(self, superuser, settings):
        settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "Admin" not in each]
        assert not staff.asks_second_factor()

    def test_a_project_whose_sites_do_not_ask_goes_on_as_before(self, client, superuser, monkeypatch):
        monkeypatch.setattr(SecondFactorMixin, "asks_second_factor", False)
        client.force_login(superuser)
        assert client.get(USERS).status_code == 200


class TestLimits:
    @pytest.fixture(autouse=True)
    def _few(self, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 3

    def test_after_so_many_wrong_codes_the_right_one_does_not_help(self, visitor, superuser):
        factor, codes = enrolled(superuser)
        with_password(visitor)
        for guess in ("000", "111", "0-aaaaa-aaaaa"):
            assert "This code is wrong" in text_of(visitor.post(PAGE, code=guess))
        for right in (code_of(factor, 1), codes[0]):
            assert "Too many tries" in text_of(visitor.post(PAGE, code=right))
        assert recovery_codes.prove(superuser, codes[0], "")  # it was not even looked at
        assert visitor.get(USERS).status_code == 302

    def test_the_right_one_gives_back_what_it_took(self, visitor, superuser):
        _, codes = enrolled(superuser)
        for code in codes[:5]:
            with_password(visitor)
            assert visitor.post(PAGE, code=code).status_code == 302

    def test_a_store_that_is_down_is_said_clearly(self, visitor, superuser, monkeypatch):
        factor, _ = enrolled(superuser)
        with_password(visitor)

        def take(_limits):
            raise OperationalError

        monkeypatch.setattr(stores, "current", lambda: SimpleNamespace(take=take))
        assert "not available at the moment" in text_of(visitor.post(PAGE, code=code_of(factor, 1)))

    @pytest.mark.django_db(transaction=True)
    def test_a_wrong_code_stays_paid_for_under_atomic_requests(self, visitor, superuser, monkeypatch):
        enrolled(superuser)
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
        with_password(visitor)
        answers = [text_of(visitor.post(PAGE, code="000")) for _ in range(4)]
        assert ["Too many tries" in answer for answer in answers] == [False] * 3 + [True]

    @pytest.mark.django_db(transaction=True)
    def test_parallel_guesses_never_overshoot(self, superuser, monkeypatch):
        factor, _ = enrolled(superuser)
        browsers = [Client() for _ in range(10)]
        for browser in browsers:
            browser.force_login(superuser)
        looked_at = []
        monkeypatch.setattr(authenticators, "prove", lambda *given: looked_at.append(given))
        race(lambda number: browsers[number].post(PAGE, {"code": code_of(factor)}), len(browsers))
        assert len(looked_at) == 3


class TestReset:
    def test_it_ends_what_the_person_had_and_lets_them_enrol_anew(self, visitor, superuser, client, capsys):
        at_work(visitor, enrolled(superuser)[0])
        Token.objects.create(
            digest=b"x", user=superuser, used_at=superuser.date_joined, expires_at=superuser.date_joined + timedelta(9)
        )
        call_command("otp_staff", "--reset", superuser.phone)
        assert capsys.readouterr().out == f"{superuser}: Second factor removed; sessions and tokens ended.\n"
        assert not Token.objects.exists()
        assert visitor.get(USERS).status_code == 302
        assert 'name="password"' in followed(visitor, USERS).content.decode()  # not the page that adds a factor
        assert "_auth_user_id" not in visitor.client.session
        assert "Add a second factor" in text_of(with_password(visitor))

    def test_who_has_used_up_the_tries_has_new_ones(self, visitor, superuser, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
        enrolled(superuser)
        with_password(visitor)
        visitor.post(PAGE, code="000")
        call_command("otp_staff", "--reset", superuser.phone)
        with_password(visitor)
        assert "I have kept them" in text_of(at_work(visitor))


class TestLog:
    @pytest.fixture
    def records(self, caplog):
        caplog.set_level(logging.INFO, "otp_app.guard")
        return caplog

    def test_each_use_and_each_failure_is_told_without_a_code(self, visitor, superuser, records):
        factor, codes = enrolled(superuser)
        with_password(visitor)
        for code in ("abcdef", codes[0]):
            visitor.post(PAGE, code=code)
        at_work(visitor, factor)
        told = [(each.otp["what"], each.levelname) for each in records.records if each.otp["event"] == "second_factor"]
        assert told == [("failed", "INFO"), ("recovery_code", "WARNING"), ("authenticator", "INFO")]
        assert {each.otp["user"] for each in records.records if "user" in each.otp} == {str(superuser.pk)}
        assert not any(code in str(each.otp) for each in records.records for code in ("abcdef", codes[0]))

    def test_an_enrolment_is_told(self, visitor, superuser, records):
        at_work(visitor)
        assert [each.otp["what"] for each in records.records if hasattr(each, "otp")] == ["added"]

    def test_the_number_is_told_of_an_enrolment(self, visitor, superuser):
        at_work(visitor)
        assert Notification.objects.get().kind == "factor_added"


class TestStatements:
    def test_only_a_session_of_staff_costs_one_more(self, superuser, rf, django_assert_num_queries):
        request, person = rf.get("/"), User(phone=new_phone())
        request.session = {"otp_app_second_factor": enrolled(superuser)[0].pk.hex}
        with django_assert_num_queries(1):
            assert staff.user_of_session(request, superuser) is superuser
        request.session = {}
        with django_assert_num_queries(0):
            assert staff.user_of_session(request, person) is person
            assert not staff.user_of_session(request, superuser).is_staff
