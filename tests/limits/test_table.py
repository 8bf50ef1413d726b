"""The table of limits and the numbers of the policy."""

import pytest
from django.test import override_settings

from otp_app.challenges.policies import Policy, policy_for
from otp_app.conf import Conf, conf
from otp_app.limits import DAY, HOUR, MONTH, TABLE, WEEK, Trigger, amount_of
from otp_app.limits.values import Counts

# Amounts that the suite sets.
SUITES_OWN = (
    *("UNCONVERTED_PER_PREFIX_DAY", "SENDS_PER_PREFIX_DAY"),
    *("UNCONVERTED_PER_SUBNET_DAY", "UNCONVERTED_PER_NETWORK_DAY"),
)
LINES = {rule.name: rule for rule in TABLE}


def test_each_name_stands_once_in_the_table():
    assert len(LINES) == len(TABLE)


def test_the_defaults_are_the_published_numbers(settings):
    for name in SUITES_OWN:
        setattr(settings, f"OTP_{name}", getattr(Conf, name))
    wait, *others = TABLE
    assert {rule.name: (amount_of(rule), rule.period) for rule in others} == {
        "sends_per_phone_hour": (5, HOUR),
        "sends_per_phone_day": (10, DAY),
        "sends_of_devices_day": (5, DAY),
        "failures_per_phone_day": (20, DAY),
        "failures_per_phone_month": (100, MONTH),
        "failures_of_devices_day": (10, DAY),
        "answered_in_prefix": (0, WEEK),
        "unconverted_per_prefix_day": (4, DAY),
        "sends_per_prefix_day": (15, DAY),
        "answered_in_subnet": (1, WEEK),
        "unconverted_per_subnet_day": (20, DAY),
        "answered_in_network": (1, WEEK),
        "unconverted_per_network_day": (60, DAY),
        "answered_in_region": (100, WEEK),
        "unconverted_per_region_day": (2500, DAY),
        "unconverted_of_strangers_day": (300, DAY),
        "answered_in_all": (0, WEEK),
        "device_sends_per_day": (2000, DAY),
        "budget_per_day": (0, DAY),
        "sends_per_client_hour": (300, HOUR),
        "checks_per_client_hour": (100, HOUR),
        "checks_per_site_hour": (500, HOUR),
        "passwords_per_client_hour": (20, HOUR),
        "passwords_per_account_hour": (30, HOUR),
        "passwords_per_site_hour": (100, HOUR),
        "factors_per_account_day": (20, DAY),
        "notifications_per_phone_day": (5, DAY),
        "factor_notices_per_phone_day": (5, DAY),
        "emails_per_account_day": (5, DAY),
        "confirmations_per_account_day": (100, DAY),
        "recoveries_per_client_hour": (20, HOUR),
        "recoveries_per_site_hour": (100, HOUR),
        "recoveries_per_address_day": (5, DAY),
        "passkeys_per_account_day": (100, DAY),
    }
    assert (wait.counts, tuple(conf.WAITS)) == (Counts.WAITS, (60, 120, 300, 600))
    assert policy_for("login") == Policy(length=6, ttl=300, checks=5, checks_by_phone=3, sends=3)
    assert (conf.TOKEN_TTL, conf.TOKEN_IDLE) == (30 * 86400, 14 * 86400)


def test_an_amount_is_read_from_the_settings_at_use_and_a_site_has_that_of_its_clients(settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR, settings.OTP_SITE_CLIENTS = 7, 3
    assert (amount_of(LINES["checks_per_client_hour"]), amount_of(LINES["checks_per_site_hour"])) == (7, 21)


def test_the_budget_is_counted_in_parts_of_money_that_are_whole(settings):
    settings.OTP_BUDGET_PER_DAY = 3
    assert amount_of(LINES["budget_per_day"]) == 30_000


def test_what_grows_follows_the_rule_that_counts_the_answered_messages_of_its_subject():
    for number, rule in enumerate(TABLE):
        if rule.growth:
            assert f"answered_in_{rule.per}" in {before.name for before in TABLE[:number]}


def test_the_lanes_of_strangers_and_of_devices_share_no_counter_but_that_of_money():
    """The wait is an exception: each lane counts it by its own challenges."""
    shared = [rule.name for rule in TABLE if rule.trigger & Trigger.DEVICE and rule.trigger & ~Trigger.DEVICE]
    assert shared == ["wait_per_phone", "budget_per_day"]


def test_a_device_is_stopped_by_nothing_that_strangers_can_use_up():
    counted = {rule.per for rule in TABLE if rule.trigger & Trigger.DEVICE}
    assert counted == {"phone", "all"}


def test_a_success_gives_back_what_counts_as_unconverted():
    assert all(rule.converts for rule in TABLE if rule.what == "unconverted")
    assert not any(rule.converts for rule in TABLE if rule.what.startswith("sends"))


@pytest.mark.parametrize("name", [name for name in vars(Conf) if name.isupper()])
def test_every_setting_is_read_at_use(name):
    """It is cached until Django says that it has changed, because a request reads a hundred settings."""
    default = getattr(conf, name)
    marker = object()
    with override_settings(**{f"OTP_{name}": marker}):
        assert getattr(conf, name) is getattr(conf, name) is marker
    assert getattr(conf, name) == default
    ours = (
        *SUITES_OWN,
        "HOME_NETWORKS",
        "PROVIDERS",
        "PROVIDER_CALLS",
        "ALLOWED_REGIONS",
        "HOME_REGIONS",
        "NEXT_HOSTS",
        "PASSKEY_ORIGINS",
        "PROOFS",
        "STAFF_SECOND_FACTOR",
    )  # the suite and the service set these
    assert name in ours or default == getattr(Conf, name)
