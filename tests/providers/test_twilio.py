"""Twilio: SMS, WhatsApp and calls."""

import gc
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import VoiceResponse

from otp_app.providers.base import (
    NotAccepted,
    Receipt,
    Unknown,
)
from otp_app.providers.twilio import TwilioProvider
from otp_app.providers.twilio_voice import VOICES, spoken, turkish
from otp_app.testing.contracts.providers import MESSAGE
from tests.providers.twilio import (
    ACCEPTED,
    ACCOUNT,
    CALL,
    CALLS,
    MESSAGES,
    NUMBER,
    SERVICE,
    SID,
    TEMPLATE,
    TOKEN,
    TwilioContract,
    parsed,
)


class TestSms(TwilioContract):
    def test_the_message_is_posted_to_the_account_and_no_more_is_said_than_this(self, form, server):
        assert form() == {
            "To": [MESSAGE.to],
            "From": [NUMBER],
            "Body": [MESSAGE.body],
            "ValidityPeriod": ["300"],
            "StatusCallback": [MESSAGE.callback],
        }
        (asked,) = server.requests
        assert (asked.method, asked.path) == ("POST", MESSAGES)
        assert asked.headers["authorization"].startswith("Basic ")
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"

    def test_a_messaging_service_may_send(self, make, server, form):
        fields = form(make(server.url, SERVICE))
        assert fields["MessagingServiceSid"] == [SERVICE]
        assert "From" not in fields

    @pytest.mark.parametrize("name", ["MG Motors", "MG" + "2" * 31, "MG" + "2" * 33, "MG" + "z" * 32])
    def test_a_name_that_begins_like_a_service_is_a_name(self, make, server, form, name):
        assert form(make(server.url, name))["From"] == [name]

    @pytest.mark.parametrize(
        ("expires_in", "period"), [(300, 300), (1, 1), (0, 1), (-5, 1), (36_000, 36_000), (86_400, 36_000)]
    )
    def test_what_waits_longer_than_the_code_lives_is_not_sent(self, form, expires_in, period):
        assert form(expires_in=expires_in)["ValidityPeriod"] == [str(period)]

    @pytest.mark.parametrize(("told", "segments"), [("2", 2), (None, 1), ("0", 1), (3, 3), ("many", 1), ([], 1)])
    def test_a_receipt_without_a_count_of_segments_means_one(self, provider, server, told, segments):
        server.answers[MESSAGES] = (201, ACCEPTED | {"num_segments": told})
        assert provider.send(MESSAGE) == Receipt(SID, segments)

    @pytest.mark.parametrize("body", ["[" * 99_999, '"a"', "{}", "<html>"])
    def test_a_reply_that_makes_no_sense_is_unknown(self, provider, server, body):
        gc.collect()  # or what other tests have left is finalised in the depth of this JSON, where no call has room
        server.answers[MESSAGES] = (201, body)
        with pytest.raises(Unknown, match="unreadable") as raised:
            provider.send(MESSAGE)
        assert raised.value.__context__ is None

    def test_twilio_itself_is_the_default_address(self, make):
        assert make("")._http._base_url == "https://api.twilio.com"

    def test_only_what_is_set_up_is_served(self, make):
        nothing = {"voice_sender": "", "whatsapp_sender": "", "whatsapp_templates": None}
        assert make("", **nothing).channels == {"sms"}
        assert make("", **nothing | {"voice_sender": NUMBER}).channels == {"sms", "call"}
        assert make("", **nothing | {"whatsapp_sender": NUMBER}).channels == {"sms"}
        assert make("", **nothing | {"whatsapp_templates": {"*": TEMPLATE}}).channels == {"sms"}
        assert make("").channels == {"sms", "call", "whatsapp"}

    @pytest.mark.parametrize("channel", ["call", "whatsapp", "telegram"])
    def test_another_channel_is_not_taken_for_sms(self, server, channel):
        provider = TwilioProvider(ACCOUNT, TOKEN, NUMBER, server.url)
        with pytest.raises(NotAccepted, match="no_such_channel"):
            provider.send(replace(MESSAGE, channel=channel))
        provider.close()
        assert server.requests == []


