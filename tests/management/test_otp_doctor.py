"""``manage.py otp_doctor``: what is wrong, each in a sentence."""

import io
import re
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import OperationalError

from otp_app import health, providers, rulings, services, stores
from otp_app.audit import proxies
from otp_app.checks import database
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, shared_limits
from otp_app.management import diagnosis
from otp_app.models import Delivery, EventRow, User
from otp_app.providers.base import NotAccepted
from otp_app.testing import lines
from otp_app.testing.line_checks import MemoryLineCheck
from tests.factories import new_phone
from tests.remote import RemoteProvider, remotes
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db(transaction=True)


def doctor():
    """The exit code and the lines."""
    out = io.StringIO()
    try:
        call_command("otp_doctor", stdout=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def remote(settings):
    settings.DEBUG = True
    with remotes() as told:
        yield told


def test_all_is_well(remote, monkeypatch):
    monkeypatch.setattr(RemoteProvider, "check", lambda self: "12.30 USD are left.")
    call_command("otp_sweep")
    call_command("otp_purge")
    code, text = doctor()
    assert code == 0
    assert text.endswith("\nNothing needs attention.\n")
    assert "ok      settings: all checks pass." in text
    assert "ok      queue: InlineQueue" in text
    assert "ok      remote: 12.30 USD are left." in text
    assert remote.sent == []  # it sends nothing


def test_migrations_that_were_not_run_are_named_with_the_command(remote, monkeypatch):
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one"])
    code, text = doctor()
    assert (code, "FAULT   migrations: are not all applied: run manage.py migrate." in text) == (1, True)


def test_notes_are_counted_and_need_no_attention(remote):
    code, text = doctor()
    assert "note    remote: offers no check of its credentials; send a test message." in text
    assert (code, text.endswith("\nNothing needs attention, 3 notes.\n")) == (0, True)  # nor has a sweep or a purge run


class TestSweepAndPurge:
    """In production: what runs nowhere is a fault as soon as it has something to do."""

    @pytest.fixture(autouse=True)
    def production(self, remote, settings):
        settings.DEBUG = False

    @pytest.mark.parametrize(("command", "patience"), [("otp_sweep", 600), ("otp_purge", 3 * 3600)])
    def test_each_is_missed_when_it_has_not_run_for_longer_than_it_may(self, command, patience, clock):
        assert f"note    {command}: has not run yet: have a timer or Celery's beat run it every " in doctor()[1]
        services.send_code(phone=new_phone())
        clock.advance(patience + 60)
        assert f"FAULT   {command}: has not run for " in doctor()[1]
        call_command(command)
        assert re.search(rf"ok      {command}: ran \d+ s ago\.", doctor()[1])
        clock.advance(patience - 60)
        assert f"ok      {command}: ran " in doctor()[1]
        clock.advance(120)
        assert f"FAULT   {command}: has not run for " in doctor()[1]

    def test_a_purge_that_deletes_what_is_over_leaves_the_trace_of_itself(self, clock):
        services.send_code(phone=new_phone())
        for _ in range(3):
            clock.advance(24 * 3600)
            call_command("otp_purge")
        assert re.search(r"ok      otp_purge: ran \d+ s ago\.", doctor()[1])

    def test_in_development_it_is_no_fault(self, settings, clock):
        settings.DEBUG = True
        services.send_code(phone=new_phone())
        clock.advance(24 * 3600)
        code, text = doctor()
        assert re.search(r"note    otp_sweep: has not run for 1 d( \d+ s)?: have a timer", text)
        assert code == 0


class TestRulings:
    def test_a_country_is_named_with_what_was_ruled_until_when_and_why(self, remote):
        ruled("region KZ", reason="a bomber")
        ruled("region UZ", "watch", until=clocks.milliseconds() + 3_630_000)
        text = doctor()[1]
        assert "note    region KZ: is shut by hand until it is lifted: a bomber." in text
        assert re.search(r"note    region UZ: is watched by hand for another 1 h( \d+ s)?: no reason\.", text)

    def test_others_are_counted_and_not_named(self, remote):
        ruled("prefix +99890123")
        assert "note    rulings: 1 phone, prefix or network shut or held open by hand: " in doctor()[1]
        ruled("network 192.0.2.0/24", "open", amount=5)
        text = doctor()[1]
        assert "note    rulings: 2 phones, prefixes or networks shut or held open by hand: " in text
        assert "+99890" not in text

    def test_what_is_over_or_lifted_is_not_told(self, remote):
        ruled("region KZ")
        rulings.lift("region KZ", "otp_block")
        ruled("prefix +99890123", until=1)
        assert "by hand" not in doctor()[1]


def test_many_reports_that_belong_to_no_delivery_are_a_note(remote):
    def keep(*numbers):
        rows = [EventRow(digest=f"{number:032x}", provider="remote", status="sent", raw={}) for number in numbers]
        EventRow.objects.bulk_create(rows)

    keep(*range(20))
    assert " reports on messages" not in doctor()[1]
    keep(*range(20, 1_200))
    code, text = doctor()
    assert (code, "note    remote: 1,200 reports on messages that were not sent from here." in text) == (0, True)


def test_what_a_provider_says_about_itself_is_shown(remote, monkeypatch):
    monkeypatch.setattr(RemoteProvider, "check", lambda self: "12.30 USD are left.")
    assert "ok      remote: 12.30 USD are left." in doctor()[1]


def test_wrong_credentials_are_a_fault(remote, monkeypatch):
    def check(self):
        raise NotAccepted("401")

    monkeypatch.setattr(RemoteProvider, "check", check)
    code, text = doctor()
    assert (code, text.endswith("\n1 fault needs attention, 2 notes.\n")) == (1, True)
    assert "FAULT   remote: refused the request or did not answer: 401. Check its credentials and the network." in text


def test_a_provider_that_cannot_be_made_is_a_fault(remote, settings):
    settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"OPTIONS": {"name": "x", "colour": "red"}}]
    code, text = doctor()
    assert (code, text.endswith(" faults need attention, 2 notes.\n")) == (1, True)
    assert "FAULT   settings: otp_app.E020" in text
    assert "FAULT   remote: cannot be used: TypeError: " in text


