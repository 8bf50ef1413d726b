"""The operator is warned before a limit that many share is used up."""

import pytest

from otp_app import services
from otp_app.delivery import shared_limits, sweeper
from otp_app.errors import Limited
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


def send(times, **how):
    for _ in range(times):
        services.send_code(phone=new_phone(), **how)


def told(caplog):
    """Sweep, and return what has been told since the test began."""
    sweeper.sweep()
    return [(record.levelname, *record.args) for record in caplog.records if record.name == "otp_app.limits"]


class TestTheBudget:
    @pytest.fixture(autouse=True)
    def budget(self, settings, outbox):
        settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": "0.1"}]
        settings.OTP_BUDGET_PER_DAY = 1

    def test_a_sweep_warns_at_40_and_80_percent_and_alarms_at_the_end_each_once_a_day(self, caplog, clock):
        budget = "OTP_BUDGET_PER_DAY"
        send(3)
        assert told(caplog) == []
        send(2)
        assert told(caplog) == told(caplog) == [("WARNING", 50, budget)]
        send(3)
        assert told(caplog) == told(caplog) == [("WARNING", 50, budget), ("WARNING", 80, budget)]
        send(2)
        with pytest.raises(Limited):
            send(1)
        assert told(caplog)[2:] == told(caplog)[2:] == [("ERROR", 100, budget)]
        clock.advance(26 * 3600)
        assert len(told(caplog)) == 3
        send(10)
        assert told(caplog)[3:] == [("ERROR", 100, budget)]

    def test_without_one_it_is_no_limit(self, caplog, settings):
        settings.OTP_BUDGET_PER_DAY = 0
        send(20)
        assert told(caplog) == []


def test_what_a_country_shares_is_told_with_the_country(caplog, outbox, settings, each_store):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 10
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
    send(3)
    assert told(caplog) == []
    send(1)
    assert told(caplog) == [("WARNING", 40, "OTP_UNCONVERTED_PER_REGION_DAY for region UZ")]
    text = caplog.records[-1].getMessage()
    assert text.startswith("40 % of OTP_UNCONVERTED_PER_REGION_DAY for region UZ is used. Beyond it sends are refused:")


def test_what_strangers_share_is_told_wherever_they_come_from(caplog, outbox, settings, each_store):
    settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 10
    settings.OTP_HOME_REGIONS = []  # else nobody is one while few have signed in
    for n in range(4):
        send(1, client=f"192.{n}.2.1")
    assert told(caplog) == [("WARNING", 40, "OTP_UNCONVERTED_OF_STRANGERS_DAY")]


@pytest.mark.parametrize("regions", ["*", ["UZ"]])
def test_every_country_that_is_served_has_its_own(settings, outbox, regions):
    settings.OTP_ALLOWED_REGIONS = regions
    send(1)
    used = shared_limits.used_percents()
    countries = {name.rpartition(" ")[2] for name in used if " for region " in name}
    assert ("KZ" in countries, "UZ" in countries) == (regions == "*", True)
    assert set(used.values()) == {0}
