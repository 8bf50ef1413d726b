"""The name of a client is read from its User-Agent, the network from its address."""

import pytest

from otp_app.accounts.clients import described, name_of

CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
)
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
NAMES = {
    CHROME: "Chrome, Android",
    SAFARI: "Safari, iPhone",
    EDGE: "Edge, Windows",
    "Mozilla/5.0 (X11; Linux x86_64)": "Linux",
    "Bazaar/2.1 CFNetwork/1490 Darwin/23.6.0": "Bazaar, Apple",
    "My App 3/1.0 (Android 15)": "My App 3, Android",
    "okhttp/4.12.0": "okhttp",
    "": "",
    "<script>alert(1)</script>": "",
    "\u202egnp.exe": "",
}


@pytest.mark.parametrize(("user_agent", "name"), NAMES.items())
def test_a_client_is_named_by_program_and_system(user_agent, name):
    assert name_of(user_agent) == name


def test_a_name_is_never_longer_than_its_column():
    assert len(name_of(f"{'x' * 10_000} (Macintosh)")) <= 64


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("", "")],
)
def test_a_network_is_that_of_the_address(rf, address, network):
    assert described(rf.get("/", REMOTE_ADDR=address))["network"] == network


def test_without_a_request_nothing_is_known():
    assert described(None) == {}
