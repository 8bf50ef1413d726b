"""A refused send names the channels that cost nothing, and a client that solves no task is told how long to wait."""

import pytest

from otp_app.limits import proof_of_work
from otp_app.providers.base import Channel
from tests.api.guard.client import MINUTE, addresses, code, proven, send, solved, verify
from tests.factories import new_phone

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PRICES = {"dear": 1, "free": 0, "unknown": None}
ROUTES = {"sms": ["dear"], "call": ["unknown"], "whatsapp": ["free", "dear"], "telegram": ["free"]}
AMOUNT = 8  # of unanswered messages to a country; from the fifth on a send needs a proof of work


@pytest.fixture(autouse=True)
def _routes(settings, outbox, each_store):
    memory = "otp_app.providers.memory.MemoryProvider"
    settings.OTP_PROVIDERS = [{"ALIAS": name, "BACKEND": memory, "PRICE": price} for name, price in PRICES.items()]
    settings.OTP_ROUTES = {"*": ROUTES}
    settings.OTP_UNCONVERTED_PER_REGION_DAY = AMOUNT


@pytest.fixture
def suspected():
    """Use half of the amount of the country."""
    for _ in range(AMOUNT // 2):
        assert code(send(new_phone())) == "sent"


@pytest.fixture
def full(suspected):
    """Use all of the amount of the country."""
    for _ in range(AMOUNT // 2):
        assert code(proven(new_phone())) == "sent"


@pytest.mark.usefixtures("suspected")
class TestProofRequired:
    def test_the_task_comes_with_the_channels_that_are_known_to_cost_nothing(self):
        problem = send(new_phone()).json()
        assert (problem["code"], problem["channels"]) == ("proof_required", ["telegram"])

    def test_by_the_offered_channel_the_code_is_sent_without_a_proof(self, outbox):
        phone = new_phone()
        (offered,) = send(phone).json()["channels"]
        assert code(send(phone, channel=offered)) == "sent"
        assert (outbox[-1].to, outbox[-1].channel) == (phone, Channel.TELEGRAM)

    def test_a_later_send_of_the_challenge_is_served_likewise(self, clock):
        phone = new_phone()
        begun = send(phone, channel="telegram").json()
        clock.advance(begun["resend_in"])
        assert code(send(phone, channel="telegram", challenge_id=begun["challenge_id"])) == "sent"

    def test_a_switch_of_a_challenge_is_offered_too(self, clock):
        phone = new_phone()
        begun = proven(phone).json()
        clock.advance(begun["resend_in"])
        problem = send(phone, challenge_id=begun["challenge_id"]).json()
        assert problem["channels"] == ["telegram"]
        assert code(send(phone, challenge_id=begun["challenge_id"], channel="telegram")) == "sent"

    def test_another_channel_that_may_cost_something_needs_the_proof_as_well(self):
        for channel in ("call", "whatsapp"):
            assert code(send(new_phone(), channel=channel)) == "proof_required"

    def test_who_cannot_solve_a_task_gets_the_wait_after_which_none_is_needed(self, clock):
        problem = send(new_phone(), proof="none")
        told = problem.json()
        assert (problem.status_code, told["code"], told["channels"]) == (429, "limited", ["telegram"])
        assert "altcha" not in told
        assert problem["Retry-After"] == str(told["retry_after"])
        clock.advance(told["retry_after"] - MINUTE)
        assert code(send(new_phone(), proof="none")) == "limited"
        clock.advance(MINUTE)
        assert code(send(new_phone(), proof="none")) == "sent"

    def test_the_wait_is_enough_where_answered_messages_add_to_the_amount(self, settings, outbox, clock):
        for _ in range(8):
            phone = new_phone()
            assert code(proven(phone)) == "sent"
            assert verify(phone, outbox[-1].code).status_code == 200
        while code(send(new_phone())) == "sent":
            pass
        wait = send(new_phone(), proof="none").json()["retry_after"]
        clock.advance(wait)
        assert code(send(new_phone(), proof="none")) == "sent"

    def test_the_refusal_of_who_cannot_solve_is_one_record_with_its_limit(self, caplog):
        with caplog.at_level("INFO", logger="otp_app.guard"):
            send(new_phone(), proof="none")
        (record,) = [record.otp for record in caplog.records if record.name == "otp_app.guard"]
        assert (record["event"], record["limit"]) == ("limited", "unconverted_per_region_day")

    def test_the_wait_takes_nothing(self, outbox):
        outbox.clear()
        for _ in range(20):
            send(new_phone(), proof="none")
        assert outbox == []
        assert code(proven(new_phone())) == "sent"


class TestLimited:
    def test_where_the_country_is_full_the_free_channel_is_offered_and_serves(self, full):
        phone = new_phone()
        problem = proven(phone).json()
        assert (problem["code"], problem["channels"]) == ("limited", ["telegram"])
        assert code(send(phone, channel="telegram")) == "sent"

    def test_what_the_phone_itself_has_used_up_no_channel_gives_back(self):
        phone = new_phone()
        send(phone)
        problem = send(phone).json()
        assert (problem["code"], "channels" in problem) == ("limited", False)

    def test_where_the_lane_of_free_channels_is_full_it_is_not_offered(self, full):
        for _ in range(AMOUNT):
            assert code(send(new_phone(), channel="telegram")) == "sent"
        refused = send(new_phone(), channel="telegram").json()
        assert (refused["code"], "channels" in refused) == ("limited", False)
        assert "channels" not in proven(new_phone()).json()

    def test_a_day_whose_money_is_spent_offers_what_costs_none(self, settings):
        settings.OTP_BUDGET_PER_DAY = 1
        assert code(send(new_phone())) == "sent"
        phone = new_phone()
        problem = send(phone).json()
        assert (problem["code"], problem["channels"]) == ("limited", ["telegram"])
        assert code(send(phone, channel="telegram")) == "sent"


class TestAttacker:
    def test_what_is_sent_by_a_free_channel_takes_nothing_from_the_others(self):
        while code(send(new_phone(), channel="telegram")) == "sent":
            pass
        assert code(send(new_phone())) == "sent"

    def test_and_what_is_sent_by_others_takes_nothing_from_it(self, full):
        sent = 0
        while code(send(new_phone(), channel="telegram")) == "sent":
            sent += 1
        assert sent == AMOUNT

    def test_its_channels_together_have_one_lane(self, settings):
        settings.OTP_ROUTES = {"*": {"sms": ["dear"], "call": ["free"], "telegram": ["free"]}}
        for channel in AMOUNT // 2 * ["call", "telegram"]:
            assert code(send(new_phone(), channel=channel)) == "sent"
        for channel in ("call", "telegram"):
            assert code(send(new_phone(), channel=channel)) == "limited"

    def test_a_client_has_no_more_messages_for_naming_a_free_channel_again_and_again(self, settings):
        settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 3
        address = next(addresses)
        answers = [code(send(new_phone(), address, channel="telegram")) for _ in range(5)]
        assert answers == 3 * ["sent"] + 2 * ["limited"]

    def test_a_phone_gets_no_more_messages_by_all_channels_than_by_one(self, settings, clock):
        settings.OTP_WAITS, settings.OTP_SENDS_PER_PHONE_HOUR = [1], 3
        phone, answers = new_phone(), []
        for channel in ("sms", "telegram", "sms", "telegram"):
            answers.append(code(send(phone, channel=channel)))
            clock.advance(1)
        assert answers == 3 * ["sent"] + ["limited"]

    def test_a_success_by_a_free_channel_gives_back_and_vouches_in_its_own_lane(self, outbox, settings):
        phone = new_phone()
        for _ in range(2 * AMOUNT):
            phone = new_phone()
            assert code(send(phone, channel="telegram")) == "sent"
            assert verify(phone, outbox[-1].code).status_code == 200
        assert code(send(new_phone(), channel="telegram")) == "sent"
        sent = 0
        while code(send(new_phone())) == "sent":
            sent += 1
        assert sent == AMOUNT // 2

    def test_a_proof_is_neither_needed_nor_used_up_by_a_free_channel(self, suspected):
        proof = solved(send(new_phone()))
        assert code(send(new_phone(), channel="telegram", proof=proof)) == "sent"
        assert code(send(new_phone(), proof=proof)) == "sent"


@pytest.mark.usefixtures("suspected")
class TestNoOtherWay:
    @pytest.mark.parametrize("routes", [{"sms": ["dear"]}, {"sms": ["dear"], "telegram": ["unknown"]}])
    def test_where_nothing_is_free_no_channel_is_named(self, settings, routes):
        settings.OTP_ROUTES = {"*": routes}
        assert "channels" not in send(new_phone()).json()
        problem = send(new_phone(), proof="none").json()
        assert ("channels" in problem, problem["retry_after"] > 0) == (False, True)

    def test_without_a_proof_word_or_channel_the_answer_is_the_task(self):
        assert code(send(new_phone(), proof="None")) == "proof_required"

    def test_none_is_no_proof(self):
        assert proof_of_work.name_of(proof_of_work.UNABLE) == ""


def test_where_every_route_is_free_no_send_needs_a_proof_or_a_name_of_its_channel(settings, clock):
    settings.OTP_ROUTES = {"*": {"sms": ["free"], "telegram": ["free"]}}
    begun = {}
    for _ in range(AMOUNT - 1):
        phone = new_phone()
        begun = send(phone).json()
        assert begun["message"] == "OTP sent successfully"
    clock.advance(begun["resend_in"])
    assert code(send(phone, challenge_id=begun["challenge_id"])) == "sent"
    problem = send(new_phone()).json()
    assert (problem["code"], "channels" in problem) == ("limited", False)
