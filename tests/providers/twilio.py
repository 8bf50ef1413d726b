"""Hold what the tests of Twilio's channels share: an account, its answers, and the contract of each channel."""

import logging
from dataclasses import replace
from typing import ClassVar
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest

from otp_app.providers.base import (
    Message,
    Unknown,
)
from otp_app.providers.twilio import TwilioProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "a token of ours", "+12015550123"
SERVICE, TEMPLATE, SID = "MG" + "2" * 32, "HX" + "3" * 32, "SM" + "4" * 32
API = f"/2010-04-01/Accounts/{ACCOUNT}"
MESSAGES, CALLS = f"{API}/Messages.json", f"{API}/Calls.json"

ACCEPTED = {
    "account_sid": ACCOUNT,
    "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
    "error_code": None,
    "num_segments": "2",
    "price": None,
    "sid": SID,
    "status": "queued",
}
GOOD = {MESSAGES: (201, ACCEPTED), CALLS: (201, {"sid": "CA" + "5" * 32, "status": "queued"})}
CALL = Message(
    to="+998901234567",
    body="Shop. Your code is: nine, eight, seven, six, five, four.",
    channel="call",
    code="987654",
    language="en",
    expires_in=300,
    reference="0" * 32,
    id="1" * 32,
    callback=MESSAGE.callback,
)


def refused(status, code):
    return status, {
        "code": code,
        "message": f"about {MESSAGE.body}",
        "more_info": "https://127.0.0.1",
        "status": status,
    }


def parsed(twiml):
    return ET.fromstring(twiml)  # noqa: S314  (made by ourselves a moment ago)


class TwilioContract(RestContract):
    """What the three channels share; each runs it with its own messages."""

    good: ClassVar = GOOD
    sends = MESSAGES
    reference = SID
    overloaded = refused(429, 20429)
    denied = refused(401, 20003)
    sender = NUMBER

    @pytest.fixture
    def make(self):
        made = []

        def make(url, sender=self.sender, token=TOKEN, **options):
            options = {
                "voice_sender": NUMBER,
                "whatsapp_sender": NUMBER,
                "whatsapp_templates": {"*": TEMPLATE},
            } | options
            made.append(TwilioProvider(ACCOUNT, token, sender, url, **options))
            return made[-1]

        yield make
        for provider in made:
            provider.close()

    @pytest.fixture
    def form(self, provider, server):
        """The fields of the request for a message, each with all its values."""

        def form(provider=provider, **changes):
            provider.send(replace(self.message, **changes))
            return parse_qs(server.requests[-1].body, keep_blank_values=True, strict_parsing=True)

        return form

    def test_without_a_callback_no_reports_are_asked_for(self, form):
        assert not [name for name in form(callback="") if name.startswith("StatusCallback")]

    def test_nothing_at_all_is_logged(self, provider, caplog):
        caplog.set_level(logging.DEBUG)
        provider.send(self.message)
        assert [record.name for record in caplog.records if record.name.startswith(("otp_app", "twilio"))] == []

    @pytest.mark.parametrize("sid", [None, ""])
    def test_a_success_without_an_id_is_unknown(self, provider, server, sid):
        server.answers[self.sends] = (201, ACCEPTED | {"sid": sid})
        with pytest.raises(Unknown, match="no_id"):
            provider.send(self.message)
