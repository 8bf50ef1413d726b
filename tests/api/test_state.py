"""GET /api/challenges/<id>/: the state of the message, for whoever knows the id."""

import json
import re
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from otp_app import services, stores
from otp_app.challenges import random_id
from otp_app.delivery import records, reports, routing
from otp_app.delivery.state import SHOWN_STATUSES
from otp_app.errors import DeliveryFailed, InvalidOrExpiredCode, Limited
from otp_app.models import Delivery
from otp_app.providers.base import Event, NotAccepted, Receipt, Unknown
from tests.factories import new_phone, other_than
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)

ROUTES = {"*": {"sms": ["remote"], "call": ["remote"], "telegram": ["remote"]}}


@pytest.fixture(autouse=True)
def store(clock, each_store):
    return each_store


@pytest.fixture
def remote():
    with remotes(routes=ROUTES) as told:
        told.behave(lambda message: Receipt(f"their-{len(told.sent)}"))
        yield told


def state(client, challenge_id):
    return client.get(f"/api/challenges/{challenge_id}/")


def told(client, challenge_id):
    response = state(client, challenge_id)
    assert response.status_code == 200, response.content
    return response.json()


def sent(**how):
    return services.send_code(**{"phone": new_phone()} | how).challenge.id


def test_all_of_it_after_a_send(client, remote):
    challenge_id = sent()
    answer = told(client, challenge_id)
    assert answer == {
        "challenge_id": challenge_id,
        "state": "sent",
        "channel": "sms",
        "channels": ["call", "telegram"],
        "checks_left": 5,
        "sends_left": 2,
        "expires_in": answer["expires_in"],
        "resend_in": answer["resend_in"],
        "switch_in": answer["resend_in"],
    }
    assert 290 <= answer["expires_in"] <= 300
    assert 50 <= answer["resend_in"] <= 60
    assert state(client, challenge_id)["Cache-Control"] == "no-store"


def test_the_address_without_the_closing_slash_is_the_same(client, remote):
    assert client.get(f"/api/challenges/{sent()}").status_code == 200


@pytest.mark.parametrize("status", ["delivered", "undelivered", "failed"])
def test_it_follows_the_reports(client, remote, status):
    challenge_id = sent()
    reports.apply("remote", Event(status, reference="their-1"))
    assert told(client, challenge_id)["state"] == status


def test_a_lost_reply_is_told_as_sent_for_nobody_knows_better(client, remote):
    remote.fail(Unknown("timeout"))
    challenge_id = sent()
    assert Delivery.objects.get().status == "unknown"
    assert told(client, challenge_id)["state"] == "sent"


def test_what_waits_in_a_queue_is_queued(client, remote, settings):
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    assert told(client, sent())["state"] == "queued"


def test_a_send_whose_outcome_is_not_written_yet_is_sent_as_its_request_was_told(client, remote, monkeypatch):
    """The SQL store has the row as the send began it; the Redis store has no row yet."""
    monkeypatch.setattr(records, "record_sent", lambda *asked: None)
    answer = told(client, sent())
    assert (answer["state"], answer["channel"]) == ("sent", "sms")


def test_a_send_that_failed_has_ended_its_challenge_and_a_new_one_need_not_wait(client, remote):
    remote.fail(NotAccepted("503"))
    challenge_id = random_id()
    with pytest.raises(DeliveryFailed):
        sent(new_id=challenge_id)
    answer = told(client, challenge_id)
    assert (answer["state"], answer["checks_left"], answer["sends_left"], answer["resend_in"]) == ("failed", 0, 0, 0)


def test_after_a_failover_it_is_the_second_hand_over_that_counts(client):
    with remotes("one", "two") as told_of:
        told_of.fail(NotAccepted("503"), "one")
        challenge_id = sent()
        assert told_of.asked() == ["one", "two"]
        assert told(client, challenge_id)["state"] == "sent"


def test_of_two_sends_the_newest_is_told_with_its_channel_and_the_others(client, remote, clock):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    reports.apply("remote", Event("undelivered", reference="their-1"))
    clock.advance(60)
    services.send_code(phone=phone, challenge_id=challenge_id, channel="call")
    answer = told(client, challenge_id)
    assert (answer["state"], answer["channel"], answer["channels"]) == ("sent", "call", ["sms", "telegram"])
    assert answer["sends_left"] == 1
    assert 110 <= answer["resend_in"] <= 120
    reports.apply("remote", Event("delivered", reference="their-1"))  # of the first: it has ended
    assert told(client, challenge_id)["state"] == "sent"
    reports.apply("remote", Event("delivered", reference="their-2"))
    assert told(client, challenge_id)["state"] == "delivered"


