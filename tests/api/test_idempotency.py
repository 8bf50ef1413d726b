"""Idempotency-Key on POST /api/send-otp/: the same again is answered as the first time, and nothing is sent."""

import json
from collections import Counter

import pytest
from django.db import DatabaseError, OperationalError, connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from otp_app import queues, services, stores
from otp_app.api import idempotency
from otp_app.db import writes
from otp_app.delivery import dispatch, sweeper
from otp_app.errors import ProofRequired, Unavailable
from otp_app.models import ChallengeRow, Delivery, KeptAnswer
from otp_app.providers.base import NotAccepted, Receipt, Rejected, Unknown
from tests.factories import new_phone, other_than
from tests.races import race
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "0b7e4d2a-5d0c-4d6e-9a51-6a7d3c1f2e90"
LEASE = 16  # seconds, a little more than the real one


@pytest.fixture(autouse=True)
def store(clock, each_store):
    return each_store


@pytest.fixture(autouse=True)
def remote(store):
    with remotes() as told:
        yield told


class Died(BaseException):
    """As if the process had been killed at that place."""


@pytest.fixture
def client(client):
    client.raise_request_exception = False
    return client


def ask(client, body, key=KEY, **headers):
    headers |= {} if key is None else {"Idempotency-Key": key}
    raw = body if isinstance(body, str) else json.dumps(body)
    return client.post("/api/send-otp/", raw, content_type="application/json", headers=headers)


def code(response):
    return response.status_code, response.json().get("code")


def dying(monkeypatch, owner, name, *, before):
    """The process dies when it gets there, before or after what happens there."""
    real = getattr(owner, name)

    def die(*args, **kwargs):
        if not before:
            real(*args, **kwargs)
        raise Died

    monkeypatch.setattr(owner, name, die)


# the same again


def test_the_same_again_gets_the_same_answer_to_the_byte_and_one_message(client, remote, clock):
    body = {"phone": new_phone()}
    first = ask(client, body)
    assert first.status_code == 200
    for seconds in (0, 30, 100, 100):
        clock.advance(seconds)
        again = ask(client, body)
        assert (again.status_code, again.content) == (200, first.content)
        assert sorted(again.headers.items()) == sorted(first.headers.items())
    assert len(remote.sent) == 1


def test_and_it_is_the_published_answer(client):
    answer = ask(client, {"phone": new_phone()}).json()
    assert list(answer) == ["message", "challenge_id", "expires_in", "resend_in"]
    assert stores.current().get(answer["challenge_id"]) is not None


def test_when_the_challenge_has_expired_the_key_is_free(client, remote, clock):
    body = {"phone": new_phone()}
    first = ask(client, body).json()
    clock.advance(301)
    second = ask(client, body).json()
    assert first["challenge_id"] != second["challenge_id"]
    assert len(remote.sent) == 2
    clock.advance(301)
    assert ask(client, {"phone": new_phone()}).status_code == 200  # for another body too


def test_a_body_is_the_same_in_any_order_and_spacing(client, remote):
    phone = new_phone()
    bodies = [
        f'{{"phone": "{phone}", "channel": "sms"}}',
        f'{{"channel":"sms",\n"phone":"{phone}"}}',
        f'{{"channel": "\\u0073ms", "phone": "{phone}"}}',
    ]
    assert len({ask(client, body).content for body in bodies}) == 1
    assert len(remote.sent) == 1


@pytest.mark.parametrize("other", [{"phone": "+998901112233"}, {"channel": "sms"}, {"challenge_id": "0" * 32}])
def test_another_body_under_the_key_is_refused(client, remote, other):
    body = {"phone": new_phone()}
    ask(client, body)
    response = ask(client, body | other)
    assert code(response) == (422, "idempotency_key_reused")
    assert response["Content-Type"] == "application/problem+json"
    assert len(remote.sent) == 1


def test_keys_are_a_clients_own(client, remote):
    body = {"phone": new_phone()}
    first = ask(client, body)
    client.defaults["REMOTE_ADDR"] = "192.0.2.77"
    assert code(ask(client, body)) == (429, "limited")
    assert ask(client, {"phone": new_phone()}).json()["challenge_id"] != first.json()["challenge_id"]


