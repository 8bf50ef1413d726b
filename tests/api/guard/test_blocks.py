"""A country or prefix whose sends are not followed by successes is blocked."""

import itertools
import logging

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from otp_app.models import BlockRow
from otp_app.signals import blocked, limited
from tests.api.guard.client import HOUR, MINUTE, addresses, code, kazakh, proven, send, verify
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


class TestConversion:
    @pytest.fixture(autouse=True)
    def _few(self, settings):
        settings.OTP_CONVERSION_LEAST = 8

    def test_a_home_country_below_a_quarter_is_asked_for_proofs_and_never_blocked(self, clock, outbox):
        for _ in range(8):
            assert code(send(new_phone())) == "sent"
        for _ in range(5):
            assert code(send(new_phone())) == "proof_required"
            assert code(proven(new_phone())) == "sent"
            clock.advance(2 * MINUTE)
        assert not BlockRow.objects.exists()

    def test_a_quarter_of_successes_is_enough(self, outbox):
        for number in range(8):
            phone = new_phone()
            send(phone)
            if number < 2:
                assert verify(phone, outbox[-1].code).status_code == 200
        assert code(send(new_phone())) == "sent"  # 2 of 8
        assert code(send(new_phone())) == "proof_required"  # 2 of 9

    @pytest.fixture
    def pumped(self, clock):
        """Let Kazakhstan have ten sends without a success, and a minute pass."""
        for number in range(10):
            assert code(proven(kazakh(number))) == "sent"
        assert code(send(kazakh(10))) == "proof_required"  # what is fresh may yet succeed
        clock.advance(MINUTE + 3)

    def test_another_country_below_a_tenth_is_blocked_and_the_operator_is_told_once(self, pumped, caplog):
        heard = []

        def hear(block, **_facts):
            heard.append(block)

        blocked.connect(hear)
        try:
            with caplog.at_level(logging.INFO, "otp_app.guard"):
                answers = [send(kazakh(number)) for number in (11, 12, 13)]
        finally:
            blocked.disconnect(hear)
        assert [code(answer) for answer in answers] == ["limited"] * 3
        assert answers[0].json()["retry_after"] == 12 * HOUR
        assert 12 * HOUR - 60 < answers[2].json()["retry_after"] <= 12 * HOUR
        row = BlockRow.objects.get()
        assert (row.subject, row.limit) == ("region KZ", "conversion")
        assert row.reason == "0 of 10 sends were followed by a success"
        assert row.until - row.since == 12 * HOUR * 1000
        assert [block.subject for block in heard] == ["region KZ"]
        refused = [record.otp for record in caplog.records if getattr(record, "otp", {}).get("event") == "limited"]
        assert [facts["limit"] for facts in refused] == ["conversion"] * 3
        (error,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert error.otp == {
            "event": "blocked",
            "subject": "region KZ",
            "limit": "conversion",
            "reason": row.reason,
            "seconds": 12 * HOUR,
        }

    def test_no_proof_opens_what_is_blocked_and_other_countries_stay_open(self, pumped):
        assert code(send(kazakh(11), proof="x")) == "limited"
        assert code(proven(new_phone())) == "sent"

    def test_a_device_that_signed_in_before_gets_through_the_block(self, clock, signed_in):
        device = signed_in(kazakh(500))["device"]
        for number in range(30):
            proven(kazakh(number))
        clock.advance(MINUTE + 3)
        assert code(send(kazakh(31))) == "limited"
        assert BlockRow.objects.get().subject == "region KZ"
        assert code(send(kazakh(500), device=device)) == "sent"

    def test_an_operator_who_lifts_it_opens_the_country_at_once(self, pumped, client):
        assert code(send(kazakh(11))) == "limited"
        client.force_login(get_user_model().objects.create_superuser("+998900000009", "x"))
        data = {"action": "unblock", "_selected_action": [BlockRow.objects.get().pk]}
        client.post(reverse("admin:otp_app_blockrow_changelist"), data)
        assert BlockRow.objects.get().lifted_at
        assert code(send(kazakh(12))) == "sent"

    def test_where_proofs_are_off_it_is_blocked_all_the_same(self, settings, clock):
        settings.OTP_PROOFS = False
        for number in range(8):
            assert code(send(kazakh(number))) == "sent"
        clock.advance(MINUTE + 3)
        assert code(send(kazakh(9))) == "limited"


class TestPrefix:
    def phones(self):
        return (f"+99890123{number:04d}" for number in itertools.count())

    def test_after_ten_unconverted_it_is_blocked_for_twelve_hours(self, clock):
        phones = self.phones()
        assert [code(proven(phone)) for phone, _ in zip(phones, range(11), strict=False)] == ["sent"] * 10 + ["limited"]
        row = BlockRow.objects.get()
        assert (row.subject, row.limit) == ("prefix +99890123", "unconverted_per_prefix_hour")
        assert row.until - row.since == 12 * HOUR * 1000
        clock.advance(12 * HOUR - 60)
        assert code(proven(next(phones))) == "limited"
        clock.advance(60)
        assert code(proven(next(phones))) == "sent"
        assert BlockRow.objects.count() == 1

    def test_successes_do_not_count(self, outbox):
        for phone, _ in zip(self.phones(), range(12), strict=False):
            assert code(proven(phone)) == "sent"
            assert verify(phone, outbox[-1].code).status_code == 200
        assert not BlockRow.objects.exists()

    def test_a_device_that_signed_in_before_gets_through_the_block(self, signed_in, outbox):
        phones = self.phones()
        mine = next(phones)
        device = signed_in(mine)["device"]
        while code(proven(next(phones))) != "limited":
            pass
        assert code(proven(mine)) == "limited"
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
