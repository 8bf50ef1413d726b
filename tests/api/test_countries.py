"""GET /api/countries/."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import phones
from otp_app.api import countries

pytestmark = pytest.mark.requests

MEMORY = {"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}


@pytest.fixture
def ask(client):
    """Ask for the countries; the test has no database, so a query would be an error."""

    def ask(language="en", **headers):
        return client.get("/api/countries/", headers={"accept-language": language, **headers})

    return ask


@pytest.fixture(autouse=True)
def two_served(settings):
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]


def regions(response):
    return [country["region"] for country in response.json()["countries"]]


def test_each_served_country_says_what_a_client_needs_to_offer_it(ask, settings):
    settings.OTP_PROVIDERS = [MEMORY]
    settings.OTP_ROUTES = {"UZ": {"telegram": ["memory"], "sms": ["memory"]}, "*": {"call": ["memory"]}}
    response = ask()
    assert response.status_code == 200
    assert response.json() == {
        "default": "UZ",
        "countries": [
            {
                "region": "KZ",
                "name": "Kazakhstan",
                "calling_code": "+7",
                "channels": ["call"],
                "example": "+7 771 000 9998",
            },
            {
                "region": "UZ",
                "name": "Uzbekistan",
                "calling_code": "+998",
                "channels": ["telegram", "sms"],
                "example": "+998 91 234 56 78",
            },
        ],
    }


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Kazakhstan", "Uzbekistan"]),
        ("ru", ["Казахстан", "Узбекистан"]),
        ("kk", ["Казахстан", "Узбекистан"]),
        ("uz", ["Oʻzbekiston", "Qozogʻiston"]),
    ],
)
def test_the_names_are_in_the_language_of_the_caller_and_in_its_order(ask, language, names):
    assert [country["name"] for country in ask(language).json()["countries"]] == names


@pytest.mark.parametrize(
    ("language", "default"),
    [
        ("ru-KZ, uz-UZ;q=0.5", "KZ"),
        ("uz-UZ;q=0.5, ru-KZ", "KZ"),
        ("en-US, ru-KZ;q=0.5", "KZ"),
        ("de-DE", "UZ"),
        ("kk", "UZ"),
        ("", "UZ"),
    ],
)
def test_the_default_is_the_first_served_country_that_the_caller_names_or_else_that_of_the_page(ask, language, default):
    assert ask(language).json()["default"] == default


def test_the_default_is_a_country_of_the_list_or_none(ask, settings):
    settings.OTP_DEFAULT_REGION = "US"
    assert ask("de").json()["default"] == ""


def test_a_star_lists_every_country_that_has_mobile_numbers_with_an_example_that_is_taken(ask, settings):
    settings.OTP_ALLOWED_REGIONS = "*"
    listed = ask().json()["countries"]
    assert len(listed) > 240
    assert "TA" not in {country["region"] for country in listed}  # Tristan da Cunha has no mobile numbers
    for country in listed:
        assert phones.parse(country["example"]).startswith(country["calling_code"])


def test_a_country_that_no_route_leads_to_is_not_listed(ask, settings):
    settings.OTP_ROUTES = {"UZ": {"sms": ["memory"]}}
    assert regions(ask()) == ["UZ"]


def test_what_is_no_country_is_not_listed(ask, settings):
    settings.OTP_ALLOWED_REGIONS = ["UZ", "ZZ"]
    assert regions(ask()) == ["UZ"]


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_day_long_it_may_be_kept_for_each_language(client, slash):
    response = client.get(f"/api/countries{slash}")
    assert response["Cache-Control"] == "public, max-age=86400"
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}
    assert not response.cookies


def test_a_refusal_is_not_kept(client):
    response = client.post("/api/countries/")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_it_costs_no_query(ask):
    with CaptureQueriesContext(connection) as captured:
        assert ask(authorization="Bearer otp_x").status_code == 200
    assert len(captured) == 0


def test_each_language_is_listed_once_until_a_setting_changes(ask, settings):
    ask("ru-RU")
    ask("ru-KZ")
    ask("uz")
    assert (countries.listed.cache_info().hits, countries.listed.cache_info().misses) == (1, 2)
    settings.OTP_ALLOWED_REGIONS = ["KZ"]
    assert regions(ask("ru")) == ["KZ"]
