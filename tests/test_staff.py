"""A code alone gives nobody the rights of staff: in the admin, in a project's views, by sessions and by tokens."""

import asyncio
import logging

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import path
from django.utils.functional import SimpleLazyObject
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import staff
from otp_app.api.authentication import TokenAuthentication
from otp_app.models import User, UserSession
from tests.factories import new_phone
from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"


class ForStaff(APIView):
    """A view of a project."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAdminUser,)

    def get(self, request):
        return Response({"user": request.user.pk})


class ForThePermitted(ForStaff):
    permission_classes = (DjangoModelPermissions,)
    queryset = User.objects.all()

    def post(self, request):
        return Response({"user": request.user.pk})


urlpatterns = [path("staff/", ForStaff.as_view()), path("permitted/", ForThePermitted.as_view())]


@pytest.fixture
def visitor(outbox):
    return Visitor(outbox)


@pytest.fixture
def superuser(visitor):
    return User.objects.create_superuser(visitor.phone, PASSWORD)


def give_password(visitor):
    """The answer of the admin's sign-in to the right password, in a browser that signed in by code."""
    visitor.get("/admin/login/")
    return visitor.post("/admin/login/?next=/admin/", username=visitor.phone, password=PASSWORD)


def bearer(client, phone, outbox):
    """The header of a person who signed in by the API."""
    client.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
    body = {"phone": phone, "otp": outbox[-1].code}
    token = client.post("/api/verify-otp/", body, content_type="application/json").json()["token"]
    return {"authorization": f"Bearer {token}"}


class TestTheAdmin:
    def test_a_session_that_a_code_began_is_asked_for_the_password(self, visitor, superuser):
        visitor.sign_in()
        response = visitor.get("/admin/otp_app/user/")
        assert response["Location"] == "/admin/login/?next=/admin/otp_app/user/"
        page = text_of(visitor.get(response["Location"]))
        assert "A code alone does not open this page: enter your password." in page
        assert "You are authenticated as" not in page
        assert visitor.post(f"/admin/otp_app/user/{superuser.pk}/change/", full_name="Owned").status_code == 302
        superuser.refresh_from_db()
        assert superuser.full_name == ""

    def test_the_password_opens_it_in_the_same_browser_under_another_session_id(self, visitor, superuser):
        visitor.sign_in()
        by_code = visitor.client.session.session_key
        assert give_password(visitor)["Location"] == "/admin/"
        assert visitor.get("/admin/otp_app/user/").status_code == 200
        assert visitor.client.session.session_key != by_code
        assert not visitor.client.session.exists(by_code)

    def test_a_code_after_the_password_takes_the_rights_away(self, visitor, superuser):
        give_password(visitor)
        visitor.post("/account/sign-out/")
        visitor.sign_in()
        assert visitor.get("/admin/").status_code == 302

    def test_who_is_made_staff_later_is_asked_as_well(self, visitor):
        visitor.sign_in()
        User.objects.filter(phone=visitor.phone).update(is_staff=True, is_superuser=True)
        assert visitor.get("/admin/").status_code == 302

    def test_the_setting_that_says_so_lets_staff_in_by_code(self, visitor, superuser, settings):
        settings.OTP_STAFF_BY_CODE = True
        visitor.sign_in()
        assert visitor.get("/admin/otp_app/user/").status_code == 200

    def test_the_persons_own_pages_take_staff_by_code(self, visitor, superuser):
        visitor.sign_in()
        assert "You are signed in" in text_of(visitor.get("/account/"))
        visitor.post("/account/sign-out-everywhere/")
        assert not UserSession.objects.exists()


class TestAProjectWithoutTheMiddleware:
    @pytest.fixture(autouse=True)
    def _without(self, settings):
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != staff.MIDDLEWARE]

    def test_staff_gets_no_session_by_a_code_and_the_log_says_what_is_missing(self, visitor, superuser, caplog):
        visitor.ask()
        with caplog.at_level(logging.ERROR, "otp_app.tokens"):
            assert visitor.enter().status_code == 400
        assert "add otp_app.staff.StaffMiddleware to MIDDLEWARE" in caplog.text
        assert visitor.get("/account/").status_code == 302

    def test_everybody_else_does(self, visitor):
        visitor.sign_in()
        assert visitor.get("/account/").status_code == 200


