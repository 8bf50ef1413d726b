"""The limits that a request takes, and the keys that they count."""

import re

import pytest

from otp_app.limits import TABLE, Trigger, request_limits
from otp_app.limits.values import Counts

PHONE = "+998901234567"
V4, V6 = "192.0.2.1", "2001:db8:1:2::/64"


def names(limits):
    return {limit.name for limit in limits.limits}


def rules_of(trigger, *without):
    """The names of the rules that these requests take, without those per one of ``without``."""
    return {rule.name for rule in TABLE if rule.trigger & trigger and rule.per not in without}


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
    assert names(request_limits.for_send(PHONE, V6, **how)) == rules_of(trigger)


def test_a_client_that_is_no_ipv6_address_has_no_site_and_the_projects_own_code_no_client():
    assert names(request_limits.for_send(PHONE, V4, checks=5)) == rules_of(Trigger.FIRST, "site")
    assert names(request_limits.for_send(PHONE, None, checks=5)) == rules_of(Trigger.FIRST, "site", "client")


def test_a_check_and_a_password_take_limits_of_their_own():
    assert names(request_limits.for_check(V6)) == {"checks_per_client_hour", "checks_per_site_hour"}
    assert names(request_limits.for_check(None)) == set()
    assert names(request_limits.for_password(V4, "a")) == {"passwords_per_client_hour", "passwords_per_account_hour"}


def test_a_send_without_a_wait_takes_all_other_limits():
    assert names(request_limits.for_send(PHONE, V6, waits=False)) == rules_of(Trigger.AGAIN) - {"wait_per_phone"}


def test_a_first_send_reserves_the_checks_of_its_challenge():
    limits = request_limits.for_send(PHONE, V4, checks=4)
    costs = {limit.name: limit.cost for limit in limits.limits if limit.cost != 1}
    assert costs == {"failures_per_phone_day": 4, "failures_per_phone_month": 4, "failures_per_day": 4}


def test_a_send_again_needs_no_new_reserve():
    for how in ({}, {"device": "d"}):
        limits = request_limits.for_send(PHONE, V4, **how)
        assert Counts.FAILURES not in {limit.counts for limit in limits.limits}
        assert "failures_per_day" not in names(limits)


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
    assert subjects == {"", f"client {V6}", "site 2001:db8:1::/48", "prefix +99890123", "region UZ", "all all"}


def test_limits_are_in_the_order_of_locks_the_phones_own_then_by_key_and_last_what_all_requests_share():
    for limits in (
        request_limits.for_send(PHONE, V6, checks=5, proof="nonce"),
        request_limits.for_send(PHONE, V6, device="d"),
        request_limits.for_check(V6),
        request_limits.for_password(V6, "a"),
    ):
        order = [(limit.shared, limit.key) for limit in limits.limits]
        assert order == sorted(order)
    shared = {limit.subject for limit in request_limits.for_send(PHONE, V6, checks=5).limits if limit.shared}
    assert shared == {"region UZ", "all all"}


def test_only_a_prefix_is_blocked_by_its_limit(settings):
    settings.OTP_PREFIX_BLOCK = 77
    blocks = {limit.name: limit.blocks for limit in request_limits.for_send(PHONE, V6, checks=5).limits if limit.blocks}
    assert blocks == {"unconverted_per_prefix_hour": 77}


def test_proofs_are_asked_for_only_where_they_are_on(settings):
    def asking():
        return {limit.name for limit in request_limits.for_send(PHONE, V6, checks=5).limits if limit.proof}

    assert asking() == set()
    settings.OTP_PROOFS = True
    assert asking() == {rule.name for rule in TABLE if "proof" in rule.then}


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


class TestConversion:
    def test_a_home_country_is_never_blocked(self, settings):
        settings.OTP_PROOFS = True
        home = request_limits.for_send(PHONE, V4, checks=5).conversion
        other = request_limits.for_send("+77012345678", V4, checks=5).conversion
        assert (home.subject, home.proof, home.block) == ("region UZ", 25, 0)
        assert (other.subject, other.proof, other.block, other.blocks) == ("region KZ", 25, 10, 12 * 3600)

    def test_where_proofs_are_off_it_is_blocked_and_nothing_else(self):
        assert request_limits.for_send("+77012345678", V4, checks=5).conversion.proof == 0

    def test_it_is_judged_by_three_limits_of_the_same_send(self):
        limits = request_limits.for_send("+77012345678", V4, checks=5)
        judged = limits.conversion
        names = {limit.ring: limit.name for limit in limits.limits if limit.key == judged.key}
        assert [names[ring] for ring in (judged.sends, judged.unconverted, judged.fresh)] == [
            "sends_per_region_day",
            "unconverted_per_region_day",
            "fresh_per_region",
        ]

    @pytest.mark.parametrize("how", [{"device": "d"}, {"test": True}])
    def test_devices_and_test_numbers_are_not_judged(self, how):
        assert request_limits.for_send(PHONE, V4, checks=5, **how).conversion is None
