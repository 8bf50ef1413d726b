"""The client that limits count."""

import logging

import pytest

from otp_app.limits import clients
from otp_app.limits.clients import client_at, client_of


def meta(address, forwarded=None):
    return {"REMOTE_ADDR": address} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {})


@pytest.mark.parametrize("forwarded", ["203.0.113.9", "203.0.113.9, 203.0.113.10", ""])
def test_without_trusted_proxies_what_a_client_writes_is_not_read(forwarded):
    assert client_of(meta("192.0.2.1", forwarded)) == "192.0.2.1"


@pytest.fixture
def said(caplog):
    """The warnings in the log; a process logs each once a minute."""
    caplog.set_level(logging.INFO, "otp_app.clients")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_proxy_that_is_not_trusted_is_told_of_once_for_all_clients_are_one(said):
    assert {client_of(meta("10.0.0.1", f"203.0.113.{n}")) for n in range(9)} == {"10.0.0.1"}
    (line,) = said()
    assert "set OTP_TRUSTED_PROXIES to the number of your proxies" in line
    assert "203.0.113" not in line


@pytest.mark.parametrize("forwarded", [None, "", "203.0.113.9", "nonsense, 203.0.113.9"])
def test_a_header_that_a_trusted_proxy_leaves_out_is_told_of_once_for_all_clients_are_one(said, settings, forwarded):
    settings.OTP_TRUSTED_PROXIES = 2
    assert {client_of(meta("10.0.0.1", forwarded)) for _ in range(9)} == {"10.0.0.1"}
    (line,) = said()
    assert "OTP_TRUSTED_PROXIES is 2" in line
    assert "add the address of its client to X-Forwarded-For" in line
    assert "203.0.113" not in line


def test_without_a_proxy_and_with_one_that_is_trusted_there_is_nothing_to_tell(said, settings):
    client_of(meta("192.0.2.1"))
    settings.OTP_TRUSTED_PROXIES = 1
    client_of(meta("10.0.0.1", "203.0.113.9"))
    client_at("192.0.2.1")  # what an operator types came through no proxy
    assert said() == []


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "spoofed, 203.0.113.9", "203.0.113.9"),
        (2, "spoofed, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::/64"),
        (1, "nonsense", "192.0.2.1"),
    ],
)
def test_the_client_is_counted_from_the_right(settings, proxies, forwarded, client):
    settings.OTP_TRUSTED_PROXIES = proxies
    assert client_of(meta("192.0.2.1", forwarded)) == client


def test_a_missing_header_behind_a_proxy_means_the_proxy_itself(settings):
    settings.OTP_TRUSTED_PROXIES = 2
    assert client_of(meta("192.0.2.1")) == "192.0.2.1"


def test_all_addresses_of_a_64_prefix_are_one_client():
    assert {client_of(meta(f"2001:db8:1:2::{n:x}")) for n in range(1, 300)} == {"2001:db8:1:2::/64"}
    assert client_of(meta("2001:db8:1:3::1")) == "2001:db8:1:3::/64"


@pytest.mark.parametrize("address", ["::ffff:192.0.2.1", "192.0.2.1"])
def test_an_ipv4_address_is_itself_however_it_is_written(address):
    assert client_of(meta(address)) == "192.0.2.1"


def test_a_zone_is_no_part_of_an_address():
    assert client_of(meta("fe80::1%eth0")) == "fe80::/64"


@pytest.mark.parametrize("address", ["", "unix:", "999.1.1.1", "x" * 5000])
def test_an_invalid_address_is_one_client(address):
    assert client_of(meta(address)) == "unknown"


def test_what_a_client_writes_is_kept_no_longer_than_an_address_is(settings):
    settings.OTP_TRUSTED_PROXIES = 1
    kept = clients._parse_cached.cache_info().currsize
    for number in range(10):
        assert client_of(meta("192.0.2.1", f"{number}{'x' * 80}")) == "192.0.2.1"
    assert clients._parse_cached.cache_info().currsize <= kept + 1  # that of 192.0.2.1
    longest = "[0000:0000:0000:0000:0000:ffff:192.168.100.200%enp0s31f6abcdefg]:65535"
    assert client_of(meta("192.0.2.1", longest)) == "192.168.100.200"
