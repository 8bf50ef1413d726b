"""A key whose request is in progress, or whose process has died."""

from collections import Counter
from functools import partial

import pytest
from django.db import connections
from django.test import Client

from otp_app import accounts, queues, stores, tokens
from otp_app.api import idempotency
from otp_app.db import writes
from otp_app.delivery import dispatch, sweeper
from otp_app.models import Delivery, KeptAnswer
from otp_app.providers.base import NotAccepted, Receipt
from tests.api.idempotency.keyed import KEY, LEASE, Died, ask, code, dying
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_what_was_withheld_when_its_process_died_is_delivered_by_nobody(client, remote, monkeypatch, clock, settings):
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    settings.OTP_SIGN_UP = "closed"
    body = {"phone": new_phone()}
    with monkeypatch.context() as broken:
        dying(broken, queues, "enqueue", before=True)
        with pytest.raises(Died):
            ask(client, body)
    clock.advance(LEASE)
    assert ask(client, body).status_code == 200
    clock.advance(LEASE)
    sweeper.sweep()
    assert remote.sent == []


@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_a_code_to_a_new_number_that_died_before_its_delivery_was_written_down_is_still_delivered(
    client, remote, monkeypatch, clock, settings, django_user_model, sign_up
):
    place = "_queue" if settings.OTP_STORE.endswith("RedisStore") else "_ask"
    settings.OTP_QUEUE, settings.OTP_SIGN_UP = "tests.delivery.test_sweeper.LosingQueue", sign_up
    user = django_user_model.objects.create_user(new_phone())
    accounts.current().set_phone(user, "")
    headers = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "idempotency-key": KEY}
    sent = partial(client.post, "/api/phone/", {"phone": new_phone()}, "application/json", headers=headers)
    with monkeypatch.context() as fatal:
        dying(fatal, type(stores.current()), place, before=True)
        with pytest.raises(Died):
            sent()
    clock.advance(LEASE)
    answer = sent()
    assert answer.status_code == 200
    dispatch.deliver(answer.json()["challenge_id"])
    assert [message.reference for _, message in remote.sent] == [answer.json()["challenge_id"]]


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
        dying(broken, idempotency, "release", before=True)
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
    real = idempotency._unchanged

    def overtaken(row):
        KeptAnswer.objects.update(expires_at=row.expires_at + 1)
        return real(row)

    monkeypatch.setattr(idempotency, "_unchanged", overtaken)
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
