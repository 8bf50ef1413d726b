"""People have numbers and networks that the project's own functions understand."""

import random
from ipaddress import ip_address, ip_network

import pytest

from otp_app import phones
from otp_app.limits.clients import client_of
from otp_app.simulation.population import Country, home_networks


@pytest.fixture
def country():
    return Country(random.Random(1))


def test_numbers_are_such_as_the_api_accepts(country):
    for _ in range(200):
        number, _client = country.person()
        assert phones.parse(number) == number
        assert number.region == "UZ"


def test_another_country_has_numbers_too(settings):
    settings.OTP_ALLOWED_REGIONS = ["DE"]
    number, _client = Country(random.Random(1)).person()
    assert phones.parse(number).region == "DE"


@pytest.mark.parametrize("where", ["mobile", "home", "office", "vpn", "ipv6"])
def test_clients_are_as_requests_name_them_and_only_vpns_are_outside_of_home(country, where):
    home = [ip_network(each) for each in home_networks()]
    for code in (country.codes * 10)[:50]:
        client = country.client(where, code)
        address = client.partition("/")[0]
        assert client_of({"REMOTE_ADDR": address}) == client
        assert any(ip_address(address) in network for network in home) is (where != "vpn")


def test_people_come_within_the_day_and_mostly_not_at_night(country):
    seconds = [country.second() for _ in range(500)]
    assert all(0 <= second < 86_400 for second in seconds)
    assert sum(second < 6 * 3600 for second in seconds) < 50
