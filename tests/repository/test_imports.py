"""What a process loads: nothing that it may never need, and before its first request what that would wait for."""

import json

import pytest

from tests.programs import ROOT, run

# Each costs megabytes or tenths of a second, and belongs to what not everybody has chosen.
HEAVY = {
    "a provider's client": ["otp_app.providers.twilio", "boto3"],
    "a queue's": ["celery", "kombu"],
    "a store's": ["redis"],
    "what encrypts kept answers": ["cryptography"],
    "more of phone numbers than the numbers": ["phonenumbers.carrier", "phonenumbers.geocoder"],
    "a tool of developers": ["matplotlib", "psutil", "pytest"],
}

_STARTED = """
import json, sys
import django
django.setup()
import otp_app.urls
"""

_WARM = """
from django.test import override_settings
from otp_app.apps import warm
values = json.loads(sys.argv[1])
before = set(sys.modules)
with override_settings(**values):
    warm()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def started(then, *arguments):
    """The names of modules that a fresh process prints as its last line."""
    printed = run("-c", _STARTED + then, *arguments, cwd=ROOT, DJANGO_SETTINGS_MODULE="tests.settings")
    return set(json.loads(printed.splitlines()[-1]))


@pytest.fixture(scope="module")
def loaded():
    return started("print(json.dumps(sorted(sys.modules)))")


@pytest.mark.parametrize("names", HEAVY.values(), ids=HEAVY)
def test_a_process_that_serves_the_api_has_loaded_nothing_that_it_may_never_need(loaded, names):
    assert "otp_app.api.views" in loaded
    assert loaded.isdisjoint(names)


def test_no_country_is_loaded_that_nobody_serves(loaded):
    assert not {name for name in loaded if name.startswith("phonenumbers.data.region_")}


def warmed(**values):
    return started(_WARM, json.dumps(values))


def test_warming_loads_the_client_of_the_provider_in_force():
    secrets = {"TWILIO_ACCOUNT_SID": "AC" + 32 * "0", "TWILIO_AUTH_TOKEN": "t", "TWILIO_PHONE_NUMBER": "+15005550006"}
    modules = warmed(OTP_PROVIDERS=[], **secrets)
    assert "otp_app.providers.twilio" in modules
    assert not {"twilio", "boto3", "celery", "redis"} & modules


def test_warming_loads_the_countries_that_are_served_and_no_other():
    modules = warmed(OTP_ALLOWED_REGIONS=["UZ", "KZ"])
    assert {name for name in modules if name.startswith("phonenumbers.data.region_")} == {
        "phonenumbers.data.region_UZ",
        "phonenumbers.data.region_KZ",
    }
    assert "twilio" not in modules