class TestWhatsApp(TwilioContract):
    message = replace(MESSAGE, channel="whatsapp")

    def test_the_code_goes_into_an_approved_template(self, form):
        fields = form()
        assert json.loads(fields.pop("ContentVariables")[0]) == {"1": MESSAGE.code}
        assert fields == {
            "To": [f"whatsapp:{MESSAGE.to}"],
            "From": [f"whatsapp:{NUMBER}"],
            "ContentSid": [TEMPLATE],
            "ValidityPeriod": ["300"],
            "StatusCallback": [MESSAGE.callback],
        }

    @pytest.mark.parametrize(
        ("sender", "field", "value"),
        [(f"whatsapp:{NUMBER}", "From", f"whatsapp:{NUMBER}"), (SERVICE, "MessagingServiceSid", SERVICE)],
    )
    def test_its_sender_may_be_written_in_full_or_be_a_service(self, make, server, form, sender, field, value):
        assert form(make(server.url, whatsapp_sender=sender))[field] == [value]

    @pytest.mark.parametrize(("language", "template"), [("uz", "HX" + "a" * 32), ("ru", TEMPLATE)])
    def test_each_language_may_have_its_template(self, make, server, form, language, template):
        provider = make(server.url, whatsapp_templates={"uz": "HX" + "a" * 32, "*": TEMPLATE})
        assert form(provider, language=language)["ContentSid"] == [template]

    def test_a_language_without_a_template_may_be_served_elsewhere(self, make, server):
        with pytest.raises(NotAccepted, match="no_template"):
            make(server.url, whatsapp_templates={"uz": TEMPLATE}).send(self.message)
        assert server.requests == []