def test_another_key_is_another_request(client):
    body = {"phone": new_phone()}
    ask(client, body)
    assert code(ask(client, body, key="another")) == (429, "limited")


def test_the_code_that_was_sent_signs_in(client, remote):
    phone = new_phone()
    challenge_id = ask(client, {"phone": phone}).json()["challenge_id"]
    ask(client, {"phone": phone})
    otp = {"phone": phone, "otp": remote.sent[0][1].code, "challenge_id": challenge_id}
    assert client.post("/api/verify-otp/", otp, content_type="application/json").status_code == 200
    assert ask(client, {"phone": phone}).status_code == 200  # the answer still stands
    assert len(remote.sent) == 1


def test_a_resend_has_its_key_too(client, remote, clock):
    phone = new_phone()
    challenge_id = ask(client, {"phone": phone}).json()["challenge_id"]
    clock.advance(60)
    again = {"phone": phone, "challenge_id": challenge_id}
    first = ask(client, again, key="second")
    assert (first.status_code, first.json()["challenge_id"]) == (200, challenge_id)
    assert ask(client, again, key="second").content == first.content
    assert len(remote.sent) == 2
    assert code(ask(client, again, key="third")) == (429, "limited")


def test_nothing_of_it_can_be_read_in_the_database(client):
    phone = new_phone()
    ask(client, {"phone": phone})
    row = KeptAnswer.objects.values().get()
    assert str(KeptAnswer.objects.get()) == str(row["key"])
    assert phone[1:] not in str(row)
    assert KEY not in str(row)
    assert "127.0.0.1" not in str(row)


# the key


@pytest.mark.parametrize("key", ["k", " k", '"quoted"', 255 * "k", "a b~!"])
def test_a_key_is_any_printable_ascii(client, key):
    assert ask(client, {"phone": new_phone()}, key=key).status_code == 200


@pytest.mark.parametrize("key", ["", 256 * "k", "k\u00e9y", "tab\tbed", "nul\0", "\x7f"])
def test_what_is_no_key_is_said_to_be_none(client, remote, key):
    response = ask(client, {"phone": new_phone()}, key=key)
    assert code(response) == (400, "invalid_request")
    assert list(response.json()["errors"]) == ["Idempotency-Key"]
    assert remote.sent == []


def test_without_a_key_nothing_is_kept(client):
    ask(client, {"phone": new_phone()}, key=None)
    assert not KeptAnswer.objects.exists()


def test_what_has_not_the_right_form_holds_no_key(client):
    assert code(ask(client, {"phone": 1})) == (400, "invalid_request")
    assert not KeptAnswer.objects.exists()
    assert ask(client, {"phone": new_phone()}).status_code == 200


# refusals


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
        broken.setattr(idempotency, "_as_seen", fail)
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
        broken.setattr(idempotency, "_as_seen", fail)
        first = ask(client, body)
    assert first.status_code == 200
    clock.advance(LEASE)
    again = ask(client, body).json()
    assert again["challenge_id"] == first.json()["challenge_id"]
    assert len(remote.sent) == 1


# in flight, and left behind


def test_what_is_in_flight_is_409_and_says_when_to_ask_again(client, remote, monkeypatch):
    body, seen = {"phone": new_phone()}, []

    def meanwhile(message):
        seen.append(ask(Client(), body))
        seen.append(ask(Client(), body | {"channel": "sms"}))
        connections.close_all()  # of this thread, which is a provider's
        return Receipt("1")

    remote.behave(meanwhile)
    assert ask(client, body).status_code == 200
    assert [code(response) for response in seen] == [(409, "request_in_progress"), (422, "idempotency_key_reused")]
    assert seen[0]["Retry-After"] == str(seen[0].json()["retry_after"]) == "1"
    assert len(remote.sent) == 1


