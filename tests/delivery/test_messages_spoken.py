"""Codes as they are spoken."""

import pytest

from otp_app.delivery import messages
from otp_app.delivery import messages as speech
from otp_app.phones import languages
from otp_app.providers.base import Channel
from tests.factories import new_challenge

EVERY_DIGIT = "0123456789"


@pytest.mark.parametrize("language", sorted(speech.DIGIT_WORDS))
def test_every_digit_has_a_word_of_its_own(language):
    words = speech.spell(EVERY_DIGIT, language).split(", ")
    assert words == list(speech.DIGIT_WORDS[language])
    assert len(set(words)) == 10
    assert not any(char.isdigit() for word in words for char in word)


def test_zeros_in_front_and_repeated_digits_are_all_spoken():
    assert speech.spell("0077", "en") == "zero, zero, seven, seven"


def test_a_language_without_words_hears_english():
    assert speech.spell("12", "xx") == "one, two"


def test_every_language_of_the_texts_can_be_spoken():
    assert set(speech.DIGIT_WORDS) == set(languages.LANGUAGES)


@pytest.mark.parametrize("language", [*languages.LANGUAGES, "de"])
def test_a_call_says_the_code_in_words_and_never_in_digits(language):
    message = messages.compose(new_challenge(language=language, channel=Channel.CALL), EVERY_DIGIT, 299)
    spoken = speech.spell(EVERY_DIGIT, language)
    assert spoken in message.body
    assert not any(char.isdigit() for char in message.body)
    assert (message.code, message.channel) == (EVERY_DIGIT, "call")


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM])
def test_what_is_read_shows_digits(channel):
    assert "012345" in messages.compose(new_challenge(channel=channel), "012345", 299).body
