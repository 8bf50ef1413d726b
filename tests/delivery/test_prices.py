"""What messages cost."""

from decimal import Decimal

import pytest

from otp_app.delivery import prices


def priced(price):
    return [{"ALIAS": "other", "BACKEND": "x", "PRICE": 9}, {"ALIAS": "one", "BACKEND": "x", "PRICE": price}]


@pytest.mark.parametrize("price", ["0.05", 0.05, Decimal("0.05"), {"UZ": "0.05", "*": 1}, {"*": 0.05}])
def test_a_price_is_that_of_a_segment_to_the_country(settings, price):
    settings.OTP_PROVIDERS = priced(price)
    assert prices.price_of("one", "UZ", 1) == Decimal("0.05")
    assert prices.price_of("one", "UZ", 3) == Decimal("0.15")


def test_a_country_that_is_not_named_has_the_price_of_the_rest(settings):
    settings.OTP_PROVIDERS = priced({"UZ": "0.05", "*": "0.2"})
    assert prices.price_of("one", "KZ", 1) == Decimal("0.2")


def test_what_is_free_costs_nothing_and_is_not_unknown(settings):
    settings.OTP_PROVIDERS = priced(0)
    assert prices.price_of("one", "UZ", 1) == 0


@pytest.mark.parametrize("price", [None, {}, {"KZ": 1}, {"UZ": None}, "0,05", "nan", "inf", ""])
def test_a_price_that_nobody_knows_is_none_and_no_error(settings, price):
    settings.OTP_PROVIDERS = priced(price)
    assert prices.price_of("one", "UZ", 1) is None


def test_an_entry_without_a_price_and_no_entry_have_none(settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "one", "BACKEND": "x"}]
    assert prices.price_of("one", "UZ", 1) is prices.price_of("gone", "UZ", 1) is None
