"""What a refusal says to people."""

import pytest
from django.utils.translation import override

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
