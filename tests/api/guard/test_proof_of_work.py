"""A suspicious send is asked for a proof of work."""

import pytest

from otp_app.limits import request_limits
from tests.api.guard.client import MINUTE, addresses, code, kazakh, proven, send, solved, used
from tests.factories import new_phone
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


class TestProof:
    @pytest.fixture
    def address(self, settings, outbox):
        """Return the address of a client that has used half of its limit."""
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 8
        address = next(addresses)
        for _ in range(4):
            assert code(send(new_phone(), address)) == "sent"
        return address

    def test_the_refusal_is_a_problem_that_brings_its_task(self, address, outbox):
        outbox.clear()
        response = send(new_phone(), address)
        assert response.status_code == 403
        assert response["Content-Type"] == "application/problem+json"
        problem = response.json()
        assert set(problem) == {"type", "title", "status", "detail", "code", "altcha"}
        assert (problem["code"], problem["status"]) == ("proof_required", 403)
        assert set(problem["altcha"]) == {"parameters", "signature"}
        assert "Retry-After" not in response
        assert outbox == []

    def test_the_refusal_takes_nothing(self, address):
        phone = new_phone()
        limits = request_limits.for_send(phone, address, checks=5)
        names = [limit.name for limit in limits.limits]
        before = [used(limits, name, phone) for name in names]
        for _ in range(3):
            assert code(send(phone, address)) == "proof_required"
        assert [used(limits, name, phone) for name in names] == before

    def test_the_solved_task_sends_once(self, address, outbox):
        phone = new_phone()
        proof = solved(send(phone, address))
        assert code(send(phone, address, proof=proof)) == "sent"
        assert outbox[-1].to == phone

    def test_a_proof_is_good_for_one_send_whoever_it_is_for(self, address, clock):
        phone = new_phone()
        proof = solved(send(phone, address))
        assert code(send(phone, address, proof=proof)) == "sent"
        assert code(send(new_phone(), address, proof=proof)) == "proof_required"
        clock.advance(MINUTE)
        assert code(send(phone, address, proof=proof)) == "proof_required"
        assert code(send(new_phone(), proof=proof)) == "proof_required"  # even where none is needed

    def test_the_task_of_one_phone_may_be_used_for_another_once(self, address):
        proof = solved(send(new_phone(), address))
        assert code(send(new_phone(), address, proof=proof)) == "sent"

    def test_a_proof_that_another_limit_refuses_is_not_used_up(self, address, outbox):
        phone = outbox[-1].to  # it has just had a message and has to wait
        proof = solved(send(new_phone(), address))
        refused = send(phone, address, proof=proof)
        assert (code(refused), refused.json()["retry_after"] <= MINUTE) == ("limited", True)
        assert code(send(new_phone(), address, proof=proof)) == "sent"

    def test_a_proof_that_is_not_good_counts_as_none(self, address, clock):
        good = solved(send(new_phone(), address))
        for proof in ("x", "é" * 300, "x" * 2048, good[:-8], good.swapcase()):
            assert code(send(new_phone(), address, proof=proof)) == "proof_required"
        clock.advance(600 + 1)
        assert code(send(new_phone(), address, proof=good)) == "proof_required"

    def test_with_a_proof_the_limit_itself_still_holds(self, address):
        assert [code(proven(new_phone(), address)) for _ in range(5)] == ["sent"] * 4 + ["limited"]

    def test_who_is_not_suspicious_needs_no_proof(self, address):
        assert code(send(new_phone())) == "sent"

    def test_where_proofs_are_off_the_limit_alone_counts(self, address, settings):
        settings.OTP_PROOFS = False
        assert [code(send(new_phone(), address)) for _ in range(5)] == ["sent"] * 4 + ["limited"]


@pytest.mark.django_db(transaction=True)
def test_of_parallel_sends_with_one_proof_one_passes(settings, outbox):
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 1
    address = next(addresses)
    proof = solved(send(new_phone(), address))
    phones = [new_phone() for _ in range(8)]
    settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 100
    answers = race(lambda number: send(phones[number], proof=proof), len(phones))
    assert sorted(code(answer) for answer in answers) == ["proof_required"] * 7 + ["sent"]
    assert len(outbox) == 1


class TestBeyondHalf:
    def test_of_a_country(self, settings):
        settings.OTP_UNCONVERTED_PER_REGION_DAY = 4
        assert [code(send(new_phone())) for _ in range(3)] == ["sent", "sent", "proof_required"]
        assert code(send(kazakh(1))) == "sent"

    def test_of_what_strangers_have_together(self, settings):
        settings.OTP_UNCONVERTED_OF_STRANGERS_DAY = 4
        settings.OTP_HOME_NETWORKS = ["203.0.113.0/24"]
        assert [code(send(new_phone())) for _ in range(3)] == ["sent", "sent", "proof_required"]
        assert code(send(new_phone(), "203.0.113.9")) == "sent"

    def test_of_an_ipv6_network_whose_subnets_are_each_below_it(self, settings):
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 4
        answers = [code(send(new_phone(), f"2001:db8:{n}::1")) for n in range(3)]
        assert answers == ["sent", "sent", "proof_required"]
        assert code(send(new_phone(), "2001:db9:1::1")) == "sent"
