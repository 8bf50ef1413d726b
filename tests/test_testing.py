"""The helpers for the tests of host projects."""

import importlib.util
import sys
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from otp_app import notifications, services, stores, testing
from otp_app.conf import conf, provider_entries
from otp_app.errors import ChannelNotOffered, DeliveryFailed, InvalidOrExpiredCode, IsThisYou, Limited
from otp_app.providers.base import Unknown
from otp_app.providers.line_checks import Line
from otp_app.testing import admin_user  # noqa: F401
from otp_app.testing.contracts.tokens import TokenContract
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def test_a_message_without_a_code_hides_none_that_was_sent_before(db, otp_outbox, django_user_model):
    user = django_user_model.objects.create_user(new_phone())
    services.send_code(phone=user.phone)
    notifications.send(user, notifications.NEW_DEVICE)
    assert len(otp_outbox.messages) == 2
    assert services.sign_in(phone=user.phone, code=otp_outbox.code(user.phone)).user == user


def test_the_fixture_gives_the_last_code_of_a_phone(otp_outbox):
    phone, other = new_phone(), new_phone()
    services.send_code(phone=phone)
    services.send_code(phone=other)
    assert otp_outbox.code(phone) == otp_outbox.messages[0].code
    assert services.sign_in(phone=phone, code=otp_outbox.code(phone)).is_new


def test_the_fixture_of_lines_answers_what_a_test_says(otp_lines, django_user_model):
    user = django_user_model.objects.create_user(new_phone(), last_login=timezone.now() - timedelta(days=8))
    with testing.outbox() as sent:
        services.send_code(phone=user.phone)
        otp_lines.answers[user.phone] = Line(sim_swapped=True)
        with pytest.raises(IsThisYou):
            services.sign_in(phone=user.phone, code=sent.code(user.phone))
    assert [phone for phone, _ in otp_lines.asked] == [user.phone]


def test_outside_of_it_no_company_is_asked(settings):
    with testing.lines(PRICE="1"):
        assert conf.LINE_CHECK["PRICE"] == "1"
    assert conf.LINE_CHECK is None


def test_a_phone_without_a_message_is_an_error(otp_outbox):
    with pytest.raises(LookupError, match=r"no message to \+998900000000"):
        otp_outbox.code("+998900000000")


def test_outside_of_it_the_projects_own_provider_is_in_force(settings):
    settings.OTP_PROVIDERS = []
    settings.OTP_OUTBOX_FILE = "outbox"
    with testing.outbox() as sent:
        assert provider_entries()[0]["ALIAS"] == "memory"
        services.send_code(phone=new_phone())
        assert len(sent.messages) == 1
    assert provider_entries()[0] == {
        "ALIAS": "file",
        "BACKEND": "otp_app.providers.file.FileProvider",
        "OPTIONS": {"path": "outbox"},
    }
    assert sent.messages == []


def test_routes_stay_in_force_and_all_of_their_providers_keep_messages(settings):
    settings.OTP_PROVIDERS = [{"ALIAS": "twilio", "BACKEND": "gone.Gone"}, {"ALIAS": "eskiz", "BACKEND": "gone.Gone"}]
    settings.OTP_ROUTES = {"UZ": {"sms": ["eskiz"], "telegram": ["twilio", "eskiz"]}}
    phone = new_phone()
    with testing.outbox() as sent:
        assert [entry["ALIAS"] for entry in provider_entries()] == ["eskiz", "twilio"]
        services.send_code(phone=phone, channel="telegram")
        assert [message.channel for message in sent.messages] == ["telegram"]
        assert sent.code(phone)
        with pytest.raises(ChannelNotOffered):
            services.send_code(phone=new_phone(), channel="call")


def test_without_any_setting_codes_go_to_the_console(settings, capsys):
    settings.OTP_PROVIDERS = []
    phone = new_phone()
    services.send_code(phone=phone)
    assert phone in capsys.readouterr().out


