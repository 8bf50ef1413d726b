"""What bounds the bill is a bound, and settings that are gone are named."""

import pytest
from django.core import checks

from otp_app.checks.limits import check_budget_is_set
from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do


def paid(alias="paid", **more):
    return {"ALIAS": alias, "BACKEND": "tests.checks.test_limits.Paid", **more}


class Paid:
    channels = frozenset({"sms"})


def test_settings_without_effect_are_named_in_one_warning_wherever_they_are_set(settings, monkeypatch):
    settings.OTP_SENDS_PER_REGION_DAY = 5000
    monkeypatch.setenv("OTP_PREFIX_BLOCK", "60")
    assert ids() == ["otp_app.W013"]
    (warning,) = checks.run_checks()
    assert warning.msg == "Settings without effect: OTP_SENDS_PER_REGION_DAY, OTP_PREFIX_BLOCK."


@pytest.mark.parametrize("networks", [["192.0.2.1/24"], ["2001:db8::/32", "UZ"], [""]])
def test_home_networks_that_are_none_are_refused(settings, networks):
    settings.OTP_HOME_NETWORKS = networks
    assert ids() == ["otp_app.E033"]


def test_networks_of_both_kinds_and_single_addresses_are_taken(settings):
    settings.OTP_HOME_NETWORKS = ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]
    assert ids() == []


class TestBudget:
    @pytest.fixture(autouse=True)
    def _budget(self, settings):
        settings.OTP_BUDGET_PER_DAY = 50
        settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]

    def test_without_a_price_it_is_no_ceiling(self, settings):
        settings.OTP_PROVIDERS = [paid(), paid("other", PRICE="0.05")]
        assert ids() == ["otp_app.E034"]
        settings.OTP_PROVIDERS = [paid(PRICE="0"), paid("other", PRICE="0.05")]
        assert ids() == []

    def test_a_price_is_needed_for_each_country_to_which_a_route_leads(self, settings):
        settings.OTP_PROVIDERS = [paid(PRICE={"UZ": "0.05"}), paid("dear", PRICE={"*": "0.1"}), paid("unused")]
        settings.OTP_ROUTES = {"UZ": {"sms": ["paid", "dear"]}, "*": {"sms": ["dear"]}}
        assert ids() == []
        settings.OTP_ROUTES = {"*": {"sms": ["paid", "dear"]}}
        assert ids() == ["otp_app.E034"]

    def test_providers_that_only_show_messages_need_no_price(self):
        assert ids() == []

    def test_what_is_wrong_with_providers_is_said_alone(self, settings):
        settings.OTP_PROVIDERS = [{"ALIAS": "paid"}]
        assert ids() == ["otp_app.E013"]
        settings.OTP_PROVIDERS, settings.OTP_ROUTES = [paid()], {"UZ": {"sms": []}}
        assert ids() == ["otp_app.E022"]


def test_messages_that_cost_money_without_a_budget_are_warned_of_in_production(settings):
    settings.OTP_PROVIDERS, settings.OTP_ALLOWED_REGIONS = [paid(PRICE="0.05")], ["UZ"]
    assert [warning.id for warning in check_budget_is_set()] == ["otp_app.W014"]
    settings.OTP_BUDGET_PER_DAY = 50
    assert check_budget_is_set() == []
    settings.OTP_BUDGET_PER_DAY = 0
    settings.OTP_PROVIDERS = [{"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}]
    assert check_budget_is_set() == []
