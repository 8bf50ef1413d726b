"""The guard against the running service, at the default limits, with the challenges in SQL and in Redis."""

import base64
import json
from collections import Counter
from contextlib import ExitStack

import altcha
import pytest

from tests import valkey

from .conftest import surprises
from .running import running
from .talking import (
    Call,
    address,
    code_of,
    messages,
    messages_to,
    most_within,
    post,
    send,
    sending,
    together,
    verify,
    wrong,
)

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600


@pytest.fixture(params=["sql", "redis"])
def start(request, tmp_path):
    """Starts a service of its own for each test: what is counted of all must begin at nothing."""
    with ExitStack() as stack:
        redis = stack.enter_context(valkey.running()) if request.param == "redis" else None
        yield lambda **settings: stack.enter_context(running(tmp_path, redis=redis, OTP_PROOF_COST="1", **settings))


@pytest.fixture
def service(start):
    started = start()
    yield started
    assert surprises(started) == []


def solved(answer):
    """The proof of work that this refusal asks for."""
    assert (answer.status, answer.code) == (403, "proof_required")
    task = altcha.Challenge.from_dict(answer.json["altcha"])
    return altcha.Payload(task, altcha.solve_challenge(task)).to_base64()


def send_and_prove(service, number, **options):
    """A send by a client that solves what it is asked."""
    answer = send(service, number, **options)
    if answer.status != 403:
        return answer
    body = {"phone": number, "proof": solved(answer)}
    return post(service, "/api/send-otp/", body, **options)


def scattered(n):
    """The n-th of many numbers, each of another prefix."""
    return f"+99890{(1_000_003 + n * 10_007) % 10**7:07d}"


