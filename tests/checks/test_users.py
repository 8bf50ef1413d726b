"""A user model that cannot take phones, and rights of staff by a code, are refused at start."""

import pytest

from otp_app.checks import users as module
from otp_app.second_factor import SecondFactorMixin
from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


class TestUserModel:
    def test_a_field_that_does_not_exist_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "mobile"
        assert ids() == ["otp_app.E007"]

    def test_a_field_that_is_not_unique_is_refused(self, settings):
        settings.OTP_USER_PHONE_FIELD = "full_name"
        assert ids() == ["otp_app.E008"]

    @pytest.mark.parametrize(("length", "found"), [(12, ["otp_app.E027"]), (13, []), (None, [])])
    def test_a_field_without_room_for_a_phone_is_refused(self, settings, monkeypatch, length, found):
        from otp_app.models import User

        settings.OTP_HOME_REGIONS = ["UZ"]
        monkeypatch.setattr(User._meta.get_field("phone"), "max_length", length)
        assert ids() == found

    def test_phones_in_user_names_are_warned_of(self, monkeypatch):
        from django.contrib.auth.models import User

        from otp_app.accounts import adapter

        monkeypatch.setattr(adapter, "get_user_model", lambda: User)
        monkeypatch.setattr(module, "get_user_model", lambda: User)
        assert ids() == ["otp_app.W002"]

    def test_what_else_must_be_unique_must_be_able_to_stay_empty(self, monkeypatch):
        from otp_app.models import User

        monkeypatch.setitem(User._meta.get_field("full_name").__dict__, "unique", True)
        assert ids() == ["otp_app.E015"]


class TestStaff:
    @pytest.fixture(autouse=True)
    def _without(self, settings):
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if not path.startswith("otp_app")]

    def test_a_project_with_the_page_needs_the_middleware_that_keeps_staffs_rights_from_sessions_by_code(
        self, settings
    ):
        assert ids() == ["otp_app.E030"]
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "otp_app.staff.StaffMiddleware"]
        assert ids() == []

    def test_one_with_the_api_alone_needs_it_if_sign_ins_begin_sessions(self, settings):
        settings.ROOT_URLCONF = "otp_app.urls"
        assert ids() == []
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        assert ids() == ["otp_app.E030"]

    def test_of_a_token_backend_that_cannot_be_imported_another_check_tells(self, settings):
        settings.ROOT_URLCONF = "otp_app.urls"
        settings.OTP_TOKEN_BACKEND = "nowhere.Tokens"
        assert ids() == ["otp_app.E003"]

    def test_who_takes_the_risk_is_reminded_in_production(self, settings):
        settings.OTP_STAFF_BY_CODE = True
        assert ids() == []
        assert "otp_app.W007" in ids(deploy=True)


class TestSecondFactor:
    @pytest.fixture(autouse=True)
    def _asked_for(self, settings):
        settings.OTP_STAFF_SECOND_FACTOR, settings.SILENCED_SYSTEM_CHECKS = True, []

    def test_a_site_that_asks_is_fine(self):
        assert ids() == []
        assert "otp_app.W017" not in ids(deploy=True)

    def test_the_setting_that_switches_it_off_is_named_in_production(self, settings):
        settings.OTP_STAFF_SECOND_FACTOR = False
        assert ids() == []
        assert "otp_app.W017" in ids(deploy=True)

    def test_so_are_sites_none_of_which_asks(self, monkeypatch):
        monkeypatch.setattr(SecondFactorMixin, "asks_second_factor", False)
        assert ids() == []
        assert "otp_app.W017" in ids(deploy=True)

    def test_a_project_without_an_admin_needs_none(self, settings):
        settings.INSTALLED_APPS = [each for each in settings.INSTALLED_APPS if "Admin" not in each]
        settings.ROOT_URLCONF = "otp_app.urls"
        assert "otp_app.W017" not in ids(deploy=True)

    def test_it_needs_the_middleware_even_if_no_code_begins_a_session(self, settings):
        settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != module.staff.MIDDLEWARE]
        settings.ROOT_URLCONF, settings.OTP_STAFF_BY_CODE = "otp_app.urls", True
        assert ids() == ["otp_app.E030"]

    def test_a_missing_package_is_named(self, monkeypatch):
        monkeypatch.setattr(module, "find_spec", lambda _: None)
        assert ids() == ["otp_app.E044"]
