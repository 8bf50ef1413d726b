"""A verification under an Idempotency-Key: its repeat gets the same answer, and costs nothing."""

import sys
from collections import Counter
from functools import partial

import pytest
from django.db import connection
from django.test import Client

from otp_app import stores
from otp_app.api import idempotency
from otp_app.models import KeptAnswer, Token, User
from tests import members
from tests.api.idempotency.keyed import KEY, ask, code
from tests.api.test_statements import counted
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

verify = partial(ask, name="verify-otp")


@pytest.fixture
def body(client, remote):
    return sent(client, remote)


def sent(client, remote):
    """Send a code, and return the body that answers it."""
    phone = new_phone()
    challenge_id = ask(client, {"phone": phone}, key=None).json()["challenge_id"]
    return {"phone": phone, "otp": remote.sent[-1][1].code, "challenge_id": challenge_id}


def test_the_same_again_gets_the_same_answer_to_the_byte_and_no_second_token(client, body, clock, remote):
    first = verify(client, body)
    assert first.status_code == 200
    for seconds in (0, 30, 25):
        clock.advance(seconds)
        again = verify(client, body)
        assert (again.status_code, again.content) == (200, first.content)
    assert Token.objects.count() == len(remote.sent) == 1
    assert stores.current().get(body["challenge_id"]).checks_left == 4


def test_after_a_minute_it_is_a_code_that_was_used(client, body, clock):
    assert verify(client, body).status_code == 200
    clock.advance(61)
    assert code(verify(client, body)) == (400, "invalid_or_expired_code")


def test_after_a_logout_the_answer_is_the_same_and_its_token_dead(client, body):
    first = verify(client, body)
    bearer = {"Authorization": f"Bearer {first.json()['token']}"}
    assert client.post("/api/logout/", headers=bearer).status_code == 204
    assert verify(client, body).content == first.content
    assert client.get("/api/me/", headers=bearer).status_code == 401


@pytest.mark.parametrize("member", ["phone", "otp", "challenge_id", "device", "profile"])
def test_another_body_under_the_key_is_refused(client, body, member, settings):
    settings.OTP_ACCOUNTS = members.path(members.Optional)
    assert verify(client, body).status_code == 200
    other = {"phone": new_phone(), "otp": other_than(body["otp"]), "challenge_id": "0" * 32, "device": "another"}
    other["profile"] = {"full_name": "A Name"}
    assert code(verify(client, body | {member: other[member]})) == (422, "idempotency_key_reused")


def test_another_key_and_another_client_get_what_they_would_without(client, body):
    assert verify(client, body).status_code == 200
    assert code(verify(client, body, key="another")) == (400, "invalid_or_expired_code")
    assert code(verify(Client(REMOTE_ADDR="192.0.2.77"), body)) == (400, "invalid_or_expired_code")


def test_a_key_of_a_send_is_no_key_of_a_verification(client, remote):
    phone = new_phone()
    ask(client, {"phone": phone})
    assert verify(client, {"phone": phone, "otp": remote.sent[-1][1].code}).status_code == 200


def test_a_refusal_is_not_kept(client, body):
    assert code(verify(client, body | {"otp": other_than(body["otp"])})) == (400, "invalid_or_expired_code")
    assert not KeptAnswer.objects.exists()
    assert verify(client, body).status_code == 200


def test_nor_is_the_question_for_a_profile_and_what_the_accounts_show_is(client, body, settings):
    settings.OTP_ACCOUNTS = members.path(members.Dated)
    assert code(verify(client, body)) == (400, "profile_required")
    assert not KeptAnswer.objects.exists()
    first = verify(client, body | {"profile": {"full_name": "A Name"}})
    assert first.json()["user"].keys() >= {"full_name", "joined", "reference"}
    assert verify(client, body | {"profile": {"full_name": "A Name"}}).content == first.content


def test_without_the_library_that_encrypts_it_is_a_verification_without_a_key(client, body, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert verify(client, body).status_code == 200
    assert not KeptAnswer.objects.exists()
    assert code(verify(client, body)) == (400, "invalid_or_expired_code")


def test_twenty_at_once_get_one_token_and_no_other_answer(body):
    answers = race(lambda _: verify(Client(), body), 20)
    told = Counter(code(answer) for answer in answers)
    assert set(told) <= {(200, None), (409, "request_in_progress")}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert Token.objects.count() == 1


def test_neither_token_nor_code_nor_key_nor_phone_can_be_read_where_it_is_kept(client, body):
    answer = verify(client, body).json()
    row = str(KeptAnswer.objects.values().get())
    for secret in (answer["token"], answer["device"], body["phone"][1:], body["otp"], KEY):
        assert secret not in row


def test_what_is_kept_is_of_no_use_to_another_request(client, remote, body):
    """Whoever can write into the database, and puts another row's answer into their own, gets nothing of it."""
    verify(client, body)
    theirs = KeptAnswer.objects.get().answer
    own = sent(client, remote)
    verify(client, own, key="another")
    KeptAnswer.objects.update(answer=theirs)
    assert code(verify(client, own, key="another")) == (400, "invalid_or_expired_code")


def test_a_replaced_secret_opens_what_its_predecessor_closed(client, body, settings):
    settings.OTP_LEDGER_KEY = "stays, as it should, for good and all"
    first = verify(client, body)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
        "another secret, just as long as it needs",
        [settings.SECRET_KEY],
    )
    assert verify(client, body).content == first.content


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(client, body, monkeypatch):
    def fail(row):
        raise idempotency.DatabaseError

    monkeypatch.setattr(idempotency, "_unchanged", fail)
    assert verify(client, body).status_code == 200


def test_sessions_are_told_by_their_cookie_so_nothing_is_kept(client, body, settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
    assert verify(client, body).status_code == 200
    assert not KeptAnswer.objects.exists()


def test_the_purge_deletes_what_is_kept(client, body, clock):
    verify(client, body)
    clock.advance(61)
    stores.current().purge()
    assert not KeptAnswer.objects.exists()


def statements(client, remote, key):
    """Return what a sign-in of a known user costs, its first time and again."""
    phone = new_phone()
    User.objects.create_user(phone)
    ask(client, {"phone": phone}, key=None)
    body = {"phone": phone, "otp": remote.sent[-1][1].code}
    return [counted(lambda: verify(client, body, key=key))[1] for _ in range(2)]


def test_a_key_costs_three_statements_and_a_known_one_is_answered_with_one(client, remote, store):
    statements(client, remote, None)  # a Redis that knows nothing yet asks the database
    bare, _ = statements(client, remote, None)
    asks_the_time = connection.vendor == "postgresql" and type(store).__name__ == "SqlStore"
    assert statements(client, remote, KEY) == [bare + 3 + asks_the_time, 1 + asks_the_time]
