"""Proofs of work: which are accepted, and that nothing a client sends is ever an error."""

import base64
import hashlib
import json

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otp_app.db import clock
from otp_app.limits import proof_of_work


@pytest.fixture(autouse=True)
def _cheap(settings):
    settings.OTP_PROOF_COST = 1


def solved(task=None):
    challenge = altcha.Challenge.from_dict(task or proof_of_work.make_task())
    return altcha.Payload(challenge, altcha.solve_challenge(challenge)).to_dict()


def packed(payload, **how):
    return base64.b64encode(json.dumps(payload, **how).encode()).decode()


def changed(payload, *path, value):
    """A copy that has another value at ``path``."""
    copy = json.loads(json.dumps(payload))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy


def test_a_task_has_the_form_of_altcha_and_the_cost_of_the_settings(settings):
    settings.OTP_PROOF_COST = 7
    parameters = proof_of_work.make_task()["parameters"]
    assert parameters["algorithm"] == "PBKDF2/SHA-256"
    assert (parameters["cost"], parameters["keyPrefix"], parameters["keyLength"]) == (7, "00", 32)
    assert parameters["expiresAt"] - clock.milliseconds() // 1000 in (599, 600)


def test_two_tasks_are_never_the_same():
    assert proof_of_work.make_task()["parameters"]["nonce"] != proof_of_work.make_task()["parameters"]["nonce"]


def test_a_solved_task_is_named_by_its_nonce():
    payload = solved()
    assert proof_of_work.name_of(packed(payload)) == payload["challenge"]["parameters"]["nonce"]


def test_altchas_own_verification_accepts_a_solved_task():
    from otp_app.keys import keys_for

    assert altcha.verify_solution(packed(solved()), keys_for("proof")[0]).verified


def test_every_encoding_of_a_proof_has_one_name():
    payload = solved()
    backwards = {name: payload[name] for name in reversed(payload)}
    spaced = base64.encodebytes(json.dumps(payload, indent=1).encode()).decode()
    timed = changed(payload, "solution", "time", value=1e9)
    spellings = [packed(payload), packed(backwards), packed(timed), spaced, packed({**payload, "more": 1})]
    assert {proof_of_work.name_of(spelling) for spelling in spellings} == {payload["challenge"]["parameters"]["nonce"]}


def test_a_second_solution_of_a_task_has_no_other_name():
    payload = solved()
    challenge = altcha.Challenge.from_dict(payload["challenge"])
    again = altcha.solve_challenge(challenge, counter_start=payload["solution"]["counter"] + 1)
    other = altcha.Payload(challenge, again).to_base64()
    assert proof_of_work.name_of(other) == proof_of_work.name_of(packed(payload)) != ""


def test_a_task_expires_by_the_clock_of_the_app():
    with clock.stopped(1_000_000_000_000) as now:
        proof = packed(solved())
        now.at += 600_000
        assert proof_of_work.name_of(proof)
        now.at += 1
        assert proof_of_work.name_of(proof) == ""


def test_a_task_signed_before_the_key_was_rotated_is_still_good(settings):
    proof = packed(solved())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", [settings.SECRET_KEY]
    assert proof_of_work.name_of(proof)
    settings.SECRET_KEY_FALLBACKS = []
    assert proof_of_work.name_of(proof) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost", 0),
        ("cost", 2),
        ("cost", 1.0),
        ("cost", True),
        ("cost", 10**400),
        ("keyPrefix", ""),
        ("keyPrefix", "0"),
        ("keyLength", 1),
        ("keyLength", 32.0),
        ("algorithm", "SHA-256"),
        ("nonce", "00" * 16),
        ("nonce", ["00"]),
        ("nonce", "x"),
        ("nonce", "é"),
        ("salt", None),
        ("expiresAt", 2**62),
        ("expiresAt", 9e99),
        ("expiresAt", None),
        ("data", {"a": [1]}),
        ("keySignature", "00"),
    ],
)
def test_a_task_that_was_tampered_with_is_none_of_ours(name, value):
    assert proof_of_work.name_of(packed(changed(solved(), "challenge", "parameters", name, value=value))) == ""


def test_the_case_of_a_name_cannot_be_changed_to_use_a_proof_twice():
    payload = solved()
    nonce = payload["challenge"]["parameters"]["nonce"]
    upper = changed(payload, "challenge", "parameters", "nonce", value=nonce.upper() + "A")
    assert proof_of_work.name_of(packed(upper)) == ""


