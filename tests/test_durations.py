"""How long something lasts, in words."""

import pytest
from django.utils.translation import override

from otp_app import errors


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
    assert errors.describe(seconds) == text


@pytest.mark.parametrize(
    ("language", "texts"),
    [("ru", ["1 минуту", "2 минуты", "5 минут", "12 часов"]), ("uz", ["1 daqiqa", "2 daqiqa", "5 daqiqa", "12 soat"])],
)
def test_it_is_said_in_the_language_in_force(language, texts):
    with override(language):
        assert [errors.describe(seconds) for seconds in (60, 120, 300, 12 * 3600)] == texts
