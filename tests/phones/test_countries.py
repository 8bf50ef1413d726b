"""The names of countries."""

import pytest
from django.utils.translation import override
from phonenumbers import SUPPORTED_REGIONS

from otp_app.phones import countries
from otp_app.phones.languages import LANGUAGES


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Uzbekistan", "Kazakhstan"]),
        ("en-gb", ["Uzbekistan", "Kazakhstan"]),
        ("ru", ["Узбекистан", "Казахстан"]),
        ("uz", ["Oʻzbekiston", "Qozogʻiston"]),
        ("de", ["Uzbekistan", "Kazakhstan"]),
    ],
)
def test_a_country_is_named_in_the_language_in_force_else_in_english(language, names):
    with override(language):
        assert countries.names(["UZ", "KZ"]) == dict(zip(["UZ", "KZ"], names, strict=True))


def test_without_a_language_it_is_named_in_english():
    with override(None):
        assert countries.names(["UZ"]) == {"UZ": "Uzbekistan"}


def test_what_is_no_country_has_no_name():
    assert countries.names(["*", "001", "ZZ"]) == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_country_that_can_be_served_has_a_name_of_its_own(language):
    with override(language):
        named = countries.names(SUPPORTED_REGIONS)
    assert set(named) == set(SUPPORTED_REGIONS)
    assert len(set(named.values())) == len(named)


def test_uzbek_names_are_written_with_the_letter_that_all_our_texts_have():
    with override("uz"):
        assert "‘" not in "".join(countries.names(SUPPORTED_REGIONS).values())
