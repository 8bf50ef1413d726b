"""What looks wrong is asked for a proof of work, then refused, then blocked; known devices get through all of it."""

import itertools
import logging

import altcha
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from otp_app import stores
from otp_app.accounts import devices
from otp_app.limits import request_limits
from otp_app.models import BlockRow, ChallengeRow
from otp_app.signals import blocked, limited
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

MINUTE, HOUR = 60, 3600
SESSIONS = "otp_app.tokens.session.SessionTokens"
_addresses = (f"198.51.{high}.{low}" for high, low in itertools.product(range(100), range(1, 255)))


@pytest.fixture(autouse=True)
def _guarded(settings):
    settings.OTP_PROOFS, settings.OTP_PROOF_COST = True, 1


def post(name, body, address=None, client=None, **headers):
    """By a client that nobody has seen before, unless its address is given."""
    extra = {"content_type": "application/json", "headers": headers, "REMOTE_ADDR": address or next(_addresses)}
    return (client or Client()).post(f"/api/{name}/", body, **extra)


def send(phone, address=None, client=None, **body):
    return post("send-otp", {"phone": phone, **body}, address, client)


def verify(phone, otp, address=None, client=None, **body):
    return post("verify-otp", {"phone": phone, "otp": otp, **body}, address, client)


def solved(response):
    """The proof of work that this refusal asks for."""
    assert code(response) == "proof_required"
    task = altcha.Challenge.from_dict(response.json()["altcha"])
    return altcha.Payload(task, altcha.solve_challenge(task)).to_base64()


def proven(phone, address=None, **body):
    """A send by a client that solves what it is asked."""
    response = send(phone, address, **body)
    return send(phone, address, **body, proof=solved(response)) if response.status_code == 403 else response


def code(response):
    return response.json().get("code", "sent")


def kazakh(n):
    """The n-th of many numbers of Kazakhstan, each of another prefix."""
    return f"+7701{n:03d}4567"


def used(limits, name, phone=""):
    """How much of a limit of these is used."""
    limit = next(limit for limit in limits.limits if limit.name == name)
    return stores.current().usage([limit], phone=phone)[0].used


@pytest.fixture
def signed_in(outbox):
    """Signs in by phone; what verify-otp answers."""

    def sign_in(phone, **body):
        assert proven(phone, **body).status_code == 200
        return verify(phone, outbox[-1].code, **body).json()

    return sign_in


class TestProof:
    @pytest.fixture
    def address(self, settings, outbox):
        """A client that has used half of what it may."""
        settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 8
        address = next(_addresses)
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
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    address = next(_addresses)
    proof = solved(send(new_phone(), address))
    phones = [new_phone() for _ in range(8)]
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 100
    answers = race(lambda number: send(phones[number], proof=proof), len(phones))
    assert sorted(code(answer) for answer in answers) == ["proof_required"] * 7 + ["sent"]
    assert len(outbox) == 1


class TestBeyondHalf:
    def test_of_a_prefix(self, settings):
        settings.OTP_UNCONVERTED_PER_PREFIX_HOUR = 4
        answers = [code(send(f"+99890123000{n}")) for n in range(3)]
        assert answers == ["sent", "sent", "proof_required"]
        assert code(send("+998901240000")) == "sent"

    def test_of_a_country(self, settings):
        settings.OTP_SENDS_PER_REGION_DAY = 4
        assert [code(send(new_phone())) for _ in range(3)] == ["sent", "sent", "proof_required"]
        assert code(send(kazakh(1))) == "sent"

    def test_of_an_ipv6_site_whose_clients_are_each_below_it(self, settings):
        settings.OTP_UNCONVERTED_PER_CLIENT_HOUR, settings.OTP_SITE_CLIENTS = 2, 2
        answers = [code(send(new_phone(), f"2001:db8:0:{n}::1")) for n in range(3)]
        assert answers == ["sent", "sent", "proof_required"]
        assert code(send(new_phone(), "2001:db8:1::1")) == "sent"


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
        """Kazakhstan has had ten sends without a success, and a minute has passed."""
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
    heard, phone, address = [], new_phone(), next(_addresses)

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
    assert record.otp == facts | {"event": "limited", "phone": f"{phone[:4]}•••••••{phone[-2:]}"}
    assert phone not in caplog.text