@pytest.mark.parametrize("status", ["undelivered", "failed"])
def test_after_a_message_that_reached_nobody_another_channel_need_not_wait(client, remote, status):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    reports.apply("remote", Event(status, reference="their-1"))
    answer = told(client, challenge_id)
    assert (50 <= answer["resend_in"] <= 60, answer["switch_in"]) == (True, 0)
    with pytest.raises(Limited):
        services.send_code(phone=phone, challenge_id=challenge_id)
    with pytest.raises(Limited):
        services.send_code(phone=phone, challenge_id=challenge_id, channel="sms")
    grant = services.send_code(phone=phone, challenge_id=challenge_id, channel="call")
    assert 110 <= grant.resend_in <= 120
    assert [message.channel for _, message in remote.sent] == ["sms", "call"]
    answer = told(client, challenge_id)
    assert answer["switch_in"] == answer["resend_in"] > 100
    with pytest.raises(Limited):  # of the call nobody knows yet
        services.send_code(phone=phone, challenge_id=challenge_id, channel="telegram")


def test_no_other_limit_gives_way_with_the_wait(client, remote, settings):
    settings.OTP_SENDS_PER_PHONE_HOUR = 2
    phone = new_phone()
    challenge_id = sent(phone=phone)
    reports.apply("remote", Event("undelivered", reference="their-1"))
    services.send_code(phone=phone, challenge_id=challenge_id, channel="call")
    reports.apply("remote", Event("undelivered", reference="their-2"))
    assert 3500 <= told(client, challenge_id)["switch_in"] <= 3600
    with pytest.raises(Limited) as refused:
        services.send_code(phone=phone, challenge_id=challenge_id, channel="telegram")
    assert refused.value.limit == "sends_per_phone_hour"
    assert len(remote.sent) == 2


def test_a_challenge_has_no_more_sends_for_what_did_not_arrive(client, remote):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    for n, channel in enumerate(["call", "telegram", "sms"], 1):
        reports.apply("remote", Event("undelivered", reference=f"their-{n}"))
        if channel == "sms":
            with pytest.raises(InvalidOrExpiredCode):
                services.send_code(phone=phone, challenge_id=challenge_id, channel=channel)
        else:
            services.send_code(phone=phone, challenge_id=challenge_id, channel=channel)
    assert len(remote.sent) == 3


def test_what_did_not_arrive_of_one_challenge_opens_no_other_and_none_of_another_phone(client, remote):
    phone, other = new_phone(), new_phone()
    challenge_id = sent(phone=phone)
    reports.apply("remote", Event("undelivered", reference="their-1"))
    with pytest.raises(Limited):
        services.send_code(phone=phone, channel="call")
    with pytest.raises(InvalidOrExpiredCode):
        services.send_code(phone=other, challenge_id=challenge_id, channel="call")
    assert len(remote.sent) == 1


def test_a_second_that_fails_does_not_take_the_first_away(client, remote, clock):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    clock.advance(60)
    remote.fail(NotAccepted("503"))
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=phone, challenge_id=challenge_id)
    answer = told(client, challenge_id)
    assert (answer["state"], answer["checks_left"], answer["sends_left"], answer["resend_in"]) == ("failed", 5, 2, 0)


def test_checks_and_time_run_down_and_exhausted_it_is_not_sent_again(client, remote, clock):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    code = remote.sent[-1][1].code
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(Exception, match="invalid_or_expired_code"):
            services.verify_code(phone=phone, code=other_than(code), challenge_id=challenge_id)
        assert told(client, challenge_id)["checks_left"] == left
    clock.advance(100)
    answer = told(client, challenge_id)
    assert (answer["sends_left"], answer["resend_in"]) == (0, 0)
    assert 170 <= answer["expires_in"] <= 200


def test_what_is_used_has_nothing_left(client, remote):
    phone = new_phone()
    challenge_id = sent(phone=phone)
    services.verify_code(phone=phone, code=remote.sent[-1][1].code, challenge_id=challenge_id)
    answer = told(client, challenge_id)
    assert (answer["state"], answer["checks_left"], answer["sends_left"]) == ("sent", 0, 0)


