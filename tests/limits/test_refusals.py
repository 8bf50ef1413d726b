"""The errors of refused requests."""

from otp_app.errors import Limited, ProofRequired
from otp_app.limits import refusals
from otp_app.limits.table import PROOFS
from otp_app.limits.values import Counts, Limit, Usage

PREFIX = Limit("unconverted_per_prefix_day", Counts.KEY, 3, 3600, key="1" * 32, subject="prefix +99890123")
REGION = Limit("unconverted_per_region_day", Counts.KEY, 10, 3600, key="3" * 32, subject="region UZ", proof=True)
PROOF = Limit(PROOFS, Counts.KEY, 1, 1200, key="2" * 32, subject="proof of work")


def test_whoever_lost_a_race_for_a_place_that_was_given_back_may_try_again_at_once():
    refused = refusals.error_for([Usage(PREFIX, 2, 0, 3)])
    assert isinstance(refused, Limited)
    assert (refused.limit, refused.retry_after) == ("unconverted_per_prefix_day", 1)


def test_a_refusal_names_the_limit_with_the_longest_wait_and_its_bucket():
    refused = refusals.error_for([Usage(PREFIX, 3, 9_001, 3), Usage(REGION, 10, 9_000, 10)])
    assert (refused.limit, refused.subject, refused.retry_after) == (PREFIX.name, "prefix +99890123", 10)


def test_a_used_proof_asks_for_another_unless_a_limit_refuses_anyway():
    used = Usage(PROOF, 1, 600_000, 1)
    asked = refusals.error_for([Usage(PREFIX, 2, 0, 3), used])
    assert isinstance(asked, ProofRequired)
    assert (asked.limit, asked.subject) == (PROOFS, "proof of work")
    refused = refusals.error_for([Usage(PREFIX, 3, 1_500, 3), used])
    assert (refused.limit, refused.retry_after, refused.subject) == (PREFIX.name, 2, "prefix +99890123")


def test_a_proof_is_asked_for_by_the_first_limit_that_is_more_than_half_used():
    asked = refusals.proof_for([Usage(PREFIX, 3, 0, 3), Usage(REGION, 5, 0, 10)])
    assert (asked.limit, asked.subject) == (REGION.name, "region UZ")
