"""``manage.py otp_doctor``: what is wrong, each in a sentence."""

import io

import pytest
from django.core.management import call_command
from django.db import OperationalError

from otp_app import circuits, health, providers, services, stores
from otp_app.management import diagnosis
from otp_app.models import Delivery, EventRow, User
from otp_app.providers.base import NotAccepted
from tests.factories import new_phone
from tests.remote import RemoteProvider, remotes

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


def test_all_is_well(remote):
    code, text = doctor()
    assert code == 0
    assert text.endswith("\nAll is well.\n")
    assert "ok      settings: no check complains." in text
    assert "ok      queue: InlineQueue" in text
    assert "note    remote: has no address to ask" in text
    assert remote.sent == []  # it sends nothing


def test_what_a_provider_says_of_itself_is_told(remote, monkeypatch):
    monkeypatch.setattr(RemoteProvider, "check", lambda self: "12.30 USD are left.")
    assert "ok      remote: 12.30 USD are left." in doctor()[1]


def test_wrong_credentials_are_a_fault(remote, monkeypatch):
    def check(self):
        raise NotAccepted("401")

    monkeypatch.setattr(RemoteProvider, "check", check)
    code, text = doctor()
    assert (code, text.endswith("\n1 faults.\n")) == (1, True)
    assert "FAULT   remote: says no, or nothing: 401. Look at its credentials and the network." in text


def test_a_provider_that_cannot_be_made_is_a_fault(remote, settings):
    settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"OPTIONS": {"name": "x", "colour": "red"}}]
    code, text = doctor()
    assert code == 1
    assert "FAULT   settings: otp_app.E020" in text
    assert "FAULT   remote: cannot be used: TypeError: " in text


def test_a_warning_is_a_note(remote, settings):
    settings.OTP_FAILURES_PER_DAY = 4999
    code, text = doctor()
    assert (code, "note    settings: otp_app.W003: " in text) == (0, True)


def test_the_checks_of_production_are_made_outside_of_development(remote, settings):
    settings.DEBUG = False
    settings.OTP_PUBLIC_URL = "http://login.example.com"
    assert "note    settings: otp_app.W004: " in doctor()[1]


def test_a_part_that_does_not_answer_is_a_fault(remote, monkeypatch):
    monkeypatch.setitem(health._PROBES, "store", lambda: 1 / 0)
    code, text = doctor()
    assert (code, "FAULT   store: failed; the log says why." in text) == (1, True)


def test_what_cannot_be_looked_at_is_a_fault_and_the_rest_is_looked_at(remote, monkeypatch):
    def down():
        raise OperationalError

    monkeypatch.setattr(stores.current(), "now", down, raising=False)
    services_sent = Delivery(challenge="0" * 32, sent_at=1, channel="sms")
    services_sent.save()
    code, text = doctor()
    assert (code, "FAULT   backlog: could not be looked at: OperationalError." in text) == (1, True)
    assert "note    remote: " in text


def test_deliveries_that_nobody_takes_on_are_a_fault(remote, clock):
    services.send_code(phone=new_phone())
    Delivery.objects.update(status="queued", claimed_at=0)
    assert doctor()[0] == 0
    clock.advance(180)
    code, text = doctor()
    assert code == 1
    assert "FAULT   queue: 1 deliveries wait, the oldest for 3 min" in text
    assert "is a worker running, and manage.py otp_sweep?" in text


def test_an_open_circuit_is_a_fault_until_it_ends(remote, clock):
    circuits.failed("remote")
    assert doctor()[0] == 0
    for _ in range(4):
        circuits.failed("remote")
    code, text = doctor()
    assert (code, "FAULT   remote: failed too often and is left alone for another " in text) == (1, True)
    clock.advance(31)
    assert doctor()[0] == 0


def test_a_country_that_is_served_and_has_no_route_is_a_fault(remote, settings):
    settings.OTP_ROUTES = {"UZ": {"sms": ["remote"]}}
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
    code, text = doctor()
    assert (code, "FAULT   routes: KZ is served, but OTP_ROUTES has no way there." in text) == (1, True)


def test_it_says_what_the_reports_lack(remote, settings, monkeypatch):
    monkeypatch.setattr(RemoteProvider, "signed", "signature")
    providers._made.clear()
    assert "note    remote: sends no reports, for OTP_PUBLIC_URL is not set" in doctor()[1]
    settings.OTP_PUBLIC_URL = "https://login.example.com"
    assert "note    remote: has not reported yet; it is told to at https://login.example.com/" in doctor()[1]
    EventRow.objects.create(digest="0" * 32, provider="remote", status="sent", raw={})
    assert "reported" not in doctor()[1]


def test_users_whose_phones_are_in_another_spelling_are_a_fault(remote, settings, monkeypatch):
    settings.OTP_HOME_REGIONS = ["UZ"]
    User.objects.bulk_create(User(phone=phone) for phone in (new_phone(), "90 123 45 67", "a word"))
    code, text = doctor()
    assert (code, "FAULT   users: 1 of the first 3 phones are in another form than E.164" in text) == (1, True)
    monkeypatch.setattr(diagnosis, "_LOOKED_AT", 1)
    code, text = doctor()
    assert (code, "ok      users: the phones of the first 1 are in E.164 form." in text) == (0, True)
