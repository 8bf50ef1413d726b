"""The line in which the service says what it runs with."""

from types import SimpleNamespace

import pytest

from otp_app import __version__
from otp_project import startup

POSTGRESQL = {
    "NAME": "otp",
    "USER": "somebody",
    "PASSWORD": "a secret",
    "HOST": "db.example.com",
    "PORT": 5432,
}


@pytest.fixture(autouse=True)
def database(monkeypatch):
    def database(vendor, **values):
        monkeypatch.setattr(startup, "connection", SimpleNamespace(vendor=vendor, settings_dict=values))

    database("postgresql", **POSTGRESQL)
    return database


@pytest.fixture(autouse=True)
def _served(settings):
    settings.HOST, settings.PORT = "127.0.0.1", 8000
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
    settings.OTP_PROVIDERS = [{"ALIAS": "eskiz", "BACKEND": "x"}, {"ALIAS": "twilio", "BACKEND": "y"}]
    settings.OTP_TRUSTED_PROXIES = 1


def test_it_names_all_that_an_operator_may_have_set_wrong_and_no_secret(settings):
    settings.OTP_STORE, settings.OTP_REDIS_URL = "otp_app.stores.redis.RedisStore", "redis://:a secret@cache:6379/0"
    assert startup.line() == (
        f"otp_app {__version__} on http://127.0.0.1:8000, database postgresql otp at db.example.com:5432, store "
        "RedisStore, providers eskiz twilio, regions KZ UZ, trusted proxies 1"
    )


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [("", "", "postgresql otp,"), ("/run/postgresql", "", "postgresql otp at /run/postgresql,")],
)
def test_a_database_is_named_as_far_as_it_is_set(database, host, port, said):
    database("postgresql", **POSTGRESQL | {"HOST": host, "PORT": port})
    assert f"database {said}" in startup.line()


def test_a_file_is_named_by_its_path(database):
    database("sqlite", NAME="/srv/otp/db.sqlite3", HOST="", PORT="")
    assert "database sqlite /srv/otp/db.sqlite3," in startup.line()


def test_where_no_provider_is_set_the_console_is_named_and_all_countries_are_a_star(settings):
    settings.OTP_PROVIDERS, settings.OTP_ALLOWED_REGIONS, settings.HOST = [], "*", "::1"
    line = startup.line()
    assert "providers console, regions *, trusted proxies 1" in line
    assert "on http://[::1]:8000," in line