class TestDevice:
    @pytest.fixture
    def phone(self):
        return new_phone()

    @pytest.fixture
    def device(self, phone, signed_in, clock):
        device = signed_in(phone)["device"]
        clock.advance(HOUR)
        return device

    def spaced(self, clock, call, times):
        """Calls with twenty minutes between them, so that no wait refuses one."""
        answers = []
        for _ in range(times):
            answers.append(call())
            clock.advance(20 * MINUTE)
        return answers

    def test_verify_gives_one_that_is_known_from_then_on(self, phone, device):
        assert devices.recognise(phone, device)
        assert code(send(phone, device=device)) == "sent"
        assert ChallengeRow.objects.latest("created_at").device == devices.recognise(phone, device)

    def test_signing_in_again_with_it_keeps_it(self, phone, device, signed_in, clock):
        assert signed_in(phone, device=device)["device"] == device
        clock.advance(24 * 3600)
        again = signed_in(phone, device=device)["device"]
        assert again != device
        assert devices.recognise(phone, again) == devices.recognise(phone, device)

    def test_after_strangers_used_up_a_days_sends_it_still_has_five(self, phone, device, clock):
        strangers = self.spaced(clock, lambda: send(phone), 10)  # the first sign-in was one of a stranger too
        assert [code(answer) for answer in strangers] == ["sent"] * 9 + ["limited"]
        mine = self.spaced(clock, lambda: send(phone, device=device), 6)
        assert [code(answer) for answer in mine] == ["sent"] * 5 + ["limited"]

    def test_after_strangers_used_up_a_days_failures_it_still_signs_in(self, phone, device, clock, outbox):
        for _ in range(4):
            challenge_id = send(phone).json()["challenge_id"]
            for _ in range(5):
                verify(phone, other_than(outbox[-1].code), challenge_id=challenge_id)
            clock.advance(20 * MINUTE)
        assert code(send(phone)) == "limited"
        assert used(request_limits.for_send(phone, None, checks=5), "failures_per_phone_day", phone) == 20
        assert code(send(phone, device=device)) == "sent"
        for _ in range(4):
            assert verify(phone, other_than(outbox[-1].code), device=device).status_code == 400
        assert verify(phone, outbox[-1].code, device=device).status_code == 200

    def test_its_own_failures_are_ten_a_day(self, phone, device, clock, outbox):
        for _ in range(2):
            assert code(send(phone, device=device)) == "sent"
            for _ in range(5):
                verify(phone, other_than(outbox[-1].code), device=device)
            clock.advance(20 * MINUTE)
        assert code(send(phone, device=device)) == "limited"
        assert code(send(phone)) == "sent"  # the lane of strangers has not been touched

    def test_a_stranger_cannot_use_its_challenge_by_the_phone_alone(self, phone, device, outbox):
        send(phone, device=device)
        right = outbox[-1].code
        for guess in (right, other_than(right), right):
            assert verify(phone, guess).json()["code"] == "invalid_or_expired_code"
        assert ChallengeRow.objects.latest("created_at").checks_left == 5
        assert verify(phone, right, device=device).status_code == 200

    def test_the_challenge_of_a_stranger_does_not_come_between(self, phone, device, outbox, clock):
        send(phone, device=device)
        right = outbox[-1].code
        clock.advance(MINUTE)
        assert code(send(phone)) == "sent"
        assert verify(phone, right, device=device).status_code == 200

    def test_the_device_of_another_phone_is_a_stranger(self, device):
        phone = new_phone()
        assert code(send(phone, device=device)) == "sent"
        assert ChallengeRow.objects.get(phone=phone).device == ""

    def test_a_value_that_is_none_is_no_error(self, phone, outbox):
        assert code(send(phone, device="x" * 256)) == "sent"
        assert verify(phone, outbox[-1].code, device="\ud800").status_code == 200

    def test_signing_out_keeps_it(self, phone, signed_in, clock):
        done = signed_in(phone)
        assert post("logout", {}, authorization=f"Bearer {done['token']}").status_code == 204
        assert devices.recognise(phone, done["device"])

    def test_signing_out_everywhere_ends_it_and_all_tokens(self, phone, signed_in, clock):
        first = signed_in(phone)
        clock.advance(HOUR)
        second = signed_in(phone, device=first["device"])
        assert post("logout-everywhere", {}, authorization=f"Bearer {second['token']}").status_code == 204
        for done in (first, second):
            assert devices.recognise(phone, done["device"]) == ""
            assert Client().get("/api/me/", headers={"authorization": f"Bearer {done['token']}"}).status_code == 401
        clock.advance(HOUR)
        assert devices.recognise(phone, signed_in(phone, device=first["device"])["device"])

    def test_signing_out_everywhere_ends_all_sessions_too(self, phone, settings, clock, outbox):
        settings.OTP_TOKEN_BACKEND = SESSIONS
        browsers, given = [Client(), Client()], []
        for browser in browsers:
            send(phone, client=browser)
            given.append(verify(phone, outbox[-1].code, client=browser).json()["device"])
            clock.advance(HOUR)
        assert [browser.get("/api/me/").status_code for browser in browsers] == [200, 200]
        assert post("logout-everywhere", {}, client=browsers[0]).status_code == 204
        assert [browser.get("/api/me/").status_code for browser in browsers] == [401, 401]
        assert [devices.recognise(phone, device) for device in given] == ["", ""]


class TestSuccessOfAnAttacker:
    def test_on_its_own_number_gives_its_client_no_more_than_that_send(self, settings, outbox):
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = False, 3
        address, own = next(_addresses), new_phone()
        answers = [send(phone, address) for phone in (new_phone(), new_phone(), own)]
        assert verify(own, outbox[-1].code, address).status_code == 200
        answers += [send(new_phone(), address) for _ in range(2)]
        assert [code(answer) for answer in answers] == ["sent"] * 4 + ["limited"]

    def test_resets_neither_failed_checks_nor_sends_of_its_client(self, outbox):
        address, own = next(_addresses), new_phone()
        send(own, address)
        for guess in (other_than(outbox[-1].code),) * 2 + (outbox[-1].code,):
            answer = verify(own, guess, address)
        assert answer.status_code == 200
        assert used(request_limits.for_check(address), "checks_per_client_hour") == 2
        limits = request_limits.for_send(own, address, checks=5)
        assert used(limits, "sends_per_client_hour") == 1
        assert used(limits, "unconverted_per_client_hour") == 0

    def test_resets_nothing_of_its_victim(self, outbox):
        victim, own, address = new_phone(), new_phone(), next(_addresses)
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