class TestVoice(TwilioContract):
    message = CALL
    sends = CALLS
    reference = "CA" + "5" * 32

    def test_a_message_is_carried_and_a_receipt_given(self, provider, carried):
        """The code is spoken: the digits are not there, the words are."""
        assert provider.send(CALL) == Receipt(self.reference, 1)
        assert "nine%2C+eight%2C+seven%2C+six%2C+five%2C+four" in carried()
        assert CALL.to.lstrip("+") in carried()

    def test_the_call_brings_its_words_along_and_reports_its_end(self, form, server):
        fields = form()
        assert list(fields.pop("Twiml")) == [spoken(CALL.body, "en", VOICES)]
        assert fields == {
            "To": [CALL.to],
            "From": [NUMBER],
            "Timeout": ["25"],
            "StatusCallback": [CALL.callback],
            "StatusCallbackEvent": ["completed"],
            "StatusCallbackMethod": ["POST"],
        }
        assert server.requests[0].path == CALLS

    def test_it_is_said_twice_and_slowly(self, form):
        call = parsed(form()["Twiml"][0])
        assert [part.tag for part in call] == ["Pause", "Say", "Pause", "Say"]
        for say in call.findall("Say"):
            assert say.attrib == {"language": "en-US", "voice": "Polly.Joanna"}
            (slow,) = say
            assert (slow.tag, slow.attrib, slow.text) == ("prosody", {"rate": "slow"}, CALL.body)

    def test_the_text_cannot_become_markup(self, form):
        body = "</prosody></Say><Dial>+1900</Dial> R&D \"quoted\" 'too'"
        twiml = form(body=body)["Twiml"][0]
        assert "<Dial>" not in twiml
        assert {slow.text for slow in parsed(twiml).iter("prosody")} == {body}

    @given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
    def test_it_is_what_the_sdk_would_write(self, body):
        call = VoiceResponse()
        for _ in range(2):
            call.pause(length=1)
            call.say(language="en-US", voice="Polly.Joanna").prosody(body, rate="slow")
        assert ET.canonicalize(spoken(body, "en", VOICES)) == ET.canonicalize(str(call))

    @pytest.mark.parametrize(
        ("language", "tongue"), [("en", "en-US"), ("ru", "ru-RU"), ("uz", "tr-TR"), ("tlh", "en-US")]
    )
    def test_each_language_has_its_voice_and_uzbek_a_turkish_one(self, form, language, tongue):
        assert {say.get("language") for say in parsed(form(language=language)["Twiml"][0]).iter("Say")} == {tongue}

    def test_a_voice_may_be_another(self, make, server, form):
        provider = make(server.url, voices={"uz": ("az-AZ", "Another.Voice"), "kk": ["kk-KZ", "One.More"]})
        for language, voice in (("uz", "Another.Voice"), ("kk", "One.More"), ("ru", "Polly.Tatyana")):
            call = parsed(form(provider, language=language, body="Besh")["Twiml"][0])
            assert {say.get("voice") for say in call.iter("Say")} == {voice}
            assert {slow.text for slow in call.iter("prosody")} == {"Besh"}  # only for a Turk it is written otherwise

    def test_a_turkish_voice_reads_uzbek_in_turkish_letters(self, form):
        call = parsed(form(language="uz", body="Kodingiz: to'rt, besh")["Twiml"][0])
        assert {slow.text for slow in call.iter("prosody")} == {"kodingiz: tort, beş"}

    def test_every_uzbek_digit_stays_another_word(self):
        digits = ["nol", "bir", "ikki", "uch", "to'rt", "besh", "olti", "yetti", "sakkiz", "to'qqiz"]
        turk = [turkish(digit) for digit in digits]
        assert turk == ["nol", "bir", "ikki", "uç", "tort", "beş", "olti", "yetti", "sakkiz", "tokkiz"]
        assert [turkish(digit.replace("'", "ʻ").upper()) for digit in digits] == turk
        assert turkish("Xush kelibsiz, Jahongir") == "huş kelibsiz, cahongir"


@pytest.fixture
def provider():
    provider = TwilioProvider(ACCOUNT, TOKEN, NUMBER)
    yield provider
    provider.close()


# From Twilio's published schema of CreateMessage (twilio-oai, api v2010), and limits its reference states in words.
SCHEMA = {
    "To": r"(whatsapp:)?\+[1-9]\d{6,14}",
    "From": r".+",
    "MessagingServiceSid": r"MG[0-9a-fA-F]{32}",
    "Body": r"(?s).{1,1600}",
    "ContentSid": r"HX[0-9a-fA-F]{32}",
    "ContentVariables": r"\{.*\}",
    "ValidityPeriod": r"[1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36000",
    "StatusCallback": r"https?://[A-Za-z0-9.-]+(:\d+)?/\S*",
}


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
@pytest.mark.parametrize("sender", [NUMBER, SERVICE])
@pytest.mark.parametrize("callback", ["", MESSAGE.callback])
def test_every_request_for_a_message_fits_the_published_schema(monkeypatch, provider, channel, sender, callback):
    provider = TwilioProvider(ACCOUNT, TOKEN, sender, "", "", sender, {"*": TEMPLATE})
    asked = []
    monkeypatch.setattr(provider._http, "request", lambda *args, **how: asked.append(how["data"]) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        provider.send(replace(MESSAGE, channel=channel, callback=callback))
    ((fields),) = asked
    assert fields.keys() <= SCHEMA.keys()
    for name, value in fields.items():
        assert re.fullmatch(SCHEMA[name], str(value)), name
    assert "To" in fields
    assert ("From" in fields) != ("MessagingServiceSid" in fields)
    assert ("Body" in fields) != ("ContentSid" in fields)
    assert ("StatusCallback" in fields) == bool(callback)
    provider.close()
