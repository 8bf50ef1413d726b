"""How long answers are kept, and what a key costs."""

import pytest
from django.db import connection

from otp_app import queues
from otp_app.models import ChallengeRow, Delivery, KeptAnswer
from tests.api.idempotency.keyed import KEY, Died, ask, dying
from tests.api.test_statements import counted
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


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


def statements(client, body, key):
    response, count = counted(lambda: ask(client, body, key=key))
    assert response.status_code == 200
    return count


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
