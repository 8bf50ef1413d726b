"""The table of limits and the numbers of the policy."""

import re

import pytest

from otp_app import limits
from otp_app.challenges import Counts
from otp_app.conf import Conf, conf
from otp_app.policies import Policy, policy_for


def test_a_send_takes_every_limit_of_the_table_but_the_checks():
    names = {limit.name for limit in limits.for_send("192.0.2.1")} | {limits.for_check("192.0.2.1")[0].name}
    assert names == set(re.findall(r"^([a-z_]{10,}) ", limits.__doc__, re.MULTILINE))


def test_the_defaults_are_the_published_numbers():
    taken = {limit.name: (limit.amount, limit.period) for limit in limits.for_send("192.0.2.1")}
    del taken["wait_per_phone"]
    assert taken == {
        "sends_per_phone_hour": (5, 3600),
        "sends_per_phone_day": (10, 86400),
        "failures_per_phone_day": (20, 86400),
        "failures_per_phone_month": (100, 30 * 86400),
        "sends_per_client_hour": (300, 3600),
        "unconverted_per_client_hour": (30, 3600),
    }
    assert limits.for_check("192.0.2.1")[0].amount == 100
    assert policy_for("login") == Policy(length=6, ttl=300, checks=5, checks_by_phone=3, sends=3)
    assert tuple(conf.WAITS) == (60, 120, 300, 600)
    assert (conf.TOKEN_TTL, conf.TOKEN_IDLE) == (30 * 86400, 14 * 86400)


def test_a_send_again_needs_no_new_reserve():
    assert Counts.FAILURES not in {limit.counts for limit in limits.for_send(None, again=True)}


def test_keys_name_no_client_and_differ_by_limit_and_client():
    keys = {limit.key for client in ("192.0.2.1", "192.0.2.2") for limit in limits.for_send(client) if limit.key}
    assert len(keys) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


@pytest.mark.parametrize("name", [name for name in vars(Conf) if name.isupper()])
def test_every_setting_is_read_at_use(settings, name):
    default = getattr(conf, name)
    marker = object()
    setattr(settings, f"OTP_{name}", marker)
    assert getattr(conf, name) is marker
    delattr(settings, f"OTP_{name}")
    assert name in ("PROVIDERS", "PROVIDER_CALLS", "ALLOWED_REGIONS") or getattr(conf, name) == default