def test_a_process_that_died_before_its_challenge_was_there_is_followed_by_another(client, remote, monkeypatch, clock):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, stores.current(), "open", before=True)
        with pytest.raises(Died):
            ask(client, body)
    assert code(ask(client, body)) == (409, "request_in_progress")
    clock.advance(LEASE)
    first = ask(client, body)
    assert (first.status_code, len(remote.sent)) == (200, 1)
    assert ask(client, body).content == first.content


@pytest.mark.parametrize("before", [True, False], ids=["queued", "delivered"])
def test_a_process_that_died_after_the_commit_is_answered_by_the_challenge(client, remote, monkeypatch, clock, before):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, queues.current(), "enqueue", before=before)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(LEASE)
    first = ask(client, body)
    answer = first.json()
    assert (first.status_code, len(remote.sent)) == (200, 0 if before else 1)  # the rest is the sweep's
    if not before:
        assert answer["challenge_id"] == Delivery.objects.get().challenge.hex
    assert stores.current().get(answer["challenge_id"]).phone == body["phone"]
    assert 300 - 2 * LEASE < answer["expires_in"] <= 300 - LEASE
    assert 60 - 2 * LEASE < answer["resend_in"] <= 60 - LEASE + 1
    assert ask(client, body).content == first.content
    clock.advance(300)
    assert ask(client, body).json()["challenge_id"] != answer["challenge_id"]


def test_one_that_died_before_its_delivery_was_written_down_is_still_delivered(
    client, remote, monkeypatch, clock, settings
):
    """With Redis the challenge comes first and the row for workers second; with SQL there is nothing between them."""
    place = "_queue" if settings.OTP_STORE.endswith("RedisStore") else "_ask"
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    body = {"phone": new_phone()}
    with monkeypatch.context() as fatal:
        dying(fatal, type(stores.current()), place, before=True)
        with pytest.raises(Died):
            ask(client, body)
    assert not Delivery.objects.exists()
    clock.advance(LEASE)
    answer = ask(client, body)
    assert answer.status_code == 200
    for _ in range(2):
        dispatch.deliver(answer.json()["challenge_id"])
    assert [message.reference for _, message in remote.sent] == [answer.json()["challenge_id"]]


def test_one_that_died_with_what_it_delivers_itself_is_answered_and_not_begun_a_second_time(
    client, remote, monkeypatch, clock
):
    """It may have asked the provider, for all that anybody knows."""
    body = {"phone": new_phone()}
    with monkeypatch.context() as fatal:
        dying(fatal, queues.current(), "enqueue", before=True)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(LEASE)
    assert ask(client, body).status_code == 200
    sweeper.sweep()
    clock.advance(60)
    assert sweeper.sweep().abandoned == 1
    assert list(Delivery.objects.values_list("status", "error")) == [("unknown", "lease")]
    assert remote.sent == []


def test_a_resend_that_died_is_told_from_the_send_before_it(client, remote, monkeypatch, clock):
    phone = new_phone()
    again = {"phone": phone, "challenge_id": ask(client, {"phone": phone}).json()["challenge_id"]}
    clock.advance(60)
    with monkeypatch.context() as broken:
        dying(broken, stores.current(), "spend_send", before=True)
        with pytest.raises(Died):
            ask(client, again, key="second")
    clock.advance(LEASE)
    assert ask(client, again, key="second").status_code == 200
    assert len(remote.sent) == 2
    clock.advance(120)
    with monkeypatch.context() as broken:
        dying(broken, queues.current(), "enqueue", before=False)
        with pytest.raises(Died):
            ask(client, again, key="third")
    clock.advance(LEASE)
    assert ask(client, again, key="third").json()["challenge_id"] == again["challenge_id"]
    assert len(remote.sent) == 3


def test_one_whose_send_was_undone_before_it_died_is_done_anew(client, remote, monkeypatch, clock):
    remote.fail(NotAccepted("503"))
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, idempotency, "_let_go", before=True)
        with pytest.raises(Died):
            ask(client, body)
    remote.work()
    clock.advance(LEASE)
    answer = ask(client, body)
    assert answer.status_code == 200
    assert len(remote.sent) == 2
    assert answer.json()["challenge_id"] == remote.sent[1][1].reference != remote.sent[0][1].reference


