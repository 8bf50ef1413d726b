"""The limits that a request takes, and the keys that they count."""

import re
from decimal import Decimal

import pytest

from otp_app.limits import DAY, TABLE, Rule, Trigger, request_limits
from otp_app.limits.values import Counts

PHONE = "+998901234567"
V4, V6 = "192.0.2.1", "2001:db8:1:2::/64"


def names(limits):
    return {limit.name for limit in limits.limits}


def rules_of(trigger, *without):
    """The names of the rules that these requests take, without those named and those per one of ``without``."""
    return {rule.name for rule in TABLE if rule.trigger & trigger and not {rule.name, rule.per} & {*without}}


def limit(limits, name):
    return next(limit for limit in limits.limits if limit.name == name)


@pytest.mark.parametrize(
    ("how", "trigger"),
    [
        ({"checks": 5}, Trigger.FIRST),
        ({}, Trigger.AGAIN),
        ({"checks": 5, "device": "d"}, Trigger.DEVICE_FIRST),
        ({"device": "d"}, Trigger.DEVICE_AGAIN),
        ({"checks": 5, "test": True}, Trigger.TEST),
        ({"checks": 5, "test": True, "device": "d"}, Trigger.TEST),
    ],
)
def test_a_send_takes_the_lines_that_are_meant_for_it(how, trigger):
    assert names(request_limits.for_send(PHONE, V6, price=1, **how)) == rules_of(trigger)


def test_the_projects_own_code_has_no_client_no_network_and_is_no_stranger():
    without = ("budget_per_day", "subnet", "network", "unconverted_of_strangers_day")
    assert names(request_limits.for_send(PHONE, None, checks=5)) == rules_of(Trigger.FIRST, *without)


def test_home_networks_hold_no_strangers(settings):
    settings.OTP_HOME_NETWORKS = ["192.0.2.0/24", "2001:db8::/32"]
    for client, found in ((V4, False), (V6, False), ("198.51.100.1", True), ("unknown", True)):
        assert ("unconverted_of_strangers_day" in names(request_limits.for_send(PHONE, client))) is found


@pytest.mark.parametrize(
    ("client", "subnet", "network"),
    [
        (V4, "192.0.2.0/24", "192.0.0.0/16"),
        (V6, "2001:db8:1::/48", "2001:db8::/32"),
        ("unknown", "unknown", "unknown"),
    ],
)
def test_a_client_is_counted_in_its_subnet_and_in_its_network(client, subnet, network):
    limits = request_limits.for_send(PHONE, client)
    assert limit(limits, "unconverted_per_subnet_day").subject == f"subnet {subnet}"
    assert limit(limits, "unconverted_per_network_day").subject == f"network {network}"


def test_money_is_counted_in_whole_parts_rounded_up_and_only_what_costs_some(settings):
    settings.OTP_BUDGET_PER_DAY = 3
    for how in ({}, {"device": "d"}):
        budget = limit(request_limits.for_send(PHONE, V4, price=Decimal("0.00551"), **how), "budget_per_day")
        assert (budget.cost, budget.amount) == (56, 30_000)
    assert "budget_per_day" not in names(request_limits.for_send(PHONE, V4, price=0))


def test_a_check_and_a_password_take_limits_of_their_own():
    assert names(request_limits.for_check(V6)) == {"checks_per_client_hour", "checks_per_site_hour"}
    assert names(request_limits.for_check(None)) == set()
    assert names(request_limits.for_password(V4, "a")) == {"passwords_per_client_hour", "passwords_per_account_hour"}
    assert names(request_limits.for_factor("a")) == {"factors_per_account_day"}


def test_a_notification_takes_a_limit_of_its_own_and_of_the_budget_if_it_costs():
    assert names(request_limits.for_notification("+998901234567")) == {"notifications_per_phone_day"}
    taken = request_limits.for_notification("+998901234567", price=Decimal("0.05"))
    assert [(limit.name, limit.cost) for limit in taken.limits] == [
        ("notifications_per_phone_day", 1),
        ("budget_per_day", 500),
    ]
    assert all("998901234567" not in limit.subject for limit in taken.limits)


def test_a_send_without_a_wait_takes_all_other_limits():
    assert names(request_limits.for_send(PHONE, V6, waits=False, price=1)) == rules_of(Trigger.AGAIN, "wait_per_phone")


def test_a_first_send_reserves_the_checks_of_its_challenge():
    limits = request_limits.for_send(PHONE, V4, checks=4)
    costs = {limit.name: limit.cost for limit in limits.limits if limit.cost > 1}
    assert costs == {"failures_per_phone_day": 4, "failures_per_phone_month": 4}


def test_a_send_again_needs_no_new_reserve():
    for how in ({}, {"device": "d"}):
        limits = request_limits.for_send(PHONE, V4, **how)
        assert Counts.FAILURES not in {limit.counts for limit in limits.limits}


