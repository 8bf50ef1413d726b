"""The catalogues of otp_app: ``update`` brings them up to date with the code, ``check`` says what is wrong with them.

Of each language ``django.po`` is for people and ``django.mo`` for Django; both are committed, because a machine that
runs the project need not have gettext. Nothing written depends on the day, the machine or a line number.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileParser, write_po
from django.utils.translation.template import templatize

APP = Path(__file__).resolve().parent.parent / "otp_app"
LOCALE, PO = APP / "locale", Path("LC_MESSAGES", "django.po")
SOURCE = "en"  # the msgids' own language: its catalogue repeats them, so that English never falls through to another
LANGUAGES = (SOURCE, "ru", "uz")
LAZY = {f"{name}_lazy": DEFAULT_KEYWORDS[name] for name in ("gettext", "ngettext", "pgettext", "npgettext")}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}")


class Words(Catalog):
    """Hold a catalogue whose header has what Django reads and nothing that changes from one run to the next."""

    def __init__(self, language: str) -> None:
        super().__init__(language, header_comment="# See tools/translations.py.", fuzzy=False)

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        content = ("Content-Type", "text/plain; charset=utf-8\n")
        return [("Language", str(self.locale_identifier)), ("Plural-Forms", self.plural_forms), content]

    @mime_headers.setter
    def mime_headers(self, headers: list[tuple[str, str]]) -> None:
        self._set_mime_headers(headers)  # the plural forms a file names are kept


def extracted() -> Words:
    """Return every msgid of the Python files and the templates, in the order of the files."""
    found = Words(SOURCE)
    for path in sorted(APP.rglob("*"), key=Path.as_posix):
        name = path.relative_to(APP.parent).as_posix()
        if path.suffix == ".py":
            source = path.read_text(encoding="utf-8")
        elif path.is_file() and "/templates/" in name:
            # It becomes calls of gettext between letters that mean nothing; their indentation is not Python's.
            source = re.sub(r"(?m)^\s+", "", templatize(path.read_text(encoding="utf-8"), origin=name))
        else:
            continue
        for line, msgid, _, context in extract("python", BytesIO(source.encode()), {**DEFAULT_KEYWORDS, **LAZY}):
            found.add(msgid, locations=[(name, line)], context=context)
    return found


def update(locale: Path = LOCALE) -> None:
    """Take new msgids in and old ones out. A translation stays, as fuzzy if its msgid has changed a little."""
    for language in LANGUAGES:
        words = _read(po := locale / language / PO)
        words.update(extracted(), no_fuzzy_matching=language == SOURCE)
        for message in words if language == SOURCE else ():
            message.string = message.id
        po.parent.mkdir(parents=True, exist_ok=True)
        with po.open("wb") as file:
            write_po(file, words, width=0, include_lineno=False, ignore_obsolete=True)
        po.with_suffix(".mo").write_bytes(_compiled(_read(po)))


def check(locale: Path = LOCALE) -> list[str]:
    """Return one sentence for each problem."""
    template = extracted()
    return [f"{language}: {text}" for language in LANGUAGES for text in _problems(locale / language / PO, template)]


def _problems(po: Path, template: Words) -> Iterator[str]:
    words = _read(po)
    gone = [message for message in words if template.get(message.id, message.context) is None]
    yield from (f"{message.id!r} is obsolete." for message in [*gone, *words.obsolete.values()] if message.id)
    for message in template:
        if message.id and (problem := _problem(message, words.get(message.id, message.context))):
            yield f"{message.id!r} {problem}."
    if not (mo := po.with_suffix(".mo")).exists() or mo.read_bytes() != _compiled(words):
        yield "django.mo is not what django.po compiles to."


def _problem(message: Message, translation: Message | None) -> str:
    ids, strings = _forms(message.id), _forms(translation.string if translation else "")
    if translation is None or not all(strings):
        return "is not translated" if translation else "is missing"
    if any(sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(ids[-1])) for text in strings):
        return "has other placeholders than its translation"
    return "is fuzzy" if translation.fuzzy else ""


def _forms(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the forms of a plural, or the one text."""
    return tuple(text) if isinstance(text, (list, tuple)) else (text or "",)


def _read(po: Path) -> Words:
    words = Words(po.parent.parent.name)
    PoFileParser(words, abort_invalid=True).parse(po.read_text(encoding="utf-8").splitlines() if po.exists() else ())
    return words


def _compiled(words: Words) -> bytes:
    write_mo(buffer := BytesIO(), words)
    return buffer.getvalue()


if __name__ == "__main__":
    if sys.argv[1:] not in (["update"], ["check"]):
        sys.exit("usage: python tools/translations.py update|check")
    if sys.argv[1] == "update":
        update()
    sys.exit("\n".join(check()) or None)  # with sentences to say 1, else 0
