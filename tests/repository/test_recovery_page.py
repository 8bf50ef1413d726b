"""docs/recovery.md: its curl lines are played in their order, and the answers are of the form that is shown."""

import json
import re

import pytest
from django.core import mail
from django.utils import timezone

from otp_app.accounts import events, recoveries
from otp_app.checks import ranges
from otp_app.conf import conf
from otp_app.factors import emails
from otp_app.limits.table import TABLE, amount_of
from otp_app.models import EmailAddress
from tests.programs import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8")
CALLS = re.findall(
    r"curl -X POST https://login\.example\.com(/api/\S+) \\\n"
    r'  -H "Content-Type: application/json" \\\n'
    r"  -d '(.*)'\n",
    PAGE,
)
ANSWERS = [json.loads(text) for text in re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE)]


def test_the_calls_of_the_page_lead_to_a_new_number(client, django_user_model, outbox, clock, settings):
    settings.OTP_WAITS = ()
    assert len(CALLS) == PAGE.count("curl") == 4
    told = json.loads(CALLS[0][1])
    user = django_user_model.objects.create_user(told["phone"], last_login=timezone.now())
    EmailAddress.objects.create(user=user, email=told["email"], checks_left=0, created_at=1, verified_at=1)
    known, given = {}, []
    for path, text in CALLS:
        body = json.loads(text)
        answer = client.post(path, body | {name: known[name] for name in body if name in known}, "application/json")
        assert answer.status_code == 200, answer.content
        given.append(answer.json())
        known |= given[-1] | {"otp": outbox[-1].code if outbox else re.search("[0-9]{6}", mail.outbox[-1].body)[0]}
        clock.advance(given[-1].get("retry_after", 0) + 1)
    asked, begun, _, done = given
    assert [set(asked), set(begun)] == [set(ANSWERS[0]), set(ANSWERS[1])]
    assert {name: begun[name] for name in ("retry_after", "expires_in")}.items() <= ANSWERS[1].items()
    assert done == ANSWERS[2]
    user.refresh_from_db()
    assert user.phone == done["phone"]


def test_the_numbers_of_the_page_are_those_in_force():
    assert ANSWERS[0]["expires_in"] == emails.LIFE_SECONDS
    assert ANSWERS[1] | {"retry_after": conf.RECOVERY_WAIT} == ANSWERS[1]
    assert recoveries.USE_SECONDS == emails.WAY_BACK_MS // 1000 == 7 * 24 * 3600
    amounts = {rule.name: amount_of(rule) for rule in TABLE if rule.name.startswith("recoveries")}
    assert list(amounts.values()) == [20, 100, 5]
    assert "20 requests an hour from a client and 100 from an IPv6 /48, five a day for an address" in PAGE
    assert ranges._LEAST_RECOVERY_WAIT == 24 * 3600
    assert "72 hours, at least a day" in PAGE


def test_each_event_of_the_way_back_is_named():
    kinds = [kind for kind in events.Kind if re.match("recovery_(begun|stopped)", kind)]
    assert [kind for kind in kinds if f"`{kind}`" not in PAGE] == []