def test_keys_name_nobody_and_each_limit_of_a_subject_has_a_ring_of_its_own():
    asked = [request_limits.for_send(PHONE, client, checks=5) for client in (V4, "192.0.2.2")]
    asked += [request_limits.for_check(V4), request_limits.for_password(V4, "a"), request_limits.for_password(V4, "b")]
    limits = [limit for limits in asked for limit in limits.limits if limit.key]
    counters = {(limit.name, limit.subject): (limit.key, limit.ring) for limit in limits if limit.subject}
    assert len(set(counters.values())) == len(counters)
    assert len({limit.key for limit in limits if limit.name == "passwords_per_account_hour"}) == 2
    keys = {subject: {limit.key for limit in limits if limit.subject == subject} for _, subject in counters}
    assert {len(found) for found in keys.values()} == {1}
    assert all(re.fullmatch("[0-9a-f]{32}", limit.key) for limit in limits)


def test_no_subject_is_a_phone_in_full():
    subjects = {limit.subject for limit in request_limits.for_send(PHONE, V6, checks=5).limits}
    own = {"subnet 2001:db8:1::/48", "network 2001:db8::/32", "prefix +99890123"}
    assert subjects == {"", *own, "region UZ", "strangers"}


@pytest.mark.parametrize(
    ("phone", "homes", "young"), [(PHONE, [], 100), (PHONE, ["192.0.2.0/24"], 0), ("+77011230001", [], 0)]
)
def test_only_a_home_country_may_be_too_young_for_strangers_where_no_home_networks_are_named(
    settings, phone, homes, young
):
    settings.OTP_HOME_NETWORKS = homes
    limits = request_limits.for_send(phone, V4, checks=5).limits
    assert [limit.amount for limit in limits if limit.name == "answered_in_region"] == [young]


def test_limits_are_in_the_order_of_locks_the_phones_own_then_by_key_and_last_what_all_requests_share():
    for limits in (
        request_limits.for_send(PHONE, V6, checks=5, proof="nonce"),
        request_limits.for_send(PHONE, V6, device="d"),
        request_limits.for_check(V6),
        request_limits.for_password(V6, "a"),
    ):
        order = [(limit.shared, limit.key) for limit in limits.limits]
        assert order == sorted(order)
    shared = {limit.subject for limit in request_limits.for_send(PHONE, V6, checks=5, price=1).limits if limit.shared}
    assert shared == {"region UZ", "all all", "strangers"}


def test_proofs_are_asked_for_only_where_they_are_on(settings):
    def asking():
        return {limit.name for limit in request_limits.for_send(PHONE, V6, checks=5).limits if limit.proof}

    assert asking() == set()
    settings.OTP_PROOFS = True
    assert asking() == {rule.name for rule in TABLE if rule.proof} != set()


def test_a_proof_is_remembered_for_longer_than_its_task_lives(settings):
    settings.OTP_PROOF_TTL = 600
    limits = request_limits.for_send(PHONE, V4, checks=5, proof="nonce")
    used = limit(limits, "proofs")
    assert (limits.proven, used.amount, used.cost) == (True, 1, 1)
    assert used.period * 23 // 24 > 600
    other = limit(request_limits.for_send(PHONE, V4, checks=5, proof="other"), "proofs")
    assert other.key != used.key
    same = limit(request_limits.for_send("+998901234568", V6, proof="nonce"), "proofs")
    assert same.key == used.key


def test_a_send_without_a_proof_takes_no_proof():
    limits = request_limits.for_send(PHONE, V4, checks=5)
    assert (limits.proven, "proofs" in names(limits)) == (False, False)


TENANT_RULES = (
    Rule(
        *("sends_per_tenant_day", Trigger.MESSAGE, Counts.KEY, "sends", "tenant", DAY, "a contract"),
        amount=50,
        subject=lambda phone, client: "acme" if client == V4 else "",
    ),
)


class TestOwnRules:
    """OTP_RULES is a dotted path to rules of the host's own, each with a function that names who is counted."""

    @pytest.fixture(autouse=True)
    def _rules(self, settings):
        settings.OTP_RULES = "tests.limits.test_request_limits.TENANT_RULES"

    def test_a_rule_is_one_more_limit_of_each_request_that_it_applies_to(self):
        own = limit(request_limits.for_send(PHONE, V4, checks=5), "sends_per_tenant_day")
        assert (own.amount, own.period, own.subject, own.cost) == (50, DAY, "tenant acme", 1)
        for how in ({}, {"device": "d"}):
            assert limit(request_limits.for_send("+77012345678", V4, **how), "sends_per_tenant_day").key == own.key

    def test_whom_its_function_does_not_name_is_not_counted(self):
        assert "sends_per_tenant_day" not in names(request_limits.for_send(PHONE, V6, checks=5))
        assert "sends_per_tenant_day" not in names(request_limits.for_send(PHONE, V4, checks=5, test=True))
