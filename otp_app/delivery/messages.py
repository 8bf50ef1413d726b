"""Compose the text of a message: language, template, and the lines that machines read.

The text is a template, ``otp_app/sms.txt`` or, for one purpose, ``otp_app/<purpose>.sms.txt``; a voice reads
``call.txt``. The text of a confirmation is ``confirm.sms.txt`` or ``<purpose>.confirm.sms.txt``; its context follows.
The purposes of ours share ``of_account.confirm.sms.txt``, so that nobody gives such a code away as if it were another.
That of a notification is ``<kind>.notice.sms.txt``; it depends on brand, language and form, and its link follows.
A project overrides them by a template of that name in an app before ours or in its template folders. A text may depend
on brand, code, minutes, language and form and on nothing else, because it is cached by them.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, cast

from django.conf import settings
from django.core.signals import setting_changed
from django.template import Context, Engine, Template
from django.utils.translation import override

from ..challenges import Challenge
from ..challenges.policies import is_of_account
from ..conf import conf
from ..providers import gsm
from ..providers.base import Channel, Message

FORMS = ("full", "warning", "short")  # a template may show less in each; the first that is one segment is taken


def compose(challenge: Challenge, code: str, expires_in: int, context: str | None = None) -> Message:
    """Return the message for a provider; ``context`` is what a confirmation confirms, None for any other challenge.

    ``expires_in`` is in seconds; the text says whole minutes, at least one.
    """
    minutes = max(1, expires_in // 60)
    if challenge.channel == Channel.CALL:
        body = spoken_for(challenge.purpose, challenge.language, code)
    elif context is not None:
        body = confirmation_for(challenge.purpose, challenge.language, code, minutes, context)
    else:
        body = body_for(challenge.purpose, challenge.language, code, minutes)
    return Message(challenge.phone, body, challenge.channel, code, challenge.language, expires_in, challenge.id)


def body_for(purpose: str, language: str, code: str, minutes: int) -> str:
    """Write the longest form that is one segment, else the shortest.

    It ends in the app hash for Android's SMS Retriever and, last, the origin-bound line for browsers.
    Sources: https://wicg.github.io/sms-one-time-codes/ (the last line is "@host #code"), and Android's SMS Retriever
    (the text holds an 11-character hash).
    """
    lines = _machine_lines(code)
    texts = (_sms_text(purpose, "sms", language, code, minutes, form) for form in FORMS)
    return _first_in_one_segment([text, *lines] for text in texts)


def confirmation_for(purpose: str, language: str, code: str, minutes: int, context: str) -> str:
    """Write the same for a confirmation: the context follows the code, whole in each form.

    The last form is the code and the context alone. No template adds the context, so none can leave it out.
    """
    lines = _machine_lines(code)
    texts = (_sms_text(purpose, "confirm.sms", language, code, minutes, form) for form in FORMS)
    return _first_in_one_segment([*([text, context, *lines] for text in texts), [code, context]])


def notice(challenge: Challenge, link: str, expires_in: int) -> Message:
    """Return the message of a notification, without a code; ``link`` is "" where no page is served.

    The link is left whole: a form that is one segment may lack its scheme, and phones open it all the same.
    """
    texts = [_render(challenge.purpose, "notice.sms", challenge.language, form=form) for form in ("full", "short")]
    bare = link.removeprefix("https://")
    body = _first_in_one_segment([[texts[0], link], [texts[1], link], [texts[1], bare]])
    return Message(challenge.phone, body, challenge.channel, "", challenge.language, expires_in, challenge.id)


def _machine_lines(code: str) -> list[str]:
    return [conf.ANDROID_APP_HASH, f"@{conf.WEB_HOST} #{code}" if conf.WEB_HOST else ""]


def _first_in_one_segment(forms: Iterable[Sequence[str]]) -> str:
    """Join the lines of each form; return the first that is one segment, or the last."""
    for lines in forms:
        body = "\n".join(line for line in lines if line)
        if gsm.count_segments(body) == 1:
            break
    return body


def spoken_for(purpose: str, language: str, code: str) -> str:
    """Return the text that a voice reads, with the code in words."""
    return _render(purpose, "call", language, code=spell(code, language))


def _sms_text(purpose: str, kind: str, language: str, code: str, minutes: int, form: str) -> str:
    """Return the text with a code, rendered once for all codes of a length if the template shows a code as it is."""
    example, text = _example_text(purpose, kind, language, conf.BRAND, minutes, len(code), form)
    if not text:
        return _render(purpose, kind, language, code=code, minutes=minutes, form=form)
    return text.replace(example, code)


# Two codes that have no digit in the same place, so that a piece of one is never a piece of the other.
_EXAMPLE_CODES = ("9182736450", "3746501829")


@lru_cache(maxsize=256)
def _example_text(
    purpose: str,
    kind: str,
    language: str,
    brand: str,  # noqa: ARG001  (a part of the text)
    minutes: int,
    length: int,
    form: str,
) -> tuple[str, str]:
    """Return an example code and its text; "" as text if another code changes more of the text than its own place."""
    first, second = (code[:length] for code in _EXAMPLE_CODES)
    render = partial(_render, purpose, kind, language, minutes=minutes, form=form)
    one, other = render(code=first), render(code=second)
    return first, one if one.replace(first, second) == other else ""


def _render(purpose: str, kind: str, language: str, **values: Any) -> str:
    with override(language):
        context = Context({"brand": conf.BRAND} | values, autoescape=False)
        return _template(purpose, kind).render(context).strip()


@lru_cache(maxsize=32)
def _template(purpose: str, kind: str) -> Template:
    """Load a template by an engine of our own, because a host project may have no TEMPLATES."""
    folders = [folder for engine in settings.TEMPLATES for folder in cast("list[str]", engine.get("DIRS", []))]
    engine = Engine(dirs=folders, app_dirs=True, libraries={"i18n": "django.templatetags.i18n"})
    names = [purpose, "of_account"] if is_of_account(purpose) else [purpose]
    return engine.select_template([*(f"otp_app/{name}.{kind}.txt" for name in names), f"otp_app/{kind}.txt"])


def _clear_caches(*, setting: str, **_: Any) -> None:
    if setting in ("TEMPLATES", "INSTALLED_APPS", "LOCALE_PATHS"):
        _template.cache_clear()
        _example_text.cache_clear()


setting_changed.connect(_clear_caches)


DIGIT_WORDS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "ru": ("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять"),
    "uz": ("nol", "bir", "ikki", "uch", "to'rt", "besh", "olti", "yetti", "sakkiz", "to'qqiz"),
}


def spell(code: str, language: str) -> str:
    """Return the digits as ``"one, two, …"``: a comma is a pause. English for a language that has no words here."""
    words = DIGIT_WORDS.get(language, DIGIT_WORDS["en"])
    return ", ".join(words[int(digit)] for digit in code)
