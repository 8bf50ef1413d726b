"""A key is published before it signs, and as long as something that it has signed is valid; every process follows."""

import json

import pytest

from otp_app import tokens
from otp_app.models import SigningKey
from otp_app.tokens import access_tokens, lives, signing_keys
from tests.races import race

pytestmark = pytest.mark.django_db

DAY = 24 * 3600
SID = "0" * 32


@pytest.fixture(autouse=True)
def _clock(clock):
    """All of them let time pass."""


def sign():
    return access_tokens.sign("1", SID, lives.now())


def kids():
    return [row.kid for row in signing_keys.published()]


def test_the_first_key_is_made_when_something_is_signed():
    assert kids() == []
    assert access_tokens.claims_of(sign())
    assert kids() == [SigningKey.objects.get().kid]


def test_a_next_key_is_published_at_once_signs_a_day_later_and_the_old_one_goes_when_its_tokens_have(clock):
    old = signing_keys.current()[0].kid
    new = signing_keys.make_next().kid
    assert kids() == [new, old]
    assert signing_keys.current()[0].kid == old
    clock.advance(DAY - 1)
    token = sign()
    clock.advance(2)
    assert signing_keys.current()[0].kid == new
    clock.advance(597)
    assert access_tokens.claims_of(token)
    assert kids() == [new, old]
    clock.advance(70)
    assert kids() == [new]
    assert SigningKey.objects.count() == 2
    signing_keys.purge()
    assert SigningKey.objects.get().kid == new


def test_there_is_one_next_key_at_a_time(clock):
    signing_keys.current()
    assert signing_keys.make_next()
    assert signing_keys.make_next() is None
    clock.advance(DAY)
    assert signing_keys.make_next()


def test_the_first_key_of_all_signs_at_once():
    signing_keys.make_next()
    assert [signing_keys.current()[0].kid] == kids()


def test_a_leaked_key_is_worth_nothing_in_every_process_within_half_a_minute(clock):
    token, leaked = sign(), kids()
    kept = signing_keys._Kept.rows, signing_keys._Kept.read_at
    new = signing_keys.replace_all().kid
    assert (kids(), access_tokens.claims_of(token)) == ([new], None)
    signing_keys._Kept.rows, signing_keys._Kept.read_at = kept  # as another process has it
    assert kids() == leaked
    clock.advance(30)
    assert (kids(), access_tokens.claims_of(token)) == ([new], None)


def test_a_process_looks_for_a_key_that_it_does_not_know_but_not_for_each_request(clock, django_assert_num_queries):
    sign()
    kept = signing_keys._Kept.rows, signing_keys._Kept.read_at
    signing_keys.replace_all()
    token = sign()
    signing_keys._Kept.rows, signing_keys._Kept.read_at = kept
    clock.advance(2)
    with django_assert_num_queries(1):
        assert access_tokens.claims_of(token)
    unknown = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IngifQ"  # a header with the key id "x"
    forged = f"{unknown}.{token.partition('.')[2]}"
    clock.advance(2)
    with django_assert_num_queries(1):
        assert [access_tokens.claims_of(forged) for _ in range(5)] == [None] * 5


def test_the_table_shows_no_private_key():
    _, private = signing_keys.current()
    row, secret = SigningKey.objects.get(), json.loads(private)["d"]
    assert secret not in row.private
    assert secret not in json.dumps(row.public)
    assert "d" not in row.public


def test_a_key_outlives_a_new_secret_while_the_old_one_is_a_fallback(settings):
    kid = signing_keys.current()[0].kid
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20
    assert signing_keys.current()[0].kid == kid
    settings.OTP_LEDGER_KEY = "kept" * 20
    assert signing_keys.current()[0].kid == kid


def test_a_key_whose_secret_has_gone_verifies_what_it_has_signed_and_a_new_one_signs(settings):
    token, kid = sign(), signing_keys.current()[0].kid
    settings.SECRET_KEY = "new" * 20
    assert signing_keys.current()[0].kid != kid
    assert access_tokens.claims_of(token)
    assert access_tokens.claims_of(sign())


def test_a_purge_of_tokens_purges_keys(settings, clock):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"
    signing_keys.current()
    signing_keys.make_next()
    clock.advance(3 * DAY)
    tokens.purge()
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_make_the_first_key_at_once_accept_each_others_tokens():
    made = race(lambda _: sign(), 8)
    signing_keys._read(0)
    assert all(access_tokens.claims_of(token) for token in made)


def test_a_key_is_called_by_its_id():
    sign()
    key = SigningKey.objects.get()
    assert str(key) == key.kid