class TestLineCheck:
    @pytest.fixture
    def asked(self, remote):
        with lines() as company:
            yield company.asked

    def test_without_one_nothing_is_said(self, remote):
        assert "line check:" not in doctor()[1]

    def test_one_without_a_free_question_is_not_asked_and_that_is_said(self, asked):
        code, text = doctor()
        assert "note    line check: was not asked: its class has no question that costs nothing." in text
        assert (code, asked) == (0, [])

    def test_what_the_company_says_about_the_account_is_shown(self, asked, monkeypatch):
        monkeypatch.setattr(MemoryLineCheck, "check_account", lambda self: "The credentials are right.")
        code, text = doctor()
        assert (code, "ok      line check: The credentials are right." in text, asked) == (0, True, [])

    def test_wrong_credentials_are_a_fault(self, asked, monkeypatch):
        def check_account(self):
            raise NotAccepted("20003")

        monkeypatch.setattr(MemoryLineCheck, "check_account", check_account)
        code, text = doctor()
        assert (code, "FAULT   line check: refused the request or did not answer: 20003." in text) == (1, True)

    def test_one_that_cannot_be_made_is_a_fault(self, remote, settings):
        path = f"{MemoryLineCheck.__module__}.{MemoryLineCheck.__qualname__}"
        settings.OTP_LINE_CHECK = {"BACKEND": path, "OPTIONS": {"colour": "red"}}
        code, text = doctor()
        assert code == 1
        assert "FAULT   settings: otp_app.E048" in text
        assert "FAULT   line check: cannot be used: TypeError: " in text


def test_a_warning_is_a_note(remote, settings):
    settings.OTP_SENDS_PER_DAY = 2000
    code, text = doctor()
    assert (code, "note    settings: otp_app.W013: " in text) == (0, True)


def test_a_limit_that_many_share_is_a_note_when_much_of_it_is_used_and_a_fault_at_its_end(remote, monkeypatch):
    assert "ok      limits: none that requests share is used to 40 %." in doctor()[1]
    for used, (level, code) in {40: ("note", 0), 98: ("note", 0), 99: ("FAULT", 1)}.items():
        percents = {"OTP_BUDGET_PER_DAY": used, "OTP_DEVICE_SENDS_PER_DAY": 39}
        monkeypatch.setattr(shared_limits, "used_percents", lambda percents=percents: percents)
        found, text = doctor()
        assert (found, f"{level:7} limits: {used} % of OTP_BUDGET_PER_DAY is used. Beyond" in text) == (code, True)
        assert "DEVICE" not in text


def test_a_proxy_that_hides_its_clients_is_a_note(remote, monkeypatch):
    assert "proxies:" not in doctor()[1]
    monkeypatch.setattr(proxies, "suspected", lambda: True)
    code, text = doctor()
    assert (code, "note    proxies: most people seem to come from one network" in text) == (0, True)


