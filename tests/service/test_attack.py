"""Races and long attacks against the running service. The invariants I1 … I9 are those of the design."""

import random
from collections import Counter

import pytest

from .talking import (
    address,
    code_of,
    get,
    messages_to,
    phone,
    send,
    sending,
    together,
    verify,
    verifying,
    wrong,
)

pytestmark = [pytest.mark.each_database, pytest.mark.requests]


@pytest.fixture(params=["sql_service", "redis_service"])
def service(request):
    return request.getfixturevalue(request.param)


WRONG = "invalid_or_expired_code"


def opened(service, number=None):
    """A fresh challenge: its phone, id and code."""
    number = number or phone()
    answer = send(service, number)
    assert answer.status == 200, answer.body
    challenge_id = answer.json["challenge_id"]
    return number, challenge_id, code_of(service, challenge_id)


def checks_left(service, challenge_id):
    return service.challenge(challenge_id)["checks_left"]


def tokens_of(service, number):
    users = service.database.rows("SELECT id FROM otp_app_user WHERE phone = ?", number)
    assert len(users) <= 1
    return sum(service.database.value("SELECT COUNT(*) FROM otp_app_token WHERE user_id = ?", *user) for user in users)


def test_of_300_wrong_guesses_at_once_five_are_compared(service):
    number, challenge_id, code = opened(service)
    answers = together([verifying(service, number, wrong(code, n), challenge_id) for n in range(300)])
    assert {(answer.status, answer.code) for answer in answers} == {(400, WRONG)}
    assert checks_left(service, challenge_id) == 0
    assert verify(service, number, code, challenge_id).code == WRONG
    assert tokens_of(service, number) == 0


def test_guesses_by_phone_alone_leave_the_rest_to_who_holds_the_id(service):
    number, challenge_id, code = opened(service)
    answers = together([verifying(service, number, wrong(code, n)) for n in range(100)])
    assert {(answer.status, answer.code) for answer in answers} == {(400, WRONG)}
    assert checks_left(service, challenge_id) == 2
    assert verify(service, number, code).code == WRONG  # the strangers' share is spent, even for the right code
    assert verify(service, number, wrong(code), challenge_id).code == WRONG
    assert verify(service, number, code, challenge_id).status == 200


def test_of_100_right_codes_at_once_one_gets_a_token(service):
    number, challenge_id, code = opened(service)
    answers = together([verifying(service, number, code, challenge_id) for _ in range(100)])
    assert Counter(answer.status for answer in answers) == {200: 1, 400: 99}
    assert {answer.code for answer in answers if answer.status == 400} == {WRONG}
    assert tokens_of(service, number) == 1
    token = next(answer for answer in answers if answer.status == 200).json["token"]
    assert get(service, "/api/me/", headers={"Authorization": f"Bearer {token}"}).json["phone"] == number


def test_of_a_right_code_among_wrong_ones_at_most_one_token_comes(service):
    number, challenge_id, code = opened(service)
    codes = [code if n % 10 == 0 else wrong(code, n) for n in range(100)]
    answers = together([verifying(service, number, guess, challenge_id) for guess in codes])
    won = [guess for guess, answer in zip(codes, answers, strict=True) if answer.status == 200]
    assert won in ([], [code])
    assert tokens_of(service, number) == len(won)
    assert {answer.status for answer in answers} <= {200, 400}


def test_two_first_verifications_at_once_make_one_user(service):
    calls = []
    numbers = [phone() for _ in range(15)]
    firsts = [opened(service, number) for number in numbers]
    service.clock.advance(61)
    for first, second in zip(firsts, [opened(service, number) for number in numbers], strict=True):
        calls += [verifying(service, number, code, challenge_id) for number, challenge_id, code in (first, second)]
    answers = together(calls)
    assert Counter(answer.status for answer in answers) == {200: 15, 400: 15}  # the first ends the other challenge
    assert {tokens_of(service, number) for number in numbers} == {1}
    won = [answer.json["user"] for answer in answers if answer.status == 200]
    assert {user["phone"] for user in won} == set(numbers)
    assert {user["is_new"] for user in won} == {True}


def test_of_200_sends_to_a_phone_at_once_one_goes_out(service):
    number = phone()
    answers = together([sending(service, number) for _ in range(200)])
    assert Counter(answer.status for answer in answers) == {200: 1, 429: 199}
    refused = [answer for answer in answers if answer.status == 429]
    assert {answer.code for answer in refused} == {"limited"}
    assert max(int(answer.headers["retry-after"]) for answer in refused) <= 60
    assert len(messages_to(service, number)) == 1


def test_of_100_resends_of_a_challenge_at_once_one_goes_out(service):
    number, challenge_id, code = opened(service)
    service.clock.advance(61)
    answers = together([sending(service, number, challenge_id=challenge_id) for _ in range(100)])
    assert Counter(answer.status for answer in answers) == {200: 1, 429: 99}
    assert [message["code"] for message in messages_to(service, number)] == [code, code]


def test_a_client_checks_no_more_than_its_cap(service):
    client, challenges = address(), [opened(service) for _ in range(30)]
    calls = [
        verifying(service, number, wrong(code, n), challenge_id, client=client)
        for number, challenge_id, code in challenges
        for n in range(5)
    ]
    answers = together(random.sample(calls, len(calls)))
    assert Counter((answer.status, answer.code) for answer in answers) == {(400, WRONG): 100, (429, "limited"): 50}
    assert sum(5 - checks_left(service, challenge_id) for _, challenge_id, _ in challenges) == 100


def test_spellings_of_a_number_are_one_number(service):
    number, _, code = opened(service)
    plain = number.removeprefix("+998")
    spellings = [f"+998 {plain}", f"+998-{plain[:2]}-{plain[2:]}", f"+(998){plain}", f"+998 ({plain[:2]}) {plain[2:]}"]
    answers = together([sending(service, spelling) for spelling in spellings])
    refused = [answer for answer in answers if answer.code in ("limited", "invalid_phone")]
    assert len(refused) == len(spellings)
    assert any(answer.code == "limited" for answer in refused)
    assert len(messages_to(service, number)) == 1
    assert verify(service, spellings[0], code).json["user"]["phone"] == number
