"""The number of SQL statements that a request costs, without transaction control."""

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import stores
from otp_app.accounts import authorization_codes, devices
from otp_app.factors import passkeys
from otp_app.rulings import kept
from tests.factories import new_phone, other_than
from tests.passkeys import Authenticator, relying_party  # noqa: F401
from tests.sites import BACK, VERIFIER, answer_in, new_site, requested

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.fixture(autouse=True)
def no_rulings_read(monkeypatch):
    """Nothing of what operators rule is read meanwhile: that is one statement in ten seconds, whatever is asked for."""
    monkeypatch.setattr(kept, "KEPT_MS", 10**12)


def on(*, postgresql, sqlite):
    """On PostgreSQL a call of the store is one statement; on SQLite it is several, without a round trip."""
    return postgresql if connection.vendor == "postgresql" else sqlite


def statements(client, name, body):
    return counted(lambda: client.post(f"/api/{name}/", body, content_type="application/json"))


def counted(request):
    with CaptureQueriesContext(connection) as captured:
        response = request()
    return response, sum(not query["sql"].startswith(CONTROL) for query in captured)


def signed_in(client, outbox, django_user_model):
    """Return the headers of a user who existed before and has signed in."""
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    statements(client, "send-otp", {"phone": phone})
    response, _ = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    return {"authorization": f"Bearer {response.json()['token']}"}


def known(django_user_model):
    """Return the phone of a user who existed before, and the value of a device that has signed in with it."""
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    return {"phone": phone, "device": devices.issue(phone, stores.current().now())}


def test_a_first_send_takes_two(client):
    """One for the limits and the challenge, one for the outcome."""
    response, count = statements(client, "send-otp", {"phone": new_phone()})
    assert (response.status_code, count) == (200, on(postgresql=2, sqlite=9))


def test_a_send_again_takes_two(client, clock):
    phone = new_phone()
    response, _ = statements(client, "send-otp", {"phone": phone})
    clock.advance(60)
    body = {"phone": phone, "challenge_id": response.json()["challenge_id"]}
    response, count = statements(client, "send-otp", body)
    assert (response.status_code, count) == (200, on(postgresql=2, sqlite=10))


def test_a_send_within_the_wait_takes_one(client):
    phone = new_phone()
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "send-otp", {"phone": phone})
    assert (response.status_code, count) == (429, on(postgresql=1, sqlite=4))


def test_a_wrong_code_takes_one(client, outbox):
    phone = new_phone()
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": other_than(outbox[-1].code)})
    assert (response.status_code, count) == (400, on(postgresql=1, sqlite=5))


def test_a_sign_in_of_a_known_user_takes_three(client, outbox, django_user_model):
    """The check; the approval; the user, the token and the time of sign-in. On PostgreSQL the event with them."""
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (response.status_code, count) == (200, on(postgresql=3, sqlite=16))


def test_a_sign_in_of_a_known_user_by_a_known_device_takes_four(client, outbox, django_user_model):
    """One of them tells whether the device is signed out."""
    named = known(django_user_model)
    statements(client, "send-otp", named)
    response, count = statements(client, "verify-otp", named | {"otp": outbox[-1].code})
    assert (response.status_code, count) == (200, on(postgresql=4, sqlite=15))


def test_a_sign_up_takes_eleven(client, outbox):
    """The check; the approval; who is there, twice; for whom the number is kept; the turn, who is there now, the
    user; whose second number it was; the token; the sign-in."""
    phone = new_phone()
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (response.status_code, count) == (200, on(postgresql=11, sqlite=17))


def test_a_request_with_a_token_takes_one(client, outbox, django_user_model):
    headers = signed_in(client, outbox, django_user_model)
    response, count = counted(lambda: client.get("/api/me/", headers=headers))
    assert (response.status_code, count) == (200, 1)


def test_with_jwts_a_sign_in_of_a_known_user_takes_three_a_request_one_and_a_refresh_two(
    client, outbox, django_user_model, settings
):
    """The check; the approval; the user with the session, the time and the event. Our own views ask for the session."""
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"
    signed_in(client, outbox, django_user_model)  # makes the signing key
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    statements(client, "send-otp", {"phone": phone})
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (response.status_code, count) == (200, on(postgresql=3, sqlite=16))
    answer = response.json()
    headers = {"authorization": f"Bearer {answer['token']}"}
    response, count = counted(lambda: client.get("/api/me/", headers=headers))
    assert (response.status_code, count) == (200, 1)
    response, count = statements(client, "token/refresh", {"refresh_token": answer["refresh_token"]})
    assert (response.status_code, count) == (200, 2)


def test_no_statement_of_a_sign_in_is_too_long_for_psycopg_to_keep(client, outbox, django_user_model):
    """psycopg parses a statement of more than 4,096 characters or 50 parameters anew at each execution."""
    sizes = []

    def measured(execute, sql, params, *context):
        sizes.append((len(sql), len(params or ())))
        return execute(sql, params, *context)

    with connection.execute_wrapper(measured):
        signed_in(client, outbox, django_user_model)
    assert len(sizes) >= 5
    assert max(length for length, _ in sizes) <= 4096
    assert max(count for _, count in sizes) <= 50


@pytest.fixture
def round_trips(redis_server, settings, monkeypatch):
    """Count the commands that are sent to the Redis store."""
    redis_server.flush()
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = redis_server.url
    sent = []
    send = redis.connection.AbstractConnection.send_command

    def noted(asked, *words, **options):
        sent.append(words[0])
        return send(asked, *words, **options)

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_command", noted)
    return sent


def test_with_redis_a_send_is_one_round_trip_there_and_one_statement(round_trips, client):
    """The outcome is written together with the beginning."""
    statements(client, "send-otp", {"phone": new_phone()})  # tells it what is in the database, and the script
    round_trips.clear()
    response, count = statements(client, "send-otp", {"phone": new_phone()})
    assert (response.status_code, round_trips, count) == (200, ["EVALSHA"], 1)


def test_with_redis_a_sign_in_of_a_known_user_is_two_round_trips_there_and_one_statement(
    round_trips, client, outbox, django_user_model
):
    """The check and the approval; the user, the token and the time of sign-in."""
    signed_in(client, outbox, django_user_model)  # tells it the scripts
    phone = new_phone()
    django_user_model.objects.create_user(phone)
    statements(client, "send-otp", {"phone": phone})
    round_trips.clear()
    response, count = statements(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (response.status_code, round_trips, count) == (200, ["EVALSHA"] * 2, on(postgresql=1, sqlite=5))


def test_the_token_of_another_site_takes_four(client, django_user_model):
    """The code is read and deleted, the store is asked for the time (not with SQLite), the token is written."""
    site = new_site()
    address = authorization_codes.issue(requested(site), django_user_model.objects.create_user(new_phone()))
    body = {"client": site.pk, "redirect_uri": BACK, "code": answer_in(address)["code"], "code_verifier": VERIFIER}
    response, count = statements(client, "token", body)
    assert (response.status_code, count) == (200, on(postgresql=4, sqlite=3))


@pytest.mark.usefixtures("relying_party")
def test_a_sign_in_by_a_passkey_takes_a_fixed_number_of_statements(client, django_user_model):
    """Check, passkey with its user, challenge, counter, check given back, limit of the account, token, last sign-in,
    event of a device.
    """
    user, authenticator = django_user_model.objects.create_user(new_phone()), Authenticator()
    passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "")
    body = {"credential": authenticator.get(passkeys.sign_in_options())}
    response, count = statements(client, "passkeys/sign-in/finish", body)
    assert (response.status_code, count) == (200, on(postgresql=11, sqlite=17))
