"""A success on an attacker's own number gives the attacker nothing else."""

import pytest

from otp_app.limits import request_limits
from tests.api.guard.client import addresses, code, send, used, verify
from tests.factories import new_phone, other_than

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


class TestSuccessOfAnAttacker:
    def test_on_its_own_number_gives_its_client_no_more_than_that_send(self, settings, outbox):
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_SUBNET_DAY = False, 3
        address, own = next(addresses), new_phone()
        answers = [send(phone, address) for phone in (new_phone(), new_phone(), own)]
        assert verify(own, outbox[-1].code, address).status_code == 200
        answers += [send(new_phone(), address) for _ in range(2)]
        assert [code(answer) for answer in answers] == ["sent"] * 4 + ["limited"]

    def test_resets_neither_failed_checks_nor_sends_of_its_client(self, outbox):
        address, own = next(addresses), new_phone()
        send(own, address)
        for guess in (other_than(outbox[-1].code),) * 2 + (outbox[-1].code,):
            answer = verify(own, guess, address)
        assert answer.status_code == 200
        assert used(request_limits.for_check(address), "checks_per_client_hour") == 2
        limits = request_limits.for_send(own, address, checks=5)
        assert used(limits, "sends_per_prefix_day") == 1
        assert used(limits, "unconverted_per_subnet_day") == 0

    def test_resets_nothing_of_its_victim(self, outbox):
        victim, own, address = new_phone(), new_phone(), next(addresses)
        challenge_id = send(victim, address).json()["challenge_id"]
        for _ in range(5):
            verify(victim, other_than(outbox[-1].code), address, challenge_id=challenge_id)
        limits = request_limits.for_send(victim, None, checks=5)
        names = [limit.name for limit in limits.limits if not limit.shared]
        before = [used(limits, name, victim) for name in names]
        send(own, address)
        assert verify(own, outbox[-1].code, address).status_code == 200
        assert [used(limits, name, victim) for name in names] == before
        assert code(send(victim, address)) == "limited"