def test_three_hundred_clients_bomb_one_phone_for_a_day_with_four_messages(service):
    victim, clients = "+998901112233", [address() for _ in range(300)]
    for client in clients:
        answer = send_and_prove(service, victim, client=client)
        assert answer.status in (200, 429)
        service.clock.advance(DAY // len(clients))
    assert len(messages_to(service, victim)) == 4


def test_of_the_numbers_of_a_prefix_four_get_a_message_and_no_more_of_a_day(service):
    answers = Counter()
    for n in range(0, 10_000, 100):
        answer = send_and_prove(service, f"+99890555{n:04d}", client=address())
        answers[answer.status] += 1
    assert answers == {200: 4, 429: 96}
    assert len(messages(service)) == 4
    told = send(service, "+998905559999")
    assert 22 * HOUR <= told.json["retry_after"] <= 25 * HOUR
    assert send(service, "+998905569999").status == 200
    service.clock.advance(told.json["retry_after"])
    assert send(service, "+998905559999").status == 200


def test_beyond_half_of_a_network_a_proof_is_asked_and_good_for_one_send(service):
    for n in range(30):
        assert send(service, scattered(n), client=f"192.0.{n}.7").status == 200
    asked = send(service, scattered(30), client="192.0.77.7")
    proof = solved(asked)
    sends = [{"phone": scattered(31 + n), "proof": proof} for n in range(8)]
    answers = together([Call(service, "/api/send-otp/", body, client="192.0.78.7") for body in sends])
    assert Counter(answer.status for answer in answers) == {200: 1, 403: 7}
    assert len(messages(service)) == 31


def test_people_who_answer_are_never_refused_however_many_share_an_office(service):
    for n in range(120):
        number = scattered(n)
        answer = send(service, number, client="192.0.2.7")
        assert answer.status == 200, (n, answer.body)
        challenge_id = answer.json["challenge_id"]
        if n % 10:  # one of ten gives up
            assert verify(service, number, code_of(service, challenge_id), challenge_id).status == 200


def test_two_hundred_addresses_guess_a_phone_for_a_month_and_are_compared_twenty_a_day_and_a_hundred_in_all(service):
    victim, clients, n, compared, begin = "+998901112233", [address() for _ in range(200)], 0, [], service.clock.seconds
    while service.clock.seconds < begin + 33 * DAY:
        answer = send_and_prove(service, victim, client=clients[n := (n + 1) % 200])
        if answer.status == 429:
            service.clock.advance(min(answer.json["retry_after"], DAY))
            continue
        challenge_id = answer.json["challenge_id"]
        code = code_of(service, challenge_id)
        for guess in range(7):
            verify(service, victim, wrong(code, guess), challenge_id, client=clients[n := (n + 1) % 200])
        held = service.challenge(challenge_id)
        compared += [held["checked_at"]] * (5 - held["checks_left"])
    assert most_within(compared, DAY) == 20
    assert most_within(compared, 30 * DAY) == 100


@pytest.mark.each_database
@pytest.mark.parametrize("name", ["OTP_UNCONVERTED_PER_NETWORK_DAY", "OTP_UNCONVERTED_OF_STRANGERS_DAY"])
def test_a_cap_that_200_requests_race_for_is_not_overshot(start, name):
    service = start(OTP_PROOFS="0", OTP_HOME_NETWORKS="203.0.113.0/24", **{name: "40"})
    answers = together([sending(service, scattered(n), client=f"10.1.{n}.7") for n in range(200)])
    assert Counter(answer.status for answer in answers) == {200: 40, 429: 160}
    assert len(messages(service)) == 40


def test_a_client_is_one_however_it_spells_itself_its_numbers_and_the_path(start):
    service = start()
    addresses = [f"2001:db8:7:{n % 4 + 1:x}:{n * 7919 % 65536:x}::{n:x}" for n in range(120)]
    spoofed = [f"{n % 250 + 1}.2.3.4, {one}" for n, one in enumerate(addresses)]
    for n, forwarded in enumerate(spoofed):
        number = scattered(n)
        spelled = [number, f"{number[:4]} {number[4:6]} {number[6:]}", f"+({number[1:4]}){number[4:]}"][n % 3]
        path = ["/api/send-otp/", "/api/send-otp"][n % 2]
        post(service, path, {"phone": spelled}, client=forwarded)
    sent = len(messages(service))
    assert sent == 20  # of the /48
    refused = send(service, scattered(1000), client="2001:db8:7:1:ffff::1")
    assert refused.code == "limited"
    assert send(service, scattered(1001), client="2001:db8:8:1::1").status == 200


def test_a_device_that_signed_in_before_gets_in_whatever_strangers_do(service):
    number = "+998901112233"
    challenge_id = send(service, number).json["challenge_id"]
    device = verify(service, number, code_of(service, challenge_id), challenge_id).json["device"]
    service.clock.advance(DAY)
    while (answer := send_and_prove(service, number)).status == 200:
        opened = answer.json["challenge_id"]
        code = code_of(service, opened)
        for guess in range(5):
            verify(service, number, wrong(code, guess), opened)
        service.clock.advance(20 * MINUTE)
    assert answer.json["retry_after"] > HOUR  # strangers have used up what there is for them
    answer = post(service, "/api/send-otp/", {"phone": number, "device": device})
    assert answer.status == 200, answer.body
    code = code_of(service, answer.json["challenge_id"])
    for guess in range(5):
        assert verify(service, number, wrong(code, guess)).status == 400
    body = {"phone": number, "otp": code, "device": device}
    signed_in = post(service, "/api/verify-otp/", body)
    assert signed_in.status == 200, signed_in.body
    bearer = {"Authorization": f"Bearer {signed_in.json['token']}"}
    assert post(service, "/api/logout-everywhere/", headers=bearer).status == 204
    assert post(service, "/api/send-otp/", body | {"otp": None}).code == "invalid_request"
    forgotten = post(service, "/api/send-otp/", {"phone": number, "device": signed_in.json["device"]})
    assert forgotten.code == "limited"


def test_a_country_where_nobody_answers_is_asked_for_proofs_and_refused_while_others_are_not(start):
    service = start(OTP_UNCONVERTED_PER_REGION_DAY="20")

    def kazakh(n):
        return f"+7701{(1_000_003 + n * 10_007) % 10**7:07d}"

    for n in range(10):
        assert send(service, kazakh(n), client=address()).status == 200
    for n in range(10, 20):
        assert send(service, kazakh(n), client=address()).code == "proof_required"
        assert send_and_prove(service, kazakh(n), client=address()).status == 200
    refused = send_and_prove(service, kazakh(20), client=address())
    assert (refused.code, refused.json["retry_after"] > 22 * HOUR) == ("limited", True)
    assert send(service, scattered(1), client=address()).status == 200


def test_numbers_for_reviewers_take_their_code_and_are_sent_nothing(tmp_path):
    numbers = {"+15005550009": {"code": "246810", "expires": "2100-01-01"}}
    with running(tmp_path, OTP_TEST_NUMBERS=json.dumps(numbers)) as service:
        for _ in range(12):
            assert send(service, "+1 500 555 0009").status == 200
            assert verify(service, "+15005550009", "135791").status == 400
            assert verify(service, "+15005550009", "246810").status == 200
        assert messages(service) == []
        assert "send sent by test to +15005••••••" in service.output
        assert base64.b64encode(b"246810").decode() not in service.output
