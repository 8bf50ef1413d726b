"""The errors of refused requests."""

from otp_app.errors import Limited, ProofRequired
from otp_app.limits import refusals
from otp_app.limits.table import PROOFS
from otp_app.limits.values import Counts, Limit, Usage

CLIENT = Limit("sends_per_client_hour", Counts.KEY, 3, 3600, key="1" * 32, subject="client 192.0.2.1")
PROOF = Limit(PROOFS, Counts.KEY, 1, 1200, key="2" * 32)


def test_whoever_lost_a_race_for_a_place_that_was_given_back_may_try_again_at_once():
    refused = refusals.error_for([Usage(CLIENT, 2, 0)])
    assert isinstance(refused, Limited)
    assert (refused.limit, refused.retry_after) == ("sends_per_client_hour", 1)


def test_a_region_that_is_blocked_is_refused_for_its_conversion_and_a_full_one_for_its_sends():
    region = Limit("sends_per_region_day", Counts.KEY, 500, 86_400, key="3" * 32, subject="region KZ")
    assert refusals.error_for([Usage(region, 50, 9_000, blocked_until=10_000)]).limit == "conversion"
    assert refusals.error_for([Usage(region, 500, 9_000)]).limit == "sends_per_region_day"
    prefix = Limit("unconverted_per_prefix_hour", Counts.KEY, 10, 3600, key="4" * 32, blocks=60)
    assert refusals.error_for([Usage(prefix, 10, 9_000, blocked_until=10_000)]).limit == "unconverted_per_prefix_hour"


def test_a_used_proof_asks_for_another_unless_a_limit_refuses_anyway():
    used = Usage(PROOF, 1, 600_000)
    assert isinstance(refusals.error_for([Usage(CLIENT, 2, 0), used]), ProofRequired)
    refused = refusals.error_for([Usage(CLIENT, 3, 1_500), used])
    assert (refused.limit, refused.retry_after, refused.subject) == ("sends_per_client_hour", 2, "client 192.0.2.1")
