"""Every request, of the documented form or not, gets a documented answer and never a crash."""

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck
from hypothesis import settings as bounds
from jsonschema import Draft202012Validator
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from otp_app import accounts, tokens
from otp_app.limits import TABLE
from otp_app.limits.values import Counts
from otp_project.wsgi import application

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

# Not fetched from the application, for that opens a transaction under ATOMIC_REQUESTS, when there is no database yet.
# A configuration of its own: a schemathesis.toml in some directory above would change what is tested.
# What is of the wrong form may be refused for its length as well, and an id of the wrong form is one that is not there.
REFUSALS = {"checks": {"negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 413, 415, 429, "5xx"]}}}
config = SchemathesisConfig.from_dict(REFUSALS)
openapi = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True), config=config)
openapi.app = application
form = Draft202012Validator(openapi.raw_schema["components"]["schemas"]["SendRequest"]["properties"]["phone"])


@openapi.hook
def map_body(context, body):
    """Replace most well-formed numbers by existing ones, which random generation never finds."""
    phone = body.get("phone") if isinstance(body, dict) else None
    if form.is_valid(phone) and len(phone) % 4:
        return body | {"phone": f"+9989012345{sum(map(ord, phone)) % 100:02}"}
    return body


@pytest.fixture(autouse=True)
def room(settings):
    """Raise the limits above what the fuzzer reaches, because a 429 hides everything behind it."""
    for name in (rule.name for rule in TABLE if rule.counts is Counts.KEY and rule.amount is None):
        setattr(settings, f"OTP_{name.upper()}", 1_000_000)
    settings.OTP_PASSKEY_RP_ID = "example.com"  # else the addresses of passkeys are not found


@openapi.parametrize()
@bounds(
    derandomize=True,
    database=None,
    max_examples=20,  # of each of many operations; `schemathesis run` asks as much as one likes
    deadline=None,
    # The limits and the database stay for all examples of an operation: what one leaves, the next may stumble over.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_request_gets_a_documented_answer(case):
    headers = {}
    if case.operation.definition.raw.get("security"):
        user, _ = accounts.user_for("+998901234567")
        headers["Authorization"] = f"Bearer {tokens.current().issue(user, None).token}"
    # What has the right form is refused all the same: a number that does not exist, a code that is wrong.
    case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])
