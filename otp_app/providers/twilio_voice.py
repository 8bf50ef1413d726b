"""Write the call that reads a sentence out: https://www.twilio.com/docs/voice/twiml/say."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

# Language and voice for <Say>: https://www.twilio.com/docs/voice/twiml/say/text-speech. Polly's standard voices are the
# plainest of those that understand SSML, without which nothing can be read slowly.
#
# None of the voices speaks Uzbek. Turkish is the nearest language that they have: it is written in Latin letters and
# read as it is written, its sounds are nearly those of Uzbek and its numerals are cousins. A Russian voice would spell
# Latin letters out, and "uch" and "besh" read by an English one are no numbers.
VOICES: Mapping[str, tuple[str, str]] = {
    "en": ("en-US", "Polly.Joanna"),
    "ru": ("ru-RU", "Polly.Tatyana"),
    "uz": ("tr-TR", "Polly.Filiz"),
}
DEFAULT_VOICE = VOICES["en"]

# What the two spell differently: Turkish would take "sh" and "ch" apart and stop at an apostrophe.
_TURKISH = {"sh": "ş", "ch": "ç", "j": "c", "q": "k", "x": "h"}
_UZBEK = re.compile("sh|ch|[jqx]|['ʻʼ‘’`]")


def spoken(body: str, language: str, voices: Mapping[str, tuple[str, str]]) -> str:
    """Return TwiML that reads the sentence slowly, twice: nobody has a pen at hand the first time.

    ``voices`` as in ``VOICES``. Twilio takes 4000 characters.
    """
    tongue, voice = voices.get(language, DEFAULT_VOICE)
    text = turkish(body) if language == "uz" and tongue.startswith("tr") else body
    said = f'<prosody rate="slow">{escape(text)}</prosody>'
    # A pause, for the phone is still on its way to the ear; and another between the two.
    once = f'<Pause length="1"/><Say language={quoteattr(tongue)} voice={quoteattr(voice)}>{said}</Say>'
    return f"<Response>{once}{once}</Response>"


def turkish(uzbek: str) -> str:
    """Spell Latin Uzbek for a Turkish voice. In lower case, because a Turkish I is not an i."""
    return _UZBEK.sub(lambda found: _TURKISH.get(found[0], ""), uzbek.lower())
