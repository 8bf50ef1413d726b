"""What is unanswered is bounded in each prefix, network and country, by what is answered there."""

import itertools
import logging

import pytest

from otp_app.limits import request_limits
from otp_app.models import Counter
from otp_app.signals import limited
from tests.api.guard.client import HOUR, addresses, code, kazakh, proven, send, verify
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

DAY = 24 * HOUR


def phones_of_a_prefix():
    return (f"+99890123{number:04d}" for number in itertools.count())


@pytest.fixture
def answered(outbox):
    """Return a function that sends to a phone, and answers the message."""

    def answer(phone, address=None):
        assert code(proven(phone, address)) == "sent"
        assert verify(phone, outbox[-1].code, address).status_code == 200

    return answer


class TestPrefix:
    @pytest.fixture(autouse=True)
    def _floors(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY, settings.OTP_SENDS_PER_PREFIX_DAY = 4, 15

    def test_it_may_have_four_unanswered_messages_and_more_when_these_leave_the_day(self, clock, caplog):
        phones = phones_of_a_prefix()
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            answers = [send(next(phones)) for _ in range(6)]
        assert [code(answer) for answer in answers] == ["sent"] * 4 + ["limited"] * 2
        records = [record.otp for record in caplog.records if record.name == "otp_app.guard"]
        told = ("unconverted_per_prefix_day", "prefix +998901••")
        assert [(each["limit"], each["subject"]) for each in records] == [told] * 2
        assert code(send("+998901240000")) == "sent"
        clock.advance(answers[-1].json()["retry_after"])
        assert code(send(next(phones))) == "sent"

    def test_each_four_that_are_answered_on_a_day_allow_one_more(self, answered):
        phones = phones_of_a_prefix()
        for _ in range(4):
            answered(next(phones))
        assert [code(send(next(phones))) for _ in range(6)] == ["sent"] * 5 + ["limited"]

    def test_its_sends_are_bounded_although_each_is_answered(self, outbox):
        """Whoever owns the SIMs answers every message; three times the average day of a week grows slowly."""
        for answered, phone in enumerate(phones_of_a_prefix()):  # noqa: B007
            if code(proven(phone)) == "limited":
                break
            assert verify(phone, outbox[-1].code).status_code == 200
        assert answered == 25  # 15 + 3 · 25 / 7

    def test_a_device_that_signed_in_before_meets_no_bucket(self, signed_in, settings, outbox):
        phones = phones_of_a_prefix()
        mine = next(phones)
        device = signed_in(mine)["device"]
        settings.OTP_UNCONVERTED_PER_REGION_DAY = settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
        while code(proven(next(phones))) != "limited":
            pass
        assert code(proven(mine)) == "limited"
        assert code(send(mine, device=device)) == "sent"
        assert verify(mine, outbox[-1].code, device=device).status_code == 200


class TestNetwork:
    @pytest.fixture(autouse=True)
    def _floors(self, settings):
        settings.OTP_PROOFS = False
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY, settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 3, 5

    @pytest.mark.parametrize(
        ("one", "neighbour", "other"),
        [
            ("192.0.2.{}", "192.0.3.{}", "198.51.100.{}"),
            ("2001:db8:1:{}::1", "2001:db8:2:{}::1", "2001:db9:1:{}::1"),
        ],
    )
    def test_a_24_or_48_has_its_amount_and_all_of_a_16_or_32_have_theirs(self, one, neighbour, other):
        assert [code(send(new_phone(), one.format(n))) for n in range(1, 5)] == ["sent"] * 3 + ["limited"]
        assert [code(send(new_phone(), neighbour.format(n))) for n in range(1, 4)] == ["sent"] * 2 + ["limited"]
        assert code(send(new_phone(), other.format(1))) == "sent"

    def test_both_grow_with_what_is_answered_there(self, answered):
        for n in range(8):
            answered(new_phone(), f"192.0.2.{n + 1}")
        answers = [code(send(new_phone(), f"192.0.2.{n + 1}")) for n in range(6)]
        assert answers == ["sent"] * 5 + ["limited"]  # 3 and a quarter of 8
        assert [code(send(new_phone(), "192.0.3.1")) for _ in range(3)] == ["sent"] * 2 + ["limited"]  # 5 and 2


class TestStrangers:
    @pytest.fixture(autouse=True)
    def _few(self, settings):
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = False, 2
        settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]  # so no country is too young for strangers

    def strangers(self, times=3):
        return [code(send(new_phone())) for _ in range(times)]

    def test_networks_where_nobody_signed_in_share_a_pot_whatever_country_they_ask_for(self):
        assert self.strangers() == ["sent"] * 2 + ["limited"]
        assert code(send(kazakh(1))) == "limited"

    def test_a_network_where_somebody_signed_in_this_week_is_no_stranger(self, answered, clock):
        answered(new_phone(), "192.0.2.1")
        self.strangers()
        for address in ("192.0.2.99", "192.0.77.1"):
            assert code(send(new_phone(), address)) == "sent"
        clock.advance(8 * DAY)
        self.strangers()
        assert code(send(new_phone(), "192.0.2.99")) == "limited"

    def test_home_networks_and_the_projects_own_code_are_no_strangers(self):
        self.strangers()
        assert code(send(new_phone(), "203.0.113.7")) == "sent"
        assert "unconverted_of_strangers_day" not in {
            limit.name for limit in request_limits.for_send(new_phone(), None).limits
        }

    def test_where_a_country_has_no_history_nobody_is_one_unless_home_networks_are_named(self, settings):
        settings.OTP_HOME_NETWORKS = []
        assert self.strangers(4) == ["sent"] * 4

    def test_where_a_country_is_no_home_they_are_from_the_first_on(self, settings):
        settings.OTP_HOME_NETWORKS = []
        assert [code(send(kazakh(n))) for n in range(3)] == ["sent"] * 2 + ["limited"]


class TestCountry:
    def test_it_has_its_amount_which_grows_with_what_is_answered(self, settings, answered):
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_REGION_DAY = False, 2
        for _ in range(4):
            answered(new_phone())
        assert [code(send(new_phone())) for _ in range(4)] == ["sent"] * 3 + ["limited"]
        assert code(send(kazakh(1))) == "sent"


def test_a_refusal_writes_nothing(settings):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 1
    assert code(proven(new_phone())) == "sent"
    before = list(Counter.objects.order_by("key").values())
    for _ in range(3):
        assert code(proven(new_phone())) == "limited"
    assert list(Counter.objects.order_by("key").values()) == before


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
