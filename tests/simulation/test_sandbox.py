"""Nothing of the project's is touched by a simulation, and everything is as before when it has ended."""

import logging

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection, connections, router

from otp_app import audit, services
from otp_app.db import clock
from otp_app.errors import Limited
from otp_app.models import ChallengeRow
from otp_app.providers import memory
from otp_app.signals import limited
from otp_app.simulation import numbers
from otp_app.simulation import sandbox as lab
from otp_app.simulation.profiles import play
from otp_app.simulation.sandbox import ALIAS, sandbox
from otp_app.simulation.world import Size
from tests.factories import new_phone
from tests.programs import ROOT, run


def refuse(*_):
    raise AssertionError("a query to the project's database")


def test_a_simulation_sends_no_query_to_the_databases_of_the_project(capsys):
    with connection.execute_wrapper(refuse):
        call_command("otp_simulate", profile="first day", world="concentrated", tries=100, people=2)
    assert "| first day: concentrated |" in capsys.readouterr().out


def test_a_simulation_needs_no_database_of_the_project(tmp_path):
    postgresql = {
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "SECRET_KEY": "abcde" * 10,
        "ENV_FILE": "none",
    }
    command = ("otp_simulate", "--profile", "bombing", "--tries", "100")
    printed = run(ROOT / "manage.py", *command, cwd=tmp_path, **postgresql)
    assert "| bombing: one phone |" in printed


def test_a_simulation_is_the_same_however_the_project_delivers_and_stores(settings, tmp_path, capsys):
    command = {"profile": "bombing", "tries": 100}
    call_command("otp_simulate", **command)
    printed = capsys.readouterr().out
    twilio = {"account_sid": "AC" + "0" * 32, "auth_token": "secret", "sender": "+15005550006"}
    settings.OTP_PROVIDERS = [
        {"ALIAS": "twilio", "BACKEND": "otp_app.providers.twilio.TwilioProvider", "OPTIONS": twilio}
    ]
    settings.OTP_ROUTES = {"UZ": {"call": ["twilio"]}, "*": {"sms": ["twilio"]}}
    settings.OTP_PUBLIC_URL = "https://login.example.com"
    settings.OTP_QUEUE = "otp_app.queues.celery.CeleryQueue"
    settings.OTP_STORE, settings.OTP_REDIS_URL = "otp_app.stores.redis.RedisStore", "redis://127.0.0.1:1"
    settings.OTP_WRITE_BEHIND, settings.OTP_PROVIDER_CALLS = 100, 1
    settings.OTP_TEST_NUMBERS = {"+998901234567": {"code": "246810", "expires": "2999-01-31"}}
    settings.OTP_OUTBOX_FILE = str(tmp_path / "outbox")
    settings.OTP_CLOCK_OFFSET_FILE = str(tmp_path / "clock")
    call_command("otp_simulate", **command)
    assert capsys.readouterr().out == printed
    assert not list(tmp_path.iterdir())


def test_only_countries_with_a_route_are_played(settings):
    settings.OTP_ROUTES = {"KZ": {"sms": ["memory"]}}
    with sandbox():
        assert numbers.regions() == ("KZ",)
    world = play("bombing", "one phone", 1, Size(tries=100))
    assert world.tallies["bombing"].messages == 4


def test_a_budget_counts_by_the_prices_of_the_routes(settings):
    settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": "0.5"}]
    settings.OTP_BUDGET_PER_DAY = 2
    world = play("bombing", "one phone", 1, Size(tries=100))
    assert world.tallies["bombing"].messages == 4
    assert world.tallies["bombing"].money == 2


def test_the_database_and_the_time_of_the_sandbox_end_with_it():
    before = set(connections.databases)
    with sandbox():
        assert clock.milliseconds() == lab.START_MS
        assert router.db_for_write(ChallengeRow) == router.db_for_read(ChallengeRow) == ALIAS
        services.send_code(phone=new_phone())
        assert ChallengeRow.objects.count() == 1
        assert memory.outbox
    assert router.db_for_write(ChallengeRow) == "default"
    assert set(connections.databases) == before
    assert clock.milliseconds() < lab.START_MS
    assert not memory.outbox


def test_models_of_the_project_stay_where_they_are():
    with sandbox():
        assert router.db_for_write(Group) == router.db_for_read(Group) == "default"


def test_no_receiver_and_no_log_hears_of_a_simulated_refusal(caplog):
    heard = []

    def listen(**facts):
        heard.append(facts["limit"])

    level = logging.getLogger("otp_app").level
    limited.connect(listen)
    try:
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            with sandbox():
                phone = new_phone()
                services.send_code(phone=phone)
                with pytest.raises(Limited):
                    services.send_code(phone=phone)
            assert (heard, caplog.records) == ([], [])
            audit.record_refusal(Limited("real", 1), phone, None)
    finally:
        limited.disconnect(listen)
    assert heard == ["real"]
    assert caplog.records
    assert logging.getLogger("otp_app").level == level