def test_what_is_canceled_has_nothing_left(client, remote):
    challenge_id = sent()
    services.cancel(challenge_id=challenge_id)
    answer = told(client, challenge_id)
    assert (answer["checks_left"], answer["sends_left"]) == (0, 0)


@pytest.mark.parametrize("asked", ["0" * 32, "x", "%00", "A" * 32, "0" * 31, "0" * 33, "\u0660" * 32, "0" * 5000])
def test_what_is_the_id_of_none_is_answered_as_everywhere(client, remote, asked):
    response = state(client, asked)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_or_expired_code")
    assert response["Content-Type"] == "application/problem+json"


def test_what_has_expired_is_told_no_more(client, remote, clock):
    challenge_id = sent()
    clock.advance(270)
    assert 0 < told(client, challenge_id)["expires_in"] <= 30
    clock.advance(30)
    unknown, expired = state(client, "0" * 32), state(client, challenge_id)
    assert (expired.status_code, expired.content) == (unknown.status_code, unknown.content)


def test_it_tells_nothing_of_who_it_is(client, remote, django_user_model):
    phones = [new_phone(), new_phone(), new_phone()]
    django_user_model.objects.create_user(phones[0])
    django_user_model.objects.create_user(phones[1], is_active=False)
    answers = []
    for phone in phones:
        challenge_id = sent(phone=phone)
        raw = state(client, challenge_id).content.decode()
        assert phone not in raw
        assert phone[-4:] not in raw.replace(challenge_id, "")
        answers.append(json.loads(raw) | {"challenge_id": "", "expires_in": 0})
    assert answers[0] == answers[1] == answers[2]


def test_the_longest_of_the_phones_own_limits_is_what_a_resend_waits_for(client, remote, settings, clock):
    settings.OTP_SENDS_PER_PHONE_HOUR = 1
    challenge_id = sent(client="192.0.2.1")
    assert 3590 <= told(client, challenge_id)["resend_in"] <= 3600
    clock.advance(120)
    assert 3470 <= told(client, challenge_id)["resend_in"] <= 3480


def test_a_device_that_is_known_waits_in_its_own_lane(client, remote, clock):
    phone = new_phone()
    first = sent(phone=phone)
    device = services.sign_in(phone=phone, code=remote.sent[-1][1].code, challenge_id=first).device
    strangers = sent(phone=phone)
    clock.advance(60)
    known = sent(phone=phone, device=device)
    assert 50 <= told(client, known)["resend_in"] <= 60
    assert told(client, strangers)["resend_in"] == 0


def test_a_test_number_is_told_as_any(client, settings):
    settings.OTP_TEST_NUMBERS = {"+998901234567": {"code": "246810", "expires": "2099-01-31"}}
    answer = told(client, sent(phone="+998901234567"))
    assert (answer["state"], answer["channels"]) == ("sent", [])


def test_a_number_that_nobody_serves_any_more_has_no_channel_on_offer(client, remote, monkeypatch):
    challenge_id = sent()
    monkeypatch.setattr(routing, "channels", lambda phone: [])
    assert told(client, challenge_id)["channels"] == []


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_it_is_to_be_read_only(client, method):
    response = getattr(client, method)(f"/api/challenges/{'0' * 32}/")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_while_the_database_is_down_it_is_503(client, remote, monkeypatch):
    challenge_id = sent()

    def fail(challenge_id):
        raise OperationalError

    monkeypatch.setattr(records, "newest", fail)
    assert state(client, challenge_id).json()["code"] == "unavailable"


def test_it_takes_few_statements_one_of_them_whichever_the_store(client, remote):
    challenge_id = sent()
    told(client, challenge_id)
    with CaptureQueriesContext(connection) as captured:
        told(client, challenge_id)
    # In SQL the challenge, the time on PostgreSQL alone, and the usage: there one statement, on SQLite three.
    in_sql = 3 if connection.vendor == "postgresql" else 4
    assert len(captured) == 1 + (in_sql if type(stores.current()).__name__ == "SqlStore" else 0)


def test_the_documentation_explains_the_states_that_are_shown():
    page = (Path(__file__).parents[2] / "docs" / "receipts.md").read_text(encoding="utf-8")
    table = page.partition("| state | meaning |")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"(?m)^\| `(\w+)` \|", table)) == SHOWN_STATUSES
