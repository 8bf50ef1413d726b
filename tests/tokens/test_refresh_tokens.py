"""A refresh token says what it is, and only this service can make one."""

import base64
from dataclasses import replace

import pytest

from otp_app.tokens import refresh_tokens


def altered(token, place):
    """Return the token with one bit turned round."""
    raw = bytearray(base64.urlsafe_b64decode(token.removeprefix(refresh_tokens.TAG) + "="))
    raw[place] ^= 1
    return refresh_tokens.TAG + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_what_was_written_is_read():
    first = refresh_tokens.new()
    assert refresh_tokens.read(str(first)) == first
    assert refresh_tokens.read(str(first.successor())) == replace(first, number=1)


def test_a_successor_is_always_the_same_and_shares_nothing_that_is_stored_with_another_session():
    one, other = refresh_tokens.new(), refresh_tokens.new()
    assert str(one.successor()) == str(one.successor()) != str(one)
    assert one.digest == one.successor().digest != other.digest
    assert one.digest.hex() not in base64.urlsafe_b64decode(str(one).removeprefix("otr_") + "=").hex()


@pytest.mark.parametrize("place", [0, 15, 19, 20, 51, 52, 67])
def test_a_token_of_which_one_bit_was_changed_is_none(place):
    token = str(refresh_tokens.new())
    assert refresh_tokens.read(token)
    assert refresh_tokens.read(altered(token, place)) is None


@pytest.mark.parametrize("wrong", ["", "x", "otr_", "otr_x", "otr_%%", "otr_ü", "otr_" + "A" * 91, "otp_" + "A" * 91])
def test_what_is_no_refresh_token_is_none(wrong):
    assert refresh_tokens.read(wrong) is None


def test_a_token_outlives_the_secret_as_long_as_it_is_a_fallback_or_the_kept_key(settings):
    settings.SECRET_KEY = "old" * 20
    old = refresh_tokens.new()
    text = str(old)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, ["old" * 20]
    assert refresh_tokens.read(text) == old
    assert refresh_tokens.read(str(old)) == old != text
    settings.SECRET_KEY_FALLBACKS = []
    assert refresh_tokens.read(text) is None
    settings.OTP_LEDGER_KEY = "old" * 20
    assert refresh_tokens.read(text) == old
