"""A rule of the host's own (OTP_RULES) refuses as one of ours does."""

import pytest

from otp_app.limits import DAY, Rule, Trigger
from otp_app.limits.values import Counts
from tests.api.guard.client import HOUR, code, kazakh, proven
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

FIFTY_A_DAY = (
    Rule(
        *("sends_per_tenant_day", Trigger.MESSAGE, Counts.KEY, "sends", "tenant", DAY, "a contract"),
        amount=50,
        subject=lambda phone, client: "acme" if phone.startswith("+7") else "",
    ),
)


def test_fifty_a_day_for_a_tenant_are_fifty_and_the_other_tenants_are_served(settings, outbox, clock):
    settings.OTP_RULES = "tests.api.guard.test_own_rules.FIFTY_A_DAY"
    assert [proven(kazakh(n)).status_code for n in range(50)] == [200] * 50
    refused = proven(kazakh(50))
    assert (refused.status_code, code(refused)) == (429, "limited")
    assert 0 < refused.json()["retry_after"] <= 25 * HOUR  # the oldest of 24 sub-buckets counts whole
    assert len(outbox) == 50
    assert proven(new_phone()).status_code == 200
    clock.advance(25 * HOUR)
    assert proven(kazakh(50)).status_code == 200
