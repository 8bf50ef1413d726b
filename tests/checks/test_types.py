"""A setting of a wrong type is named, and breaks no other check."""

from pathlib import Path

import pytest
from django.core import checks
from django.utils.translation import gettext_lazy

from otp_app.conf import Conf
from tests.checks.found import ids

pytestmark = pytest.mark.django_db  # Django's own checks ask the database what it can do

SWITCHES = [name for name, kind in Conf.__annotations__.items() if kind is bool]
PHONE = "+15005550009"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "0") for name in SWITCHES),
        *((name, None) for name in ("BRAND", "LOGO", "STAFF_BY_CODE", "STORE")),
        *((name, "UZ") for name in ("HOME_NETWORKS", "HOME_REGIONS", "NEXT_HOSTS", "PASSKEY_ORIGINS")),
        *(("CODE_ALONE", value) for value in ("", "False", 2)),
        ("ALLOWED_REGIONS", 998),
        ("ALLOWED_REGIONS", [None]),
        ("BRAND", b"OTP"),
        ("HOME_NETWORKS", [None]),
        ("LINE_CHECK", "otp_app.providers.twilio_lookup.TwilioLookup"),
        ("LOGO", Path("brand/logo.svg")),
        ("LINE_CHECK", []),
        ("POLICIES", ["transfer"]),
        ("POLICIES", {"transfer": None}),
        ("POLICIES", {5: {}}),
        ("PROVIDERS", {"ALIAS": "one"}),
        ("PROVIDERS", ["one"]),
        ("REGION_LANGUAGES", ["uz"]),
        ("ROUTES", ["one"]),
        ("ROUTES", {"UZ": "one"}),
        ("ROUTES", {"UZ": {"sms": "one"}}),
        ("TEST_NUMBERS", [PHONE]),
        ("TEST_NUMBERS", {PHONE: "246810"}),
        ("TEST_NUMBERS", {15005550009: {}}),
        ("WAITS", 60),
        ("WAITS", None),
    ],
)
def test_a_wrong_type_is_named_alone(settings, name, value):
    setattr(settings, f"OTP_{name}", value)
    assert ids() == ["otp_app.E001"]


def test_the_type_is_written_as_in_python_and_the_value_is_not_shown(settings):
    settings.OTP_ROUTES, settings.OTP_STAFF_BY_CODE, settings.OTP_OUTBOX_FILE = ["a secret"], "0", 7
    assert [found.msg for found in checks.run_checks()] == [
        "OTP_STAFF_BY_CODE must be of the type bool.",
        "OTP_ROUTES must be of the type Mapping[str, Mapping[str, Sequence[str]]].",
        "OTP_OUTBOX_FILE must be of the type str | Path.",
    ]


def test_other_classes_of_the_same_kind_are_taken(settings):
    settings.OTP_BRAND, settings.OTP_HOME_REGIONS = gettext_lazy("Sign in"), {"UZ"}
    settings.OTP_OUTBOX_FILE = Path("outbox")
    assert ids() == []
