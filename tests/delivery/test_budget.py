"""The operator is warned before OTP_BUDGET_PER_DAY is used up."""

import pytest

from otp_app import services
from otp_app.delivery import budget, sweeper
from otp_app.errors import Limited
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _budget(settings, outbox):
    settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": "0.1"}]
    settings.OTP_BUDGET_PER_DAY = 1


def send(times):
    for _ in range(times):
        services.send_code(phone=new_phone())


def told(caplog):
    """Sweep, and return what has been told of the budget since the test began."""
    sweeper.sweep()
    return [(record.levelname, record.args[0]) for record in caplog.records if record.name == "otp_app.budget"]


def test_a_sweep_warns_at_80_percent_and_alarms_at_the_end_each_once_a_day(caplog, clock):
    send(7)
    assert told(caplog) == []
    send(1)
    assert told(caplog) == told(caplog) == [("WARNING", 80)]
    send(2)
    with pytest.raises(Limited):
        send(1)
    assert told(caplog) == told(caplog) == [("WARNING", 80), ("ERROR", 100)]
    clock.advance(26 * 3600)
    assert budget.used_percent() == 0
    assert len(told(caplog)) == 2
    send(10)
    assert told(caplog)[2:] == [("ERROR", 100)]


def test_without_a_budget_nothing_is_told(caplog, settings):
    settings.OTP_BUDGET_PER_DAY = 0
    send(20)
    assert told(caplog) == []
