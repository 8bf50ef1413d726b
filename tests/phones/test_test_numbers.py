"""Numbers with a fixed code: they cost nothing, open nothing to staff, and end on their day."""

import logging
from datetime import UTC, date, datetime

import pytest

from otp_app import phones, services
from otp_app.db import clock
from otp_app.errors import InvalidOrExpiredCode, InvalidPhone, Limited
from otp_app.models import Delivery
from otp_app.phones import test_numbers

pytestmark = pytest.mark.django_db

NUMBER = "+15005550009"
LAST_DAY = int(datetime(2027, 1, 31, 23, 59, 59, 999_000, UTC).timestamp() * 1000)


@pytest.fixture(autouse=True)
def entry(settings):
    entry = {"code": "246810", "expires": "2027-01-31"}
    settings.OTP_TEST_NUMBERS = {NUMBER: entry}
    return entry


@pytest.fixture
def _within():
    with clock.stopped(LAST_DAY - 86_400_000):
        yield


@pytest.mark.parametrize("expires", ["2027-01-31", date(2027, 1, 31), datetime(2027, 1, 31, 9, tzinfo=UTC)])
def test_a_number_is_good_until_the_last_millisecond_of_its_day(entry, expires):
    entry["expires"] = expires
    with clock.stopped(LAST_DAY) as now:
        assert test_numbers.code_of(NUMBER) == "246810"
        now.at += 1
        assert test_numbers.code_of(NUMBER) is None
        assert not test_numbers.is_test_number(NUMBER)


def test_a_number_without_a_day_is_good_for_ever(entry):
    del entry["expires"]
    with clock.stopped(LAST_DAY * 2):
        assert test_numbers.is_test_number(NUMBER)


def test_other_numbers_are_none():
    assert test_numbers.code_of("+15005550008") is None


@pytest.mark.usefixtures("_within")
@pytest.mark.parametrize("spelling", [NUMBER, "+1 500 555 0009", "+1 (500) 555-00-09"])
def test_every_spelling_with_the_plus_is_the_number_though_its_country_is_not_served(settings, spelling):
    settings.OTP_ALLOWED_REGIONS = ["UZ"]
    assert phones.parse(spelling) == NUMBER


def test_after_its_day_it_is_a_number_like_any_other(settings):
    settings.OTP_ALLOWED_REGIONS = ["US"]
    with clock.stopped(LAST_DAY + 1), pytest.raises(InvalidPhone):
        phones.parse(NUMBER)  # of no type that receives texts


@pytest.mark.usefixtures("_within")
class TestSignIn:
    def test_the_fixed_code_signs_in_and_nothing_is_sent(self, outbox):
        grant = services.send_code(phone=NUMBER)
        done = services.sign_in(phone=NUMBER, code="246810", challenge_id=grant.challenge.id)
        assert done.user.phone == NUMBER
        assert outbox == []

    def test_any_other_code_does_not(self):
        services.send_code(phone=NUMBER)
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=NUMBER, code="246811")

    def test_the_code_works_only_for_a_challenge(self):
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=NUMBER, code="246810")

    def test_it_waits_for_nothing_but_guesses_are_limited(self, settings):
        settings.OTP_FAILURES_PER_PHONE_DAY = 10
        for _ in range(2):
            services.send_code(phone=NUMBER)
        with pytest.raises(Limited, match="limited") as refused:
            services.send_code(phone=NUMBER)
        assert refused.value.limit == "failures_per_phone_day"

    @pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
    def test_staff_is_never_signed_in_by_it(self, django_user_model, flag):
        django_user_model.objects.create_user(NUMBER, **{flag: True})
        services.send_code(phone=NUMBER)
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=NUMBER, code="246810")

    def test_the_delivery_and_the_log_say_test_and_the_log_masks_the_number(self, caplog):
        with caplog.at_level(logging.INFO, "otp_app"):
            services.send_code(phone=NUMBER)
        assert Delivery.objects.values_list("provider", "status").get() == ("test", "sent")
        (line,) = [record.getMessage() for record in caplog.records if record.name == "otp_app.deliveries"]
        assert "by test to +15005••••••" in line
        assert NUMBER not in caplog.text
        assert "246810" not in caplog.text


def test_a_challenge_that_is_older_than_the_last_day_has_an_ordinary_code_afterwards():
    with clock.stopped(LAST_DAY) as now:
        services.send_code(phone=NUMBER)
        now.at += 1000
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=NUMBER, code="246810")