def test_one_whose_challenge_has_expired_meanwhile_is_done_anew(client, remote, monkeypatch, clock):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, queues.current(), "enqueue", before=False)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(301)
    assert ask(client, body).status_code == 200
    assert len(remote.sent) == 2


def test_of_many_who_find_one_left_behind_one_takes_it_over(client, remote, monkeypatch, clock):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, stores.current(), "open", before=True)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(LEASE)
    codes = Counter(code(answer) for answer in race(lambda _: ask(Client(), body), 12))
    assert set(codes) <= {(200, None), (409, "request_in_progress")}
    assert codes[200, None] >= 1
    assert len(remote.sent) == 1


def test_who_is_slower_than_another_in_taking_it_over_is_told_to_wait(client, remote, monkeypatch, clock):
    body = {"phone": new_phone()}
    ask(client, body)
    clock.advance(301)
    real = idempotency._as_seen

    def overtaken(row):
        KeptAnswer.objects.update(expires_at=row.expires_at + 1)
        return real(row)

    monkeypatch.setattr(idempotency, "_as_seen", overtaken)
    assert code(ask(client, body)) == (409, "request_in_progress")
    assert len(remote.sent) == 1


def test_a_key_that_is_freed_while_we_look_is_as_in_flight(client, monkeypatch):
    monkeypatch.setattr(writes, "run", lambda alias, part: [])
    assert code(ask(client, {"phone": new_phone()})) == (409, "request_in_progress")


def test_twenty_equal_requests_at_once_send_one_message(client, remote):
    body = {"phone": new_phone()}
    answers = race(lambda _: ask(Client(), body), 20)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    codes = Counter(code(answer) for answer in answers)
    assert set(codes) <= {(200, None), (409, "request_in_progress")}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert len(remote.sent) == 1
    assert ask(client, body).status_code == 200


def test_a_wrong_guess_changes_nothing_of_the_answer(client, remote):
    phone = new_phone()
    first = ask(client, {"phone": phone})
    guess = {"phone": phone, "otp": other_than(remote.sent[0][1].code)}
    client.post("/api/verify-otp/", guess, content_type="application/json")
    assert ask(client, {"phone": phone}).content == first.content


# keeping and cost


def test_answers_are_purged_when_their_challenge_has_expired(client, store, clock):
    ask(client, {"phone": new_phone()})
    clock.advance(240)
    store.purge()
    assert KeptAnswer.objects.count() == 1
    clock.advance(61)
    store.purge()
    assert not KeptAnswer.objects.exists()


def test_what_a_dead_process_held_is_kept_for_as_long_as_its_challenge_may_live(client, store, monkeypatch, clock):
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, queues.current(), "enqueue", before=False)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(240)
    store.purge()
    assert ask(client, body).status_code == 200
    assert Delivery.objects.count() == 1


CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


def statements(client, body, key):
    with CaptureQueriesContext(connection) as captured:
        assert ask(client, body, key=key).status_code == 200
    return sum(not query["sql"].startswith(CONTROL) for query in captured)


def test_a_key_costs_three_statements_and_a_known_one_is_answered_with_one(client, store):
    ask(client, {"phone": new_phone()}, key=None)  # a Redis that knows nothing yet asks the database
    bare = statements(client, {"phone": new_phone()}, None)
    body = {"phone": new_phone()}
    asks_the_time = connection.vendor == "postgresql" and type(store).__name__ == "SqlStore"
    assert statements(client, body, KEY) == bare + 3 + asks_the_time
    assert statements(client, body, KEY) == 1 + asks_the_time


def test_cross_origin_pages_may_send_the_header(client, settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    response = client.options(
        "/api/send-otp/",
        headers={
            "Origin": "https://app.example.com",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "idempotency-key",
        },
    )
    assert "idempotency-key" in response["Access-Control-Allow-Headers"].split(", ")
    assert not ChallengeRow.objects.exists()
