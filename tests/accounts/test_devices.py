"""Devices that signed in before: who is known, and that nothing else is ever an error."""

import base64
import json

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from otp_app import stores
from otp_app.accounts import devices
from otp_app.models import DevicesEnd
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def now():
    return stores.current().now()


def test_a_device_is_known_by_its_value_for_its_phone_only():
    phone = new_phone()
    value = devices.issue(phone, now(), "d" * 32)
    assert devices.recognise(phone, value) == "d" * 32
    assert devices.recognise(new_phone(), value) == ""


def test_a_new_device_is_another_than_all_others():
    phone = new_phone()
    assert devices.recognise(phone, devices.issue(phone, now())) != devices.recognise(
        phone, devices.issue(phone, now())
    )


def test_the_value_names_no_phone_and_fits_the_field_of_the_api():
    phone = new_phone()
    value = devices.issue(phone, now())
    payload = base64.urlsafe_b64decode(value.partition(":")[0] + "==").decode()
    assert phone not in payload
    assert phone[1:] not in payload
    assert len(value) < devices.MAX_VALUE_CHARACTERS


def test_renewing_keeps_the_device_and_renews_its_time(clock):
    phone = new_phone()
    first = devices.issue(phone, now())
    clock.advance(10)
    second = devices.renew(phone, now(), first)
    assert second != first
    assert devices.recognise(phone, second) == devices.recognise(phone, first) != ""


def test_a_known_device_keeps_its_value_until_that_is_a_day_old(clock):
    phone = new_phone()
    value = devices.issue(phone, now())
    clock.advance(24 * 3600 - 10)
    assert devices.renew(phone, now(), value, known=True) == value
    assert devices.renew(phone, now(), value) != value  # one that was signed out everywhere is issued anew
    clock.advance(20)
    renewed = devices.renew(phone, now(), value, known=True)
    assert renewed != value
    assert devices.recognise(phone, renewed) == devices.recognise(phone, value) != ""


@pytest.mark.parametrize("value", [None, "", "nonsense"])
def test_who_comes_without_a_value_gets_a_new_one(value):
    phone = new_phone()
    assert devices.recognise(phone, devices.renew(phone, now(), value))


def test_renewing_with_the_value_of_another_phone_takes_nothing_over():
    theirs, mine = new_phone(), new_phone()
    value = devices.issue(theirs, now(), "d" * 32)
    assert devices.recognise(mine, devices.renew(mine, now(), value)) not in ("", "d" * 32)


def test_a_device_is_forgotten_when_its_time_is_over_by_the_clock_of_the_app(clock, settings):
    settings.OTP_DEVICE_TTL = 100
    phone = new_phone()
    value = devices.issue(phone, now())
    clock.advance(50)
    assert devices.recognise(phone, value)
    clock.advance(50)
    assert devices.recognise(phone, value) == ""
    assert devices.renew(phone, now(), value) != value


def test_a_value_of_a_rotated_key_is_known_until_the_key_is_retired(settings):
    phone, old = new_phone(), settings.SECRET_KEY
    settings.OTP_LEDGER_KEY = "kept"
    value = devices.issue(phone, now())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [old]
    assert devices.recognise(phone, value)
    settings.SECRET_KEY_FALLBACKS = []
    assert devices.recognise(phone, value) == ""


def test_without_a_kept_key_a_rotation_with_a_fallback_forgets_nobody(settings):
    phone, old = new_phone(), settings.SECRET_KEY
    value = devices.issue(phone, now())
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [old]
    assert devices.recognise(phone, value)


def test_ending_all_ends_what_was_issued_until_then_of_this_phone_only(clock):
    phone, other = new_phone(), new_phone()
    before, same, theirs = devices.issue(phone, now() - 1), devices.issue(phone, now()), devices.issue(other, now())
    devices.end_all(phone)
    assert (devices.recognise(phone, before), devices.recognise(phone, same)) == ("", "")
    assert devices.recognise(other, theirs)
    clock.advance(1)
    after = devices.issue(phone, now())
    assert devices.recognise(phone, after)
    devices.end_all(phone)
    assert devices.recognise(phone, after) == ""
    assert DevicesEnd.objects.count() == 1


def test_the_table_of_ends_holds_no_phone():
    phone = new_phone()
    devices.end_all(phone)
    assert phone[1:] not in str(DevicesEnd.objects.values().get())


def test_a_user_without_a_phone_has_no_devices_to_end():
    devices.end_all("")
    assert not DevicesEnd.objects.exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: value[:-1],
        lambda value: value[1:],
        lambda value: value[: len(value) // 2],
        lambda value: value + "a",
        lambda value: value + "\n",
        lambda value: value.replace(":", "::"),
        lambda value: value.partition(":")[0],
        lambda value: value.swapcase(),
        lambda value: value + "é",
        lambda value: value + "\ud800",
        lambda value: value * 50,
        lambda value: "x" * 10_000,
        lambda value: ":" * 10_000,
    ],
)
def test_a_value_that_was_spoiled_counts_as_none(spoil):
    phone = new_phone()
    spoiled = spoil(devices.issue(phone, now(), "d" * 32))
    assert devices.recognise(phone, spoiled) == ""
    assert devices.recognise(phone, devices.renew(phone, now(), spoiled)) != "d" * 32


def test_a_forged_value_counts_as_none():
    phone = new_phone()
    _, _, signature = devices.issue(phone, now()).partition(":")
    from otp_app.keys import phone_key

    payload = base64.urlsafe_b64encode(json.dumps([phone_key(phone), "d" * 32, now()]).encode()).decode().rstrip("=")
    for forged in (f"{payload}:{signature}", f"{payload}:", signing.dumps([phone_key(phone), "d" * 32, now()])):
        assert devices.recognise(phone, forged) == ""


@given(st.text(max_size=300))
def test_no_text_is_ever_an_error(text):
    assert devices.recognise("+998901234567", text) == ""


def test_what_is_kept_of_an_end_of_devices_names_no_phone():
    phone = new_phone()
    devices.end_all(phone)
    kept = str(DevicesEnd.objects.get())
    assert phone[1:] not in kept.replace("-", "")
