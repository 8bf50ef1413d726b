"""Test numbers that are wrong or dangerous are refused at start."""

import pytest
from django.core import checks

from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


class TestTestNumbers:
    @pytest.mark.parametrize(
        ("number", "entry", "fault"),
        [
            ("15005550009", {}, "+ and 7 to 15 digits"),
            ("+1 500 555 0009", {}, "+ and 7 to 15 digits"),
            ("+0123456789", {}, "+ and 7 to 15 digits"),
            ("+12345678901234567", {}, "+ and 7 to 15 digits"),
            ("+150055500\u0660\u0661", {}, "+ and 7 to 15 digits"),
            ("+15005550009", {"code": 246810}, "6 digits"),
            ("+15005550009", {"code": "24681"}, "6 digits"),
            ("+15005550009", {"code": "24681x"}, "6 digits"),
            ("+15005550009", {"code": "24681\u0660"}, "6 digits"),
            ("+15005550009", {"code": None}, "6 digits"),
            ("+15005550009", {"expire": "2027-01-31"}, "expire is unknown"),
            ("+15005550009", {"expires": "31.01.2027"}, "must be a day"),
            ("+15005550009", {"expires": ""}, "must be a day"),
            ("+15005550009", {"expires": 20270131}, "must be a day"),
        ],
    )
    def test_an_entry_with_a_slip_in_it_is_refused_with_the_reason(self, settings, number, entry, fault):
        whole = {"code": "246810", "expires": "2027-01-31"} | entry if isinstance(entry, dict) else entry
        settings.OTP_TEST_NUMBERS = {number: whole}
        (error,) = [
            message for message in checks.run_checks(include_deployment_checks=True) if message.id[-3:] == "016"
        ]
        assert fault in error.msg

    def test_the_code_has_the_length_of_the_policy(self, settings):
        settings.OTP_TEST_NUMBERS = {"+15005550009": {"code": "24681012"}}
        assert ids() == ["otp_app.E016"]
        settings.OTP_CODE_LENGTH = 8
        assert ids() == []

    def test_a_number_that_never_expires_is_refused_in_production_only(self, settings, paid):
        settings.OTP_TEST_NUMBERS = {"+15005550009": {"code": "246810"}}
        assert ids() == []
        assert ids(deploy=True) == ["otp_app.E017"]

    @pytest.mark.parametrize(("regions", "found"), [(["UZ"], ["otp_app.E018"]), (["KZ"], []), ("*", ["otp_app.E018"])])
    def test_a_number_that_may_be_a_persons_is_refused_in_production(self, settings, paid, regions, found):
        settings.OTP_ALLOWED_REGIONS = regions
        settings.OTP_TEST_NUMBERS = {"+998901234567": {"code": "246810", "expires": "2027-01-31"}}
        assert ids() == []
        assert ids(deploy=True) == found

    @pytest.mark.parametrize(("permit", "found"), [(True, []), (False, ["otp_app.E018"]), ("no", ["otp_app.E018"])])
    def test_unless_it_is_said_that_it_is_ones_own(self, settings, paid, permit, found):
        entry = {"code": "246810", "expires": "2027-01-31", "permit_real": permit}
        settings.OTP_TEST_NUMBERS = {"+998901234567": entry}
        assert ids(deploy=True) == found

    @pytest.mark.parametrize("number", ["+998000000000", "+999123456789"])
    def test_a_number_that_nobody_can_have_is_sound(self, settings, paid, number):
        settings.OTP_ALLOWED_REGIONS = "*"
        settings.OTP_TEST_NUMBERS = {number: {"code": "246810", "expires": "2027-01-31"}}
        assert ids(deploy=True) == []
