"""A prefix whose messages nobody answers is refused, and each refusal is told."""

import itertools
import logging

import pytest

from otp_app.signals import limited
from tests.api.guard.client import HOUR, addresses, code, send, verify
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


class TestPrefix:
    @pytest.fixture(autouse=True)
    def _few(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 4

    def phones(self):
        return (f"+99890123{number:04d}" for number in itertools.count(1))

    def test_after_four_unanswered_it_is_refused_for_a_day_and_others_are_not(self, clock, caplog):
        phones = self.phones()
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            answers = [send(next(phones)) for _ in range(6)]
        assert [code(answer) for answer in answers] == ["sent"] * 4 + ["limited"] * 2
        assert 22 * HOUR < answers[-1].json()["retry_after"] <= 25 * HOUR
        records = [record.otp for record in caplog.records if record.name == "otp_app.guard"]
        assert [(each["limit"], each["subject"]) for each in records] == [
            ("unconverted_per_prefix_day", "prefix +998901••")
        ] * 2
        assert code(send(new_phone())) == "sent"
        clock.advance(answers[-1].json()["retry_after"])
        assert code(send(next(phones))) == "sent"

    def test_successes_do_not_count(self, outbox):
        for phone, _ in zip(self.phones(), range(12), strict=False):
            assert code(send(phone)) == "sent"
            assert verify(phone, outbox[-1].code).status_code == 200

    def test_a_device_that_signed_in_before_gets_through(self, signed_in, outbox):
        phones = self.phones()
        mine = next(phones)
        device = signed_in(mine)["device"]
        while code(send(next(phones))) != "limited":
            pass
        assert code(send(mine)) == "limited"
        assert code(send(mine, device=device)) == "sent"
        assert verify(mine, outbox[-1].code, device=device).status_code == 200


def test_a_refusal_is_told_to_the_operator_once_and_the_phone_masked(caplog):
    heard, phone, address = [], new_phone(), next(addresses)

    def hear(**facts):
        heard.append({name: facts[name] for name in ("limit", "retry_after", "phone", "client")})

    send(phone, address)
    limited.connect(hear)
    try:
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            response = send(phone, address)
    finally:
        limited.disconnect(hear)
    facts = {"limit": "wait_per_phone", "retry_after": response.json()["retry_after"], "client": address}
    assert heard == [facts | {"phone": phone}]
    (record,) = [record for record in caplog.records if record.name == "otp_app.guard"]
    assert record.otp == facts | {"event": "limited", "phone": f"{phone[:-6]}••••••"}
    assert phone not in caplog.text
