"""A refusal frees the key; after an error the challenge shows what happened."""

import pytest
from django.db import DatabaseError, OperationalError

from otp_app import services
from otp_app.api import idempotency
from otp_app.errors import ProofRequired, Unavailable
from otp_app.models import KeptAnswer
from otp_app.providers.base import NotAccepted, Rejected, Unknown
from tests.api.idempotency.keyed import LEASE, ask, code
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("error", "status"), [(NotAccepted("503"), 503), (Rejected("21211"), 400)], ids=["outage", "number"]
)
def test_a_send_that_was_refused_frees_the_key(client, remote, error, status):
    remote.fail(error)
    assert ask(client, {"phone": new_phone()}).status_code == status
    assert not KeptAnswer.objects.exists()
    remote.work()
    assert ask(client, {"phone": new_phone()}).status_code == 200


def test_a_limit_frees_the_key(client, clock):
    body = {"phone": new_phone()}
    ask(client, body, key="first")
    assert code(ask(client, body)) == (429, "limited")
    clock.advance(60)
    assert ask(client, body).status_code == 200


def test_a_proof_that_is_asked_for_frees_the_key_for_the_request_that_brings_it(client, monkeypatch, remote):
    real, body = services.send_code, {"phone": new_phone()}

    def refuse(**asked):
        if not asked["proof"]:
            raise ProofRequired
        return real(**asked | {"proof": None})

    monkeypatch.setattr(services, "send_code", refuse)
    assert code(ask(client, body)) == (403, "proof_required")
    assert ask(client, body | {"proof": "solved"}).status_code == 200


@pytest.mark.parametrize("wanted", ["0" * 32, "no id at all", "\u00e9" * 32])
def test_an_id_that_is_none_frees_the_key(client, wanted):
    response = ask(client, {"phone": new_phone(), "challenge_id": wanted})
    assert code(response) == (400, "invalid_or_expired_code")
    assert not KeptAnswer.objects.exists()


def test_a_lost_reply_is_a_send_that_happened(client, remote):
    remote.fail(Unknown("timeout"))
    body = {"phone": new_phone()}
    first = ask(client, body)
    assert (first.status_code, ask(client, body).content) == (200, first.content)
    assert len(remote.sent) == 1


@pytest.mark.parametrize("error", [Unavailable(), OperationalError("gone"), RuntimeError("a bug")])
@pytest.mark.parametrize("sent", [False, True])
def test_after_an_error_nobody_knows_and_the_challenge_tells(client, remote, monkeypatch, error, sent):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        real = services.send_code

        def fail(**asked):
            if sent:
                real(**asked)
            raise error

        broken.setattr(services, "send_code", fail)
        assert ask(client, body).status_code in (500, 503)
    answer = ask(client, body)
    assert answer.status_code == 200
    assert len(remote.sent) == 1
    assert answer.json()["challenge_id"] == remote.sent[0][1].reference
    assert ask(client, body).content == answer.content


def test_when_the_key_cannot_be_freed_it_frees_itself(client, remote, monkeypatch, clock):
    remote.fail(NotAccepted("503"))
    body = {"phone": new_phone()}

    def fail(row):
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "_unchanged", fail)
        assert code(ask(client, body)) == (503, "delivery_failed")
    remote.work()
    assert code(ask(client, body)) == (409, "request_in_progress")
    clock.advance(LEASE)
    assert ask(client, body).status_code == 200


def test_a_send_whose_answer_cannot_be_kept_is_answered_all_the_same(client, remote, monkeypatch, clock):
    body = {"phone": new_phone()}

    def fail(row):
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(idempotency, "_unchanged", fail)
        first = ask(client, body)
    assert first.status_code == 200
    clock.advance(LEASE)
    again = ask(client, body).json()
    assert again["challenge_id"] == first.json()["challenge_id"]
    assert len(remote.sent) == 1
