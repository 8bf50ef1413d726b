"""The committed catalogues, what the maintenance script says about broken ones, and what people get to read."""

import copy
import re
import shutil

import pytest
from django.utils.translation import gettext, ngettext, override

from otp_app.api import problems
from otp_app.delivery import messages
from otp_app.errors import OtpError
from otp_app.phones import languages
from otp_app.providers import gsm
from tools import translations

TRANSLATED = [language for language in languages.LANGUAGES if language != translations.SOURCE]


def errors(base=OtpError):
    """Every error of ours; a test elsewhere may have made one of its own."""
    for error in base.__subclasses__():
        if error.__module__.startswith("otp_app."):
            yield error
        yield from errors(error)


def texts():
    shown = {error.__name__: error.detail for error in errors()}
    return shown | {f"title of {code}": title for code, title in problems.TITLES.items()}


@pytest.fixture(autouse=True, scope="module")
def read_once():
    """The code does not change while it is tested, and to look through all of it takes longer than the rest."""
    found = translations.extracted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translations, "extracted", lambda: copy.deepcopy(found))
        yield


@pytest.fixture
def locale(tmp_path):
    return shutil.copytree(translations.LOCALE, tmp_path / "locale")


def edit(locale, language, old, new):
    path = locale / language / translations.PO
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def msgstr(language, msgid):
    with override(language):
        return f'msgid "{msgid}"\nmsgstr "{gettext(msgid)}"'


def test_the_committed_catalogues_have_no_problem():
    assert translations.check() == []


def test_there_is_a_catalogue_for_every_language_we_speak():
    assert set(translations.LANGUAGES) == set(languages.LANGUAGES)


def test_update_leaves_the_committed_catalogues_as_they_are(locale):
    translations.update(locale)
    committed = {path.relative_to(translations.LOCALE): path.read_bytes() for path in translations.LOCALE.rglob("*.?o")}
    assert len(committed) == 2 * len(translations.LANGUAGES)
    assert {path.relative_to(locale): path.read_bytes() for path in locale.rglob("*.?o")} == committed


def test_update_makes_every_catalogue_from_nothing_and_check_asks_for_the_translations(tmp_path):
    assert any(problem.endswith("is missing.") for problem in translations.check(tmp_path))
    translations.update(tmp_path)
    found = translations.check(tmp_path)
    assert found
    assert all(re.fullmatch(r"(ru|uz): .+ is not translated\.", problem) for problem in found)


def test_no_catalogue_tells_when_or_where_it_was_made():
    for language in translations.LANGUAGES:
        po = (translations.LOCALE / language / translations.PO).read_text(encoding="utf-8")
        assert not re.search(r"(?m)-Date|Generated-By|^#: /|^#:.*:\d", po)


@pytest.mark.parametrize("language", TRANSLATED)
def test_check_finds_a_string_that_is_missing(locale, language):
    edit(locale, language, msgstr(language, "Not allowed"), "")
    assert f"{language}: 'Not allowed' is missing." in translations.check(locale)


def test_check_finds_a_string_that_is_not_translated(locale):
    edit(locale, "uz", msgstr("uz", "Not allowed"), 'msgid "Not allowed"\nmsgstr ""')
    assert "uz: 'Not allowed' is not translated." in translations.check(locale)


def test_check_finds_a_string_nobody_has_confirmed(locale):
    edit(locale, "ru", msgstr("ru", "Not allowed"), "#, fuzzy\n" + msgstr("ru", "Not allowed"))
    assert "ru: 'Not allowed' is fuzzy." in translations.check(locale)


@pytest.mark.parametrize("mark", ["", "#~ "])
def test_check_finds_a_string_that_nothing_uses(locale, mark):
    path = locale / "ru" / translations.PO
    path.write_text(f'{path.read_text(encoding="utf-8")}\n{mark}msgid "Old"\n{mark}msgstr "Старый"\n', encoding="utf-8")
    assert "ru: 'Old' is obsolete." in translations.check(locale)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("должно быть {length} цифр", "должно быть {lenght} цифр"),
        ("должно быть {length} цифр", "должны быть цифры"),
        ("Ваш код: %(code)s", "Ваш код: %(code)d"),
    ],
)
def test_check_finds_a_wrong_placeholder(locale, right, wrong):
    edit(locale, "ru", right, wrong)
    one, *_stale = translations.check(locale)
    assert re.fullmatch(r"ru: .+ has other placeholders than its translation\.", one)


def test_check_finds_a_compiled_file_that_is_stale(locale):
    edit(locale, "ru", "Нет доступа", "Доступа нет")
    assert translations.check(locale) == ["ru: django.mo is not what django.po compiles to."]


def test_check_finds_a_compiled_file_that_is_missing(locale):
    (locale / "uz" / translations.PO.with_suffix(".mo")).unlink()
    assert translations.check(locale) == ["uz: django.mo is not what django.po compiles to."]


def test_update_keeps_translations_and_repairs_the_rest(locale):
    edit(locale, "ru", "Нет доступа", "Доступа нет")
    edit(locale, "ru", 'msgid "Not signed in"', 'msgid "Not signed"')
    translations.update(locale)
    assert translations.check(locale) == ["ru: 'Not signed in' is fuzzy."]
    assert "Доступа нет" in (locale / "ru" / translations.PO).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", texts())
def test_every_error_is_said_in_the_language_of_the_person(name):
    said = {}
    for language in languages.LANGUAGES:
        with override(language):
            said[language] = str(texts()[name])
    assert said["en"].isascii()
    assert re.search("[а-яё]", said["ru"])
    assert said["uz"] != said["en"]
    assert not re.search("[а-яё]", said["uz"].lower())


def test_every_error_has_a_title():
    assert {error.code for error in errors()} == set(problems.TITLES)


@pytest.mark.parametrize("language", TRANSLATED)
def test_letters_are_those_of_the_language(language):
    """Uzbek has ʻ (U+02BB) and ʼ (U+02BC), which keyboards lack: what is typed instead must not creep in.

    In an SMS it must, because ʻ would leave 70 characters of 160.
    """
    for message in translations.extracted():
        with override(language):
            several = isinstance(message.id, tuple)
            text = (
                "".join(ngettext(*message.id, n) for n in (1, 2, 5)) if several else message.id and gettext(message.id)
            )
            is_sms = any(path.endswith(".sms.txt") for path, _ in message.locations)
            assert not re.search("[ʻʼ`´‘’]" if is_sms else "['`´‘’]", text)


PAGES = sorted((translations.APP / "templates").rglob("*.html"))
MARKED = r"(?s){% blocktranslate.*?{% endblocktranslate %}|{[{%].*?[%}]}"
SHOWN = r'\b(?:alt|aria-label|placeholder|title|data-(?:text|busy|waiting|closed-text))="([^"]*)"'


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_has_a_text_that_is_not_marked_for_translation(page):
    text = re.sub(MARKED, "", page.read_text(encoding="utf-8"))
    texts = [*re.findall(SHOWN, text), re.sub(r"(?s)<[^>]*>", "", text)]
    assert [found for found in texts if re.search(r"[^\W\d_]", found)] == []


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_the_longest_message_is_one_segment(settings, language):
    """With the longest code, a long brand and the line that browsers read."""
    settings.OTP_BRAND = "Twelve Chars"
    settings.OTP_WEB_HOST = "example.com"
    body = messages.body_for("login", language, "1234567890", 10)
    assert gsm.count_segments(body) == 1
    assert body.startswith("Twelve Chars: ")
    assert body.endswith("\n@example.com #1234567890")
    assert body.isascii() == (language != "ru")
    assert " 10 " in body
