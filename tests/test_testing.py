"""The helpers for the tests of host projects."""

import importlib.util
import sys

import pytest
from django.core.management import call_command

from otp_app import services, testing
from otp_app.conf import provider_entries
from otp_app.errors import ChannelNotOffered
from otp_app.testing import admin_user  # noqa: F401
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def test_the_fixture_gives_the_last_code_of_a_phone(otp_outbox):
    phone, other = new_phone(), new_phone()
    services.send_code(phone=phone)
    services.send_code(phone=other)
    assert otp_outbox.code(phone) == otp_outbox.messages[0].code
    assert services.sign_in(phone=phone, code=otp_outbox.code(phone)).is_new


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
    assert not hasattr(without, "otp_outbox")
    assert not hasattr(without, "admin_user")
    with without.outbox() as sent:
        assert sent.messages == []
