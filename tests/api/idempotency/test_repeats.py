"""The same request again under the same key gets the same answer, and nothing is sent."""

import pytest

from otp_app import stores
from otp_app.models import KeptAnswer
from tests.api.idempotency.keyed import KEY, ask, code
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


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
    assert list(answer) == ["message", "challenge_id", "expires_in", "resend_in", "phone"]
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