@pytest.mark.parametrize("path", [("challenge",), ("challenge", "parameters"), ("challenge", "signature")])
@pytest.mark.parametrize("value", [None, "", "é", "\ud800", 1, 1.5, True, [], {}, [[]], {"a": {}}])
def test_a_part_of_another_type_is_no_proof(path, value):
    assert proof_of_work.name_of(packed(changed(solved(), *path, value=value))) == ""


@pytest.mark.parametrize("value", [-1, 2**32, 10**1000, 1.0, "1", True, None, [1], float("inf")])
def test_an_invalid_counter_is_no_solution(value):
    assert proof_of_work.name_of(packed(changed(solved(), "solution", "counter", value=value))) == ""


@pytest.mark.parametrize("value", ["", "00", "ff" * 32, "00" * 32, "00é", "00\ud800", None, 0, ["00"]])
def test_a_key_that_is_not_the_derived_one_is_no_solution(value):
    assert proof_of_work.name_of(packed(changed(solved(), "solution", "derivedKey", value=value))) == ""


def test_a_solution_must_begin_as_the_task_says():
    """The key is derived rightly, but from a counter that does not solve the task."""
    payload = solved()
    parameters = payload["challenge"]["parameters"]
    password = bytes.fromhex(parameters["nonce"]) + (payload["solution"]["counter"] + 1).to_bytes(4, "big")
    key = hashlib.pbkdf2_hmac("sha256", password, bytes.fromhex(parameters["salt"]), 1, 32).hex()
    payload["solution"] = {"counter": payload["solution"]["counter"] + 1, "derivedKey": key}
    assert key.startswith("00") or proof_of_work.name_of(packed(payload)) == ""


@pytest.mark.parametrize("text", ["[" * 1536, "[" * 768 + "]" * 768, '{"challenge":' * 118, '{"":' * 384])
def test_json_nested_as_deep_as_fits_is_no_proof(text):
    proof = base64.b64encode(text.encode()).decode()
    assert len(proof) <= proof_of_work.MAX_CHARACTERS
    assert proof_of_work.name_of(proof) == ""


def test_deep_nesting_in_a_signed_place_is_no_proof():
    deep = json.loads("[" * 300 + "]" * 300)
    payload = changed(solved(), "challenge", "parameters", "nonce", value=deep)
    assert proof_of_work.name_of(packed(payload, separators=(",", ":"))) == ""


@pytest.mark.parametrize("proof", [None, "", "é", "\ud800", "====", "AAA", "bnVsbA==", "e30=", "W10=", "MQ==", "Inggi"])
def test_a_proof_must_be_base64_of_an_object(proof):
    assert proof_of_work.name_of(proof) == ""


def test_a_good_proof_that_is_padded_to_be_too_long_is_none():
    payload = solved()
    assert proof_of_work.name_of(packed(payload | {"more": "x" * proof_of_work.MAX_CHARACTERS})) == ""
    assert len(packed(payload)) < proof_of_work.MAX_CHARACTERS


@given(st.text(max_size=3000))
def test_no_text_is_ever_an_error(text):
    assert proof_of_work.name_of(text) == ""


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(parameters=_ANYTHING, signature=_ANYTHING, counter=_ANYTHING, key=_ANYTHING)
def test_no_json_in_the_right_places_is_ever_an_error(parameters, signature, counter, key):
    payload = {
        "challenge": {"parameters": parameters, "signature": signature},
        "solution": {"counter": counter, "derivedKey": key},
    }
    assert proof_of_work.name_of(packed(payload)) == ""


def test_what_we_did_not_sign_costs_no_derivation_and_a_guess_costs_one(monkeypatch):
    derived = []
    real = hashlib.pbkdf2_hmac

    def counting(*args):
        derived.append(args)
        return real(*args)

    payload = solved()
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    proof_of_work.name_of(packed(changed(payload, "challenge", "parameters", "cost", value=100_000)))
    proof_of_work.name_of(packed(changed(payload, "challenge", "signature", value="00" * 32)))
    proof_of_work.name_of(packed(changed(payload, "solution", "derivedKey", value="ff" * 32)))
    assert derived == []
    proof_of_work.name_of(packed(changed(payload, "solution", "derivedKey", value="00" * 32)))
    assert len(derived) == 1