def test_no_fixture_outlives_its_test_whatever_the_test_has_set_within():
    before = django_settings.OTP_PROVIDERS
    with testing.outbox():
        within = override_settings(OTP_BRAND="Within")
        within.enable()
    within.disable()
    assert django_settings.OTP_PROVIDERS is before
    assert not hasattr(django_settings, "OTP_OUTBOX_FILE")


def test_sends_fail_on_demand_and_work_again_afterwards(otp_outbox, otp_unlimited):
    phone = new_phone()
    with otp_outbox.failing(), pytest.raises(DeliveryFailed):
        services.send_code(phone=phone)
    with otp_outbox.failing(Unknown("timeout")):
        services.send_code(phone=phone)  # who asked is not told that nobody knows
    assert otp_outbox.messages == []
    services.send_code(phone=phone)
    assert otp_outbox.code(phone)


def test_a_clock_that_is_moved_lets_a_code_expire_and_goes_back(otp_outbox):
    phone = new_phone()
    services.send_code(phone=phone)
    code, now = otp_outbox.code(phone), stores.current().now
    before = now()
    with testing.moved(300) as clock:
        assert now() - before >= 300_000
        with pytest.raises(InvalidOrExpiredCode):
            services.sign_in(phone=phone, code=code)
        clock.advance(100)
        assert now() - before >= 400_000
    assert now() - before < 300_000
    assert services.sign_in(phone=phone, code=code).is_new


def test_the_fixture_of_the_clock_stands_at_now_until_it_is_moved(otp_outbox, otp_clock):
    phone = new_phone()
    services.send_code(phone=phone)
    with pytest.raises(Limited):
        services.send_code(phone=phone)
    otp_clock.advance(60)
    services.send_code(phone=phone)


@pytest.mark.parametrize("client", ["192.0.2.1", None])
def test_without_limits_nobody_waits_and_nothing_is_used_up(otp_outbox, settings, client):
    names = ("UNCONVERTED_PER_PREFIX_DAY", "SENDS_PER_PREFIX_DAY", "UNCONVERTED_PER_SUBNET_DAY", "BUDGET_PER_DAY")
    for name in (*names, "SENDS_PER_PHONE_DAY", "UNCONVERTED_OF_STRANGERS_DAY"):
        setattr(settings, f"OTP_{name}", 1)
    settings.OTP_PROOFS = True
    phone = new_phone()
    with testing.unlimited():
        for _ in range(20):
            services.send_code(phone=phone, client=client)
    with pytest.raises(Limited):
        services.send_code(phone=phone, client=client)


def test_the_client_of_an_admin_has_one(admin_client):
    page = admin_client.get("/admin/otp_app/user/")
    assert (page.status_code, testing.ADMIN in page.text) == (200, True)


def test_the_purge_command_says_what_it_did(capsys, clock):
    services.send_code(phone=new_phone())
    clock.advance(2 * 86400)
    call_command("otp_purge")
    assert capsys.readouterr().out == "Purged 1 challenges and 0 tokens and sessions.\n"


@pytest.mark.parametrize("text", ["", "soon", "1e999"])
def test_a_clock_file_that_holds_no_number_changes_nothing(clock, text):
    from otp_app.db.clock import offset

    clock.path.write_text(text)
    assert offset() == 0
    clock.advance(1.5)
    assert offset() == 1500


def test_without_pytest_the_context_manager_is_there_and_the_fixture_is_not(monkeypatch):
    """Some projects test with Django's own runner."""
    monkeypatch.setitem(sys.modules, "pytest", None)
    spec = importlib.util.find_spec("otp_app.testing")
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    assert set(without.__all__) == {
        *("ADMIN", "Clock", "Lines", "Outbox", "create_admin", "lines", "moved", "outbox", "unlimited")
    }
    assert not hasattr(without, "otp_outbox")
    with without.outbox() as sent:
        assert sent.messages == []


def test_the_contract_asks_no_backend_for_the_time_of_a_sign_in_that_does_not_know_it():
    ask = TokenContract().test_it_tells_when_the_user_signed_in_and_nothing_of_anybody_else
    with pytest.raises(pytest.skip.Exception):
        ask(object(), None, None, None, None)
