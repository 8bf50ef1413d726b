"""The admin's password sign-in: limited by client and by account, before the password is compared."""

import logging
import re
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.db import OperationalError, connections
from django.test import Client
from django.urls import reverse

from otp_app import passwords, stores
from otp_app.errors import Limited, Unavailable
from otp_app.models import User
from otp_app.passwords import PasswordForm, account_of
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PHONE = "+998901234567"
PASSWORD = "a long password"


@pytest.fixture
def staff():
    return User.objects.create_superuser(PHONE, PASSWORD)


@pytest.fixture(autouse=True)
def _few(settings):
    settings.OTP_PASSWORDS_PER_CLIENT_HOUR = 3
    settings.OTP_PASSWORDS_PER_ACCOUNT_HOUR = 5


def sign_in(password="wrong", name=PHONE, address="192.0.2.1", **headers):
    """The answer of the sign-in page to a browser of that address."""
    data = {"username": name, "password": password}
    return Client().post(reverse("admin:login"), data, REMOTE_ADDR=address, headers=headers)


def is_limited(response):
    return "Too many tries" in response.content.decode()


def test_the_site_of_the_service_uses_the_form():
    assert reverse("admin:login") == "/admin/login/"  # loads the addresses, which limit it
    assert admin.site.login_form is PasswordForm


def test_the_right_password_signs_in_as_often_as_one_likes(staff):
    for _ in range(5):
        assert sign_in(PASSWORD).status_code == 302


def test_a_client_that_guesses_is_told_to_wait_and_for_how_long(staff):
    assert not any(is_limited(sign_in()) for _ in range(3))
    response = sign_in()
    assert response.status_code == 200
    # Counted in slots of two and a half minutes.
    assert re.search(r"Too many tries\. Try again in 6[0-3] minutes\.", response.content.decode())


def test_the_right_password_does_not_help_a_client_that_is_limited(staff, settings):
    for _ in range(3):
        sign_in()
    response = sign_in(PASSWORD)
    assert is_limited(response)
    assert settings.SESSION_COOKIE_NAME not in response.cookies
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302


def test_an_account_is_limited_whatever_the_addresses_and_spellings(staff):
    spellings = [PHONE, "+998 90 123 45 67", "+998-90-1234567", "\uff0b998901234567", " +998 (90) 1234567 "]
    for number, spelling in enumerate(spellings):
        assert not is_limited(sign_in(name=spelling, address=f"192.0.2.{number}"))
    assert is_limited(sign_in(PASSWORD, address="192.0.2.99"))


def test_an_account_that_does_not_exist_is_limited_alike():
    answers = [sign_in(name="Nobody", address=f"192.0.2.{number}") for number in range(6)]
    assert [is_limited(answer) for answer in answers] == [False] * 5 + [True]
    assert is_limited(sign_in(name="nobody", address="192.0.2.99"))


def test_a_success_gives_back_what_it_took_and_no_more(staff):
    sign_in()
    sign_in()
    assert sign_in(PASSWORD).status_code == 302
    assert not is_limited(sign_in())
    assert is_limited(sign_in())


def test_the_right_password_of_somebody_who_is_no_staff_is_paid_for():
    User.objects.create_user("+998901234568", PASSWORD)
    assert [is_limited(sign_in(PASSWORD, name="+998901234568")) for _ in range(4)] == [False] * 3 + [True]


def test_after_an_hour_one_may_try_again(staff, clock):
    for _ in range(4):
        response = sign_in()
    assert is_limited(response)
    clock.advance(3600 + 150)
    assert sign_in(PASSWORD).status_code == 302


def test_an_empty_form_costs_nothing(staff):
    for _ in range(4):
        assert "This field is required" in sign_in("").content.decode()
        assert "This field is required" in sign_in(name="").content.decode()
    assert sign_in(PASSWORD).status_code == 302


def test_a_form_without_a_request_is_limited_as_of_an_unknown_client(staff):
    forms = [PasswordForm(data={"username": PHONE, "password": "wrong"}) for _ in range(4)]
    codes = [form.errors.as_data()["__all__"][0].code for form in forms]
    assert codes == ["invalid_login"] * 3 + ["limited"]


def test_a_phone_may_be_typed_longer_than_it_is_stored(staff):
    assert PasswordForm().fields["username"].widget.attrs["maxlength"] == 32


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 second."), (60, "1 minute."), (61, "2 minutes.")])
def test_the_wait_is_told_as_everywhere(monkeypatch, seconds, words):
    def take(_demand):
        raise Limited("passwords_per_client_hour", seconds)

    monkeypatch.setattr(stores, "current", lambda: SimpleNamespace(take=take))
    assert f"Try again in {words}" in sign_in().content.decode()


@pytest.mark.parametrize("error", [OperationalError, Unavailable])
def test_a_store_that_is_down_is_said_clearly(monkeypatch, error):
    def take(_demand):
        raise error

    monkeypatch.setattr(stores, "current", lambda: SimpleNamespace(take=take))
    response = sign_in()
    assert response.status_code == 200
    assert "not available at the moment" in response.content.decode()


class TestReport:
    @pytest.fixture
    def records(self, caplog):
        caplog.set_level(logging.INFO, "otp_app.guard")
        return caplog

    def test_a_phone_is_masked(self, staff, records):
        for _ in range(4):
            sign_in()
        (record,) = records.records
        assert record.otp["limit"] == "passwords_per_client_hour"
        assert (record.otp["phone"], record.otp["client"]) == ("+998901••••••", "192.0.2.1")

    @pytest.mark.parametrize("name", ["hunter2 hunter2", "+hunter2hunter2", "+31415926535897932384"])
    def test_of_another_name_nothing_is_shown_for_it_may_be_a_password(self, records, name):
        for _ in range(4):
            sign_in(name=name)
        (record,) = records.records
        assert "phone" not in record.otp
        assert len(record.otp["account"]) == 8
        assert not any(part in records.text for part in (name, name[:5], name[-5:]))


@pytest.mark.parametrize(
    "names",
    [
        ["+998901234567", "+998 90 123-45-67", "\uff0b\uff19\uff19\uff18901234567", "  +998901234567\n"],
        ["Admin", "admin", "ADMIN ", "\uff21dmin"],
        ["straße", "STRASSE"],
        ["\u03aa", "\u0399\u0308", "\u03ca"],
        ["x" * 254, "X" * 255],
    ],
)
def test_all_spellings_of_a_name_are_one_account(names):
    assert len({account_of(name) for name in names}) == 1


def test_different_names_are_different_accounts():
    assert len({account_of(name) for name in ["+998901234567", "+998901234568", "a", "b", "a b"]}) == 5


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_never_overshoot(staff, monkeypatch):
    looked_at = []
    real = User.check_password

    def check(user, password):
        looked_at.append(password)
        return real(user, password)

    monkeypatch.setattr(User, "check_password", check)
    answers = race(lambda number: sign_in(f"guess {number}"), 12)
    assert [is_limited(answer) for answer in answers].count(False) == 3
    assert len(looked_at) == 3


@pytest.mark.django_db(transaction=True)
def test_a_guess_stays_paid_for_under_atomic_requests(staff, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert [is_limited(sign_in()) for _ in range(4)] == [False] * 3 + [True]
    assert sign_in(PASSWORD, address="192.0.2.2").status_code == 302


def test_a_site_of_ones_own_can_be_limited_too():
    site = admin.AdminSite("other")
    passwords.limit(site)
    assert site.login_form is PasswordForm
    assert site.login._non_atomic_requests == set(connections)
    assert site.login.login_required is False  # for projects that use Django's LoginRequiredMiddleware
