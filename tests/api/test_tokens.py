"""GET /api/me/ and POST /api/logout/ with the opaque tokens."""

import pytest

from otp_app import tokens
from otp_app.models import Token

pytestmark = pytest.mark.django_db

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("+998901112233")


@pytest.fixture
def token(user):
    return tokens.current().issue(user, None).token


def me(client, header):
    return client.get("/api/me/", headers={"authorization": header})


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
def test_both_habitual_schemes_are_taken(client, user, token, scheme):
    response = me(client, f"{scheme} {token}")
    assert response.json() == {"id": user.pk, "phone": "+998901112233"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer otp_", "Basic eDp5", "Bearer otp_é", "Bearer x y"])
def test_no_good_token_is_401_and_says_which_scheme(client, token, header):
    response = me(client, header)
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Bearer"
    assert response["Content-Type"] == "application/problem+json"


def test_a_logout_ends_that_token_at_once_and_no_other(client, user, token):
    other = tokens.current().issue(user, None).token
    response = client.post("/api/logout/", headers={"authorization": f"Bearer {token}"})
    assert (response.status_code, response.content) == (204, b"")
    assert me(client, f"Bearer {token}").status_code == 401
    assert me(client, f"Bearer {other}").status_code == 200


def test_a_logout_needs_a_token(client):
    assert client.post("/api/logout/").status_code == 401


def test_a_deactivated_user_is_signed_out(client, user, token):
    user.is_active = False
    user.save()
    assert me(client, f"Bearer {token}").status_code == 401


def test_a_token_ends_a_year_after_sign_in_however_much_it_is_used(client, token, clock):
    for _ in range(364 // 7):
        clock.advance(7 * DAY)
        assert me(client, f"Bearer {token}").status_code == 200
    clock.advance(DAY)
    assert me(client, f"Bearer {token}").status_code == 401


def test_a_token_ends_after_fourteen_days_without_use(client, token, clock):
    clock.advance(14 * DAY - 60)
    assert me(client, f"Bearer {token}").status_code == 200
    clock.advance(14 * DAY)
    assert me(client, f"Bearer {token}").status_code == 401


def test_a_request_is_one_statement_and_two_once_an_hour(client, token, clock, django_assert_num_queries):
    with django_assert_num_queries(1):
        me(client, f"Bearer {token}")
    clock.advance(HOUR)
    with django_assert_num_queries(2):
        me(client, f"Bearer {token}")
    with django_assert_num_queries(1):
        me(client, f"Bearer {token}")


def test_only_a_digest_is_stored(token):
    row = Token.objects.values().get()
    assert token not in str(row)
    assert len(bytes(row["digest"])) == 32


def test_a_purge_deletes_expired_and_idle_tokens(user, token, clock):
    clock.advance(10 * DAY)
    tokens.current().issue(user, None)
    clock.advance(5 * DAY)
    assert tokens.current().purge() == 1
    assert Token.objects.count() == 1


def test_a_short_idle_time_is_kept_up_by_use(client, token, clock, settings):
    settings.OTP_TOKEN_IDLE = 1800
    for _ in range(12):
        clock.advance(300)
        assert me(client, f"Bearer {token}").status_code == 200
    clock.advance(1800)
    assert me(client, f"Bearer {token}").status_code == 401
