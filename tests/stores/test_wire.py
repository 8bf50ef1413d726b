"""The documents that stores ask and are answered: what goes in comes out."""

import json

import pytest

from otp_app.challenges import Claim, Increment, Status
from otp_app.errors import Limited, ProofRequired
from otp_app.limits.values import Counts, Limit, RequestLimits, Usage
from otp_app.stores import wire
from tests.factories import new_challenge

KEY = Limit("by_key", Counts.KEY, 5, 3600, key="a" * 32, ring=2, subject="prefix +99890123", growth=25, proof=True)
OWN = Limit("own", Counts.WAITS, 1, 3600, steps=(60, 120))
REQUEST_LIMITS = RequestLimits((OWN, KEY))
INCREMENT = Increment("a" * 32, 2, 77, 5, shared=True, converts=True, sent_at=1)


def test_a_challenge_comes_back_as_it_went():
    challenge = new_challenge(status=Status.APPROVED, sent_at=(1, 2), device="d" * 32)
    document = json.loads(json.dumps(wire.document_of(challenge) | {"taken": wire.increments_in([INCREMENT])}))
    back = wire.challenge_of(document)
    assert back == new_challenge(**{name: getattr(challenge, name) for name in wire.MEMBERS}, increments=(INCREMENT,))
    assert back.status is Status.APPROVED


def test_an_id_is_read_as_our_digits_however_a_database_writes_it():
    challenge = new_challenge()
    dashed = f"{challenge.id[:8]}-{challenge.id[8:12]}-{challenge.id[12:16]}-{challenge.id[16:20]}-{challenge.id[20:]}"
    assert wire.challenge_of(wire.document_of(challenge) | {"id": dashed}).id == challenge.id


def test_what_is_asked_is_json_with_the_limits_in_their_order_and_names_no_subject(clock):
    clock.advance(3)
    asked = json.loads(wire.written({"phone": "p"}, REQUEST_LIMITS))
    assert (asked["phone"], asked["offset"]) == ("p", 3000)
    own, key_limit = asked["limits"]
    assert own == {"counts": "waits", "amount": 1, "period": 3600, "steps": [60, 120]}
    assert (key_limit["counts"], key_limit["key"], key_limit["ring"], key_limit["growth"]) == ("key", "a" * 32, 2, 25)
    assert "+99890123" not in str(asked["limits"])


def test_without_limits_there_are_none():
    assert json.loads(wire.written({"id": "i"}, RequestLimits())) == {"id": "i", "offset": 0, "limits": []}


def test_a_delivery_that_is_claimed_names_each_channels_provider_and_all_that_they_watch():
    class Moment:
        def isoformat(self):
            return "now"

    row = {"region": "UZ", "created_at": Moment(), "reference": "r"}
    assert wire.delivery_of(row, None) == {"region": "UZ", "created_at": "now"}
    document = wire.delivery_of(row, {"sms": Claim("one", ("a", "b")), "call": Claim("two", ("c",))})
    assert (document["providers"], document["watched"]) == ({"sms": "one", "call": "two"}, ["a", "b", "c"])
    assert document["reference"] == "r"


@pytest.mark.parametrize("device", [True, "d" * 32])
def test_devices_have_a_lane_of_their_own(device):
    assert (wire.lane(device), wire.lane("")) == ("d", "s")


def refusal(**answer):
    return wire.refusal({"now": 1000} | answer, REQUEST_LIMITS)


def test_what_is_taken_and_what_there_is_not_refuses_nothing():
    assert refusal(state="taken") is refusal(state="none") is None


def test_a_proof_that_is_needed_is_asked_for_by_the_limit_that_is_half_used():
    error = refusal(state="proof", usages=[[1, 0, 1], [2, 0, 5]])
    assert isinstance(error, ProofRequired)
    assert (error.limit, error.subject) == ("by_key", "prefix +99890123")


def test_a_limit_that_refuses_is_named_with_its_wait():
    error = refusal(state="refused", usages=[[1, 0, 1], [5, 2001, 5]])
    assert isinstance(error, Limited)
    assert (error.limit, error.retry_after, error.subject) == ("by_key", 3, "prefix +99890123")


def test_usages_are_those_of_the_limits_in_their_order():
    usages = wire.usages_of(REQUEST_LIMITS.limits, {"usages": [[1, 2, 0], [3, 4, 5]]})
    assert usages == [Usage(OWN, 1, 2, 0), Usage(KEY, 3, 4, 5)]


@pytest.mark.parametrize("value", ['{"a": 1}', {"a": 1}])
def test_a_json_column_is_loaded_whether_a_driver_has_done_it_or_not(value):
    assert wire.loaded(value) == {"a": 1}
