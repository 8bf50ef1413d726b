"""A key or a domain that has left the settings is named before people stand at the door."""

import pytest
from django.core import checks
from django.db import DatabaseError

from otp_app.checks import factors as module
from otp_app.factors import relying_party
from otp_app.models import Passkey
from tests.factories import new_phone
from tests.factors.test_authenticators import enrolled

pytestmark = pytest.mark.django_db


def told(name="otp_app.W040"):
    return [message.msg for message in checks.run_checks(databases=["default"]) if message.id == name]


def test_without_authenticators_any_key_is_fine(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", []
    assert told() == []


def test_a_key_that_has_gone_is_named_with_how_many_it_concerns(settings):
    enrolled()
    before = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", [before]
    enrolled()
    assert told() == []
    settings.SECRET_KEY_FALLBACKS = []
    (text,) = told()
    assert "The key of 1 authenticators has left" in text


def test_the_kept_key_outlives_the_others(settings):
    settings.OTP_LEDGER_KEY = "kept"
    enrolled()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", []
    assert told() == []
    settings.OTP_LEDGER_KEY = ""
    assert told()


def test_it_reads_no_database_that_is_not_named(settings, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert module.check_keys() == module.check_domain() == []


def test_before_the_first_migrate_there_is_nothing_to_read(monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(module.authenticators, "how_many_lost", fail)
    monkeypatch.setattr(module.passkeys, "how_many", fail)
    assert told() == told("otp_app.W041") == []


class TestPasskeys:
    @pytest.fixture
    def passkeys(self, django_user_model):
        facts = {"public_key": b"", "user_handle": b"", "sign_count": 0, "backup_eligible": True, "backed_up": True}
        facts |= {"user": django_user_model.objects.create_user(new_phone()), "created_at": "2026-01-01T00:00Z"}
        return [Passkey.objects.create(credential_id=name, **facts) for name in (b"1", b"2")]

    def test_without_any_nothing_need_be_set(self):
        assert told("otp_app.W041") == []

    def test_those_that_are_kept_while_no_setting_names_their_domain_are_counted(self, passkeys):
        (text,) = told("otp_app.W041")
        assert text.startswith("2 passkeys are kept, but passkeys are off")

    @pytest.mark.parametrize(
        ("name", "value"), [("OTP_PASSKEY_RP_ID", "example.com"), ("OTP_PUBLIC_URL", "https://login.example.com")]
    )
    def test_a_domain_is_enough_if_the_package_is_there(self, passkeys, settings, monkeypatch, name, value):
        setattr(settings, name, value)
        assert told("otp_app.W041") == []
        monkeypatch.setattr(relying_party, "find_spec", lambda name: None)
        assert told("otp_app.W041")
