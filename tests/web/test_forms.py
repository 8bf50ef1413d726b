"""What a person types is forgiven where it can mean only one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp_app.web.forms import CodeForm, PhoneForm

GOOD = "+998901234567"


def phone(typed):
    form = PhoneForm({"phone": typed})
    return form.cleaned_data["phone"] if form.is_valid() else form.errors["phone"][0]


def code(typed):
    form = CodeForm({"code": typed})
    return form.cleaned_data["code"] if form.is_valid() else form.errors["code"][0]


@pytest.mark.parametrize(
    "typed",
    [
        GOOD,
        "  +998 90 123-45-67\n",
        "+998\u00a090\u2009123\u201145\u201367",
        "\u202a+998901234567\u202c",
        "\ufeff+998\u200b901234567",
        "90 123 45 67",
        "(90) 123-45-67",
        "998901234567",
    ],
)
def test_a_number_is_taken_as_it_is_copied_or_as_people_at_home_say_it(typed):
    assert phone(typed) == GOOD


def test_at_home_is_where_the_service_is(settings):
    settings.OTP_ALLOWED_REGIONS = ["KZ"]
    assert phone("8 701 234 56 78") == "+77012345678"


@pytest.mark.parametrize("typed", ["", " ", "\u200e", "\u2013", None])
def test_an_empty_field_is_told_to_be_filled(typed):
    assert phone(typed) == "Enter your phone number."


@pytest.mark.parametrize("typed", ["123", "+998 71 234 56 78", "+998901234567 ext. 5", "٩٠١٢٣٤٥٦٧", "9" * 40, "a" * 9])
def test_what_is_no_mobile_number_is_told_so(typed):
    assert phone(typed) == "Check the number: it does not look like a mobile one."


def test_a_number_of_a_country_that_is_not_served_is_told_so(settings):
    settings.OTP_ALLOWED_REGIONS = ["KZ"]
    assert phone(GOOD) == "We do not serve numbers of this country yet. Countries we serve: Kazakhstan."


@given(st.text(max_size=60))
def test_no_text_is_an_error_of_the_program(typed):
    assert phone(typed)
    assert code(typed)


@pytest.mark.parametrize("typed", ["123456", " 123 456 ", "123-456", "12\u00a034\t56\n"])
def test_spaces_and_hyphens_in_a_code_are_read_over(typed):
    assert code(typed) == "123456"


@pytest.mark.parametrize("typed", ["", None, "12345", "1234567", "12345a", "١٢٣٤٥٦", "１２３４５６", "123456\x00"])
def test_what_has_not_the_digits_of_a_code_is_none(typed):
    assert code(typed) == "Enter the 6 digits of the code."


def test_the_policy_says_how_many_digits(settings):
    settings.OTP_POLICIES = {"login": {"length": 8}}
    assert code("12345678") == "12345678"
    assert code("123456") == "Enter the 8 digits of the code."
