"""What the pages say about a message."""

import pytest
from django.utils.translation import override
from phonenumbers import SUPPORTED_REGIONS

from otp_app.challenges import ChallengeState
from otp_app.delivery.state import SHOWN_STATUSES
from otp_app.providers.base import Channel
from otp_app.web import texts
from tests.factories import new_phone

NUMBER = "+998 90 123 45 67"


def state(**values):
    defaults = {"challenge_id": "0" * 32, "state": "sent", "channel": "sms", "channels": ()}
    numbers = {"checks_left": 5, "sends_left": 2, "expires_in": 300, "resend_in": 60, "switch_in": 60}
    return ChallengeState(**(defaults | numbers | values))


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("language", ["en", "ru", "uz"])
def test_where_the_code_has_gone_names_the_number_once_whatever_the_channel(channel, language):
    with override(language):
        text = texts.sent_to(state(channel=channel), NUMBER)
    assert text.count(f'<strong class="number">{NUMBER}</strong>') == 1
    assert "{" not in text


def test_each_channel_is_told_apart():
    assert len({texts.sent_to(state(channel=channel), NUMBER) for channel in Channel}) == len(Channel)


def test_the_number_is_text_and_no_markup():
    assert "<b>" not in texts.sent_to(state(), "<b>")


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("told", SHOWN_STATUSES)
def test_every_state_that_can_be_told_has_words(channel, told):
    assert str(texts.message_state(state(channel=channel, state=told)))


def test_a_call_is_told_of_as_a_call():
    assert str(texts.message_state(state(channel="call", state="delivered"))) == "The call was answered."
    assert str(texts.message_state(state(channel="sms", state="delivered"))) == "The message has reached your phone."


WITHOUT = [
    ("sms", "undelivered", "The message did not reach your phone. Try again, or check the number."),
    ("sms", "failed", "The message could not be sent. Try again, or check the number."),
    ("call", "undelivered", "The call was not answered. Try again, or check the number."),
    ("call", "failed", "The call did not go through. Try again, or check the number."),
]


@pytest.mark.parametrize(("channel", "told", "text"), WITHOUT)
def test_another_way_is_named_only_where_there_is_one(channel, told, text):
    assert str(texts.message_state(state(channel=channel, state=told))) == text
    several = state(channel=channel, state=told, channels=("telegram",))
    assert "another way" in str(texts.message_state(several)).lower()
    assert str(texts.message_state(several, switch_in=1)) == text


@pytest.mark.parametrize("language", ["en", "ru", "uz"])
def test_each_wait_has_its_sentence_with_its_times(language):
    with override(language):
        told = texts.wait_texts(wait="5 MIN", left="2 MIN")
        assert all("5 MIN" in text for text in told.values())
        assert ["2 MIN" in text for text in told.values()] == [kind == "sooner" for kind in told]
        assert len(set(told.values())) == 4
        assert all("{wait}" in text for text in texts.wait_texts().values())  # the script has them put in


def test_the_other_ways_are_named_those_of_the_state_or_else_those_of_the_number(settings):
    settings.OTP_ROUTES = {"*": {channel: ["memory"] for channel in ("sms", "telegram", "whatsapp")}}
    told = [
        (channel, str(name)) for channel, name in texts.other_channels(new_phone(), state(channels=("call", "sms")))
    ]
    assert told == [("call", "Phone call"), ("sms", "Text message")]
    told = [(channel, str(name)) for channel, name in texts.other_channels(new_phone(), None)]
    assert told == [("telegram", "Telegram"), ("whatsapp", "WhatsApp")]


def test_without_any_way_none_is_named(settings):
    settings.OTP_ROUTES = {"KZ": {"sms": ["memory"]}}
    assert texts.other_channels(new_phone(), None) == []


@pytest.mark.parametrize(
    ("language", "named"), [("uz", {"UZ": "Oʻzbekiston", "KZ": "Qozogʻiston"}), ("ru", {}), ("en", {})]
)
def test_in_uzbek_which_not_every_browser_knows_the_page_brings_the_names_of_served_countries(
    settings, language, named
):
    settings.OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
    with override(language):
        assert texts.number_field()["names"] == named


def test_where_all_countries_are_served_it_brings_all_names(settings):
    settings.OTP_ALLOWED_REGIONS = "*"
    with override("uz"):
        assert texts.number_field()["names"]["JP"] == "Yaponiya"
        assert set(texts.number_field()["names"]) == set(SUPPORTED_REGIONS)