def test_the_user_of_an_asynchronous_view_has_none_either(visitor, superuser, rf):
    request = rf.get("/")
    request.session, request.user = {"otp_app_by_code": True}, superuser

    async def auser():
        return superuser

    request.auser = auser
    staff.StaffMiddleware(lambda _: None)(request)
    assert not asyncio.run(request.auser()).is_staff
    assert not request.user.is_staff


@pytest.mark.urls(__name__)
class TestAProjectsViews:
    @pytest.fixture(autouse=True)
    def _addresses(self, settings):
        from otp_project.urls import urlpatterns as service

        urlpatterns[2:] = service

    def test_a_token_has_no_rights_of_staff(self, client, superuser, outbox):
        headers = bearer(client, superuser.phone, outbox)
        assert client.get("/staff/", headers=headers).status_code == 403
        assert client.post("/permitted/", headers=headers).status_code == 403
        assert client.get("/api/me/", headers=headers).json()["id"] == superuser.pk

    def test_it_has_them_where_the_setting_says_so(self, client, superuser, outbox, settings):
        settings.OTP_STAFF_BY_CODE = True
        headers = bearer(client, superuser.phone, outbox)
        assert client.get("/staff/", headers=headers).json() == {"user": superuser.pk}
        assert client.post("/permitted/", headers=headers).status_code == 200

    def test_permissions_of_people_who_are_no_staff_are_theirs_by_code_as_well(self, client, outbox):
        user = User.objects.create_user(new_phone())
        group = Group.objects.create(name="editors")
        group.permissions.add(Permission.objects.get(codename="add_user"))
        user.groups.add(group)
        assert client.post("/permitted/", headers=bearer(client, user.phone, outbox)).status_code == 200

    def test_a_session_begun_by_the_password_keeps_its_rights_in_the_api(self, client, superuser, settings):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        client.force_login(superuser)
        assert client.get("/staff/").status_code == 200

    def test_a_session_begun_by_a_code_has_none(self, outbox, superuser, settings):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        browser = Client()
        bearer(browser, superuser.phone, outbox)
        assert browser.get("/staff/").status_code == 403
        assert browser.get("/api/me/").status_code == 200


class TestTheUserOfACode:
    @pytest.fixture
    def by_code(self, superuser):
        return staff.without_rights(superuser)

    def test_it_is_the_user_but_for_flags_and_permissions(self, by_code, superuser):
        assert by_code == superuser
        assert isinstance(by_code, User)
        assert (by_code.is_staff, by_code.is_superuser, by_code.is_active) == (False, False, True)
        assert not by_code.has_perm("otp_app.add_user")
        assert not by_code.has_perms(["otp_app.add_user"])
        assert not by_code.has_module_perms("otp_app")
        found = by_code.get_all_permissions() | by_code.get_user_permissions() | by_code.get_group_permissions()
        assert found == set()

    def test_the_questions_of_asynchronous_views_have_the_same_answers(self, by_code):
        async def ask():
            answers = (by_code.ahas_perm, by_code.ahas_perms, by_code.ahas_module_perms)
            found = (by_code.aget_all_permissions, by_code.aget_user_permissions, by_code.aget_group_permissions)
            return [await each("x") for each in answers], [await each() for each in found]

        assert asyncio.run(ask()) == ([False] * 3, [set()] * 3)

    def test_saving_it_takes_the_flags_from_nobody(self, by_code, superuser):
        by_code.full_name = "Somebody"
        by_code.save()
        superuser.refresh_from_db()
        assert (superuser.full_name, superuser.is_staff, superuser.is_superuser) == ("Somebody", True, True)

    def test_rows_may_name_it(self, by_code, superuser):
        UserSession.objects.create(key="k", user=by_code, expires_at="2030-01-01T00:00Z")
        assert UserSession.objects.get(user=by_code).user == superuser

    def test_who_is_no_staff_is_let_in_as_is(self):
        user = User(phone=new_phone())
        assert staff.without_rights(user) is user


def test_staff_without_rights_is_guarded_also_where_a_lazy_object_stands_for_it(superuser):
    """As ``request.user`` does, where a view of the project hands it on."""
    for user in (superuser, staff.without_rights(superuser)):
        assert staff.is_guarded(user)
        assert staff.is_guarded(SimpleLazyObject(lambda user=user: user))
    assert not staff.is_guarded(SimpleLazyObject(lambda: User(phone=new_phone())))
