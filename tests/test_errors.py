"""The texts of errors, and durations in words."""

import pytest
from django.utils.translation import override

from otp_app import errors
from otp_app.errors import DeliveryFailed, Limited, RegionNotAllowed, Unavailable


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Too many tries. Try again in 12 hours."),
        ("ru", "Слишком много попыток. Попробуйте снова через 12 часов."),
        ("uz", "Juda koʻp urinish boʻldi. 12 soatdan keyin yana urinib koʻring."),
    ],
)
def test_who_has_to_wait_is_told_how_long_in_the_language_of_who_reads(language, text):
    refused = Limited("sends_per_phone", 12 * 3600)
    with override(language):
        assert str(refused.detail) == text


@pytest.mark.parametrize("error", [DeliveryFailed(7), Unavailable(7)])
def test_what_did_not_work_for_now_says_when_to_try_again(error):
    assert str(error.detail).endswith(". Try again in 7 seconds.")


def test_countries_that_are_served_are_named_where_they_are_given():
    assert str(RegionNotAllowed().detail) == "We do not serve numbers of this country yet."
    text = "We do not serve numbers of this country yet. Countries we serve: Kazakhstan, Uzbekistan."
    assert str(RegionNotAllowed(["Kazakhstan", "Uzbekistan"]).detail) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (3600, "60 minutes"),
        (3601, "61 minutes"),
        (5400, "90 minutes"),
        (5401, "2 hours"),
        (86_400, "24 hours"),
    ],
)
def test_a_wait_is_rounded_up(seconds, text):
    assert errors.describe_duration(seconds) == text


@pytest.mark.parametrize(
    ("language", "texts"),
    [("ru", ["1 минуту", "2 минуты", "5 минут", "12 часов"]), ("uz", ["1 daqiqa", "2 daqiqa", "5 daqiqa", "12 soat"])],
)
def test_a_wait_is_described_in_the_language_in_force(language, texts):
    with override(language):
        assert [errors.describe_duration(seconds) for seconds in (60, 120, 300, 12 * 3600)] == texts
