"""A key that has left the settings is named before people stand at the door."""

import pytest
from django.core import checks
from django.db import DatabaseError

from otp_app.checks import factors as module
from tests.factors.test_authenticators import enrolled

pytestmark = pytest.mark.django_db


def told(databases=("default",)):
    return [message.msg for message in checks.run_checks(databases=databases) if message.id == "otp_app.W040"]


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
        assert module.check_keys() == []


def test_before_the_first_migrate_there_is_nothing_to_read(monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(module.authenticators, "how_many_lost", fail)
    assert told() == []
