"""Codes are a function of the secret and of what the store alone knows."""

import hashlib
import hmac
from collections import Counter
from dataclasses import replace

import pytest

from otp_app import keys
from otp_app.challenges import codes
from tests.factories import new_challenge


def test_a_code_is_what_the_design_says(settings):
    challenge = new_challenge(length=8)
    key = hmac.digest(settings.SECRET_KEY.encode(), b"otp_app.code", hashlib.sha256)
    text = f"login|{challenge.id}|{challenge.nonce}".encode()
    number = int.from_bytes(hmac.digest(key, text, "sha256")[:8], "big") % 10**8
    assert codes.code_for(challenge) == f"{number:08d}"


@pytest.mark.parametrize("length", [6, 8, 10])
def test_a_code_has_its_length_leading_zeros_included(length):
    made = [codes.code_for(new_challenge(length=length)) for _ in range(200)]
    assert {len(code) for code in made} == {length}
    assert any(code.startswith("0") for code in made)


def test_codes_are_spread_evenly():
    first = Counter(codes.code_for(new_challenge())[0] for _ in range(2000))
    assert len(first) == 10
    assert max(first.values()) < 300


@pytest.mark.parametrize("field", ["id", "nonce", "purpose"])
def test_every_part_of_the_challenge_changes_the_code(field):
    challenge = new_challenge(length=10)
    assert codes.code_for(replace(challenge, **{field: "other"})) != codes.code_for(challenge)


def test_only_the_right_code_matches():
    challenge = new_challenge()
    code = codes.code_for(challenge)
    assert codes.matches(challenge, code)
    assert not codes.matches(challenge, code[:-1])
    assert not codes.matches(challenge, "é" * 6)
    assert not codes.matches(challenge, "")


def test_a_rotated_key_keeps_the_code_as_long_as_it_is_a_fallback(settings):
    challenge = new_challenge()
    code = codes.code_for(challenge)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert codes.matches(challenge, code)
    assert new_challenge().key_id != challenge.key_id
    settings.SECRET_KEY_FALLBACKS = []
    assert codes.code_for(challenge) is None
    assert not codes.matches(challenge, code)


def test_the_fingerprint_tells_nothing_of_the_key(settings):
    assert codes.current_key_id() != keys.keys_for("code")[0].hex()[:16]
    assert len(codes.current_key_id()) == 16
