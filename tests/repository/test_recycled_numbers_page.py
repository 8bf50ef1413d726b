"""docs/recycled-numbers.md: its entry is one that works, and its class asks and answers."""

import re
from datetime import UTC, datetime

import pytest

from otp_app.conf import conf
from otp_app.providers import made
from otp_app.providers.base import NotAccepted
from otp_app.providers.line_checks import Line
from otp_app.testing.contracts.gateway import gateway
from tests.checks.found import ids
from tests.programs import ROOT

PAGE = (ROOT / "docs" / "recycled-numbers.md").read_text(encoding="utf-8")
ENTRY, OWN = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)
AT = datetime(2026, 1, 2, tzinfo=UTC)


def run(source):
    found = {}
    exec(source, found)  # noqa: S102  (our own page)
    return found


@pytest.mark.django_db
def test_the_entry_passes_the_checks_and_can_be_made(settings):
    settings.OTP_LINE_CHECK = run(ENTRY)["OTP_LINE_CHECK"]
    assert ids() == []
    made(settings.OTP_LINE_CHECK).close()


def test_the_class_asks_a_company_and_says_what_it_answers():
    with gateway() as server:
        line_check = run(OWN.replace("https://lines.example.com", server.url))["CarrierLines"]("a token")
        for answer, line in (({"changed": True}, Line(sim_swapped=True)), ({}, Line())):
            server.answer = (200, answer)
            assert line_check.check("+998901234567", last_seen=AT) == line
        server.answer = (500, {})
        with pytest.raises(NotAccepted, match="500"):
            line_check.check("+998901234567", last_seen=AT)
        line_check.http.close()
    assert server.requests[0].query == {"number": "+998901234567", "since": "2026-01-02T00:00:00+00:00"}


@pytest.mark.parametrize("name", ["LINE_CHECK_IDLE_DAYS", "LINE_CHECK_DAYS"])
def test_the_days_of_the_page_are_those_of_the_settings(name):
    assert f"`OTP_{name}` ({getattr(conf, name)})" in PAGE
