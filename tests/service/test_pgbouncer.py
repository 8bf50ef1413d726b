"""PostgreSQL only (see conftest): behind a PgBouncer that lends a connection for one transaction, then another one."""

import os
from collections import Counter

import pytest

from tests import inner, pgbouncer

from .conftest import UNREACHED_LIMITS, surprises
from .running import running
from .talking import code_of, get, phone, send, sending, together, verifying, wrong

pytestmark = pytest.mark.skipif(not pgbouncer.find() and not os.environ.get("CI"), reason="PgBouncer is not installed")


@pytest.fixture(scope="module")
def pooler():
    with pgbouncer.running(os.environ["DATABASE_URL"]) as address:
        yield address


@pytest.fixture(scope="module")
def service(pooler, tmp_path_factory):
    """Also its migrations, and all that a test looks up, go through the pooler."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", pooler)
        with running(tmp_path_factory.mktemp("pooled"), **UNREACHED_LIMITS) as started:
            yield started
            assert surprises(started) == []


def test_people_sign_in_at_the_same_time(service):
    numbers = [phone() for _ in range(30)]
    opened = [answer.json["challenge_id"] for answer in together([sending(service, number) for number in numbers])]
    named = list(zip(numbers, opened, strict=True))
    signed_in = together([verifying(service, number, code_of(service, id_), id_) for number, id_ in named])
    assert Counter(answer.status for answer in signed_in) == {200: 30}
    tokens = [{"Authorization": f"Bearer {answer.json['token']}"} for answer in signed_in]
    assert [get(service, "/api/me/", headers=token).json["phone"] for token in tokens] == numbers


def test_i2_and_i8_of_many_at_once_no_more_get_through_than_may(service):
    number = phone()
    sends = together([sending(service, number) for _ in range(20)])
    assert Counter(answer.status for answer in sends) == {200: 1, 429: 19}
    opened = next(answer.json["challenge_id"] for answer in sends if answer.status == 200)
    code = code_of(service, opened)
    guesses = together([verifying(service, number, wrong(code, n), opened) for n in range(30)])
    assert {answer.code for answer in guesses} == {"invalid_or_expired_code"}
    assert service.challenge(opened)["checks_left"] == 0


def test_its_commands_run(service):
    send(service, phone())
    assert "Swept" in service.manage("otp_sweep")
    assert "file" in service.manage("otp_report")
    service.manage("otp_purge")


def test_the_races_and_the_contract_of_the_store_hold(pooler):
    with inner.database(os.environ["DATABASE_URL"]) as name:
        done = inner.play(pooler, name, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout[-4000:]