def test_the_checks_of_production_are_made_outside_of_development(remote, settings):
    settings.DEBUG = False
    settings.OTP_PUBLIC_URL = "http://login.example.com"
    assert "note    settings: otp_app.W004: " in doctor()[1]


def test_connections_that_are_not_kept_are_a_note(remote, settings, monkeypatch):
    settings.DEBUG = False
    server = SimpleNamespace(vendor="postgresql", settings_dict={"CONN_MAX_AGE": 0, "OPTIONS": {}})
    monkeypatch.setattr(database, "connections", {"default": server})
    text = doctor()[1]
    assert "note    settings: otp_app.W012: Connections to the database 'default' are not kept: a send costs" in text


def test_a_proxy_that_the_service_is_not_told_of_is_named_and_what_is_silenced_is_not(remote, settings):
    settings.DEBUG = False
    assert "otp_app.W010" not in doctor()[1]  # silenced
    settings.SILENCED_SYSTEM_CHECKS = []
    code, text = doctor()
    assert (code, "note    settings: otp_app.W010: SECURE_PROXY_SSL_HEADER is not set" in text) == (0, True)
    assert "OTP_TRUSTED_PROXIES" in text
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert "note    settings: otp_app.W011: " in doctor()[1]
    settings.OTP_TRUSTED_PROXIES = 1
    text = doctor()[1]
    assert "otp_app.W010" not in text
    assert "otp_app.W011" not in text


def test_a_part_that_does_not_answer_is_a_fault(remote, monkeypatch):
    monkeypatch.setitem(health._PROBES, "store", lambda: 1 / 0)
    code, text = doctor()
    assert (code, "FAULT   store: failed; the log says why." in text) == (1, True)


def test_what_cannot_be_examined_is_a_fault_and_the_rest_is_examined(remote, monkeypatch):
    def down():
        raise OperationalError

    monkeypatch.setattr(stores.current(), "now", down, raising=False)
    services_sent = Delivery(challenge="0" * 32, sent_at=1, channel="sms")
    services_sent.save()
    code, text = doctor()
    assert (code, "FAULT   backlog: could not be examined: OperationalError." in text) == (1, True)
    assert "note    remote: " in text


def test_deliveries_that_nobody_takes_on_are_a_fault(remote, clock):
    services.send_code(phone=new_phone())
    Delivery.objects.update(status="queued", claimed_at=0)
    assert doctor()[0] == 0
    clock.advance(180)
    code, text = doctor()
    assert code == 1
    assert re.search(
        r"FAULT   queue: 1 delivery waiting, the oldest for 3 min( \d+ s)?\. Check that a worker and", text
    )


def test_an_open_circuit_is_a_fault_until_it_ends(remote, clock):
    circuit_breaker.record_failure("remote")
    assert doctor()[0] == 0
    for _ in range(4):
        circuit_breaker.record_failure("remote")
    code, text = doctor()
    assert (code, "FAULT   remote: failed too often; nothing is sent through it for another " in text) == (1, True)
    clock.advance(31)
    assert doctor()[0] == 0


def test_a_country_that_is_served_and_has_no_route_is_a_fault(remote, settings):
    settings.OTP_ROUTES = {"UZ": {"sms": ["remote"]}}
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
    code, text = doctor()
    assert (code, "FAULT   routes: KZ is served, but OTP_ROUTES has no route to it." in text) == (1, True)


def test_it_says_what_the_reports_lack(remote, settings, monkeypatch):
    monkeypatch.setattr(RemoteProvider, "signed", "signature")
    providers._instances.clear()
    assert "note    remote: sends no reports because OTP_PUBLIC_URL is not set" in doctor()[1]
    settings.OTP_PUBLIC_URL = "https://login.example.com"
    assert "note    remote: has sent no report yet; it should send them to https://login.example.com/" in doctor()[1]
    EventRow.objects.create(digest="0" * 32, provider="remote", status="sent", raw={})
    assert "reported" not in doctor()[1]


def test_users_whose_phones_are_in_another_spelling_are_a_fault(remote, settings, monkeypatch):
    settings.OTP_HOME_REGIONS = ["UZ"]
    User.objects.bulk_create(User(phone=phone) for phone in (new_phone(), "90 123 45 67", "a word"))
    code, text = doctor()
    assert (code, "FAULT   users: 1 of the first 3 phones are not in E.164 form" in text) == (1, True)
    monkeypatch.setattr(diagnosis, "_MAX_USERS", 1)
    code, text = doctor()
    assert (code, "ok      users: the phones of the first 1 are in E.164 form." in text) == (0, True)
