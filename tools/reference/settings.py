"""Make docs/settings.md of ``otp_app/conf.py``, the comments in it, and ``.env.example``."""

import inspect
import re
from dataclasses import dataclass, field

from otp_app.checks.ranges import MAX_NUMBER, RANGES
from otp_app.conf import PREFIX, Conf

from .tables import ROOT, code, plain, table

HEAD = """# Settings

## In settings.py

Each is a setting of Django; without it the default is in force. `manage.py check` tells of values that cannot be.
"""
ENVIRONMENT = """
## In the environment of the service

The ready service (`otp_project`) reads these names from the environment, then from `.env`. `NAME_FILE=/path` instead of
`NAME=value` reads the value from a file. A name that begins with `OTP_` sets the setting above.
"""
SETTING = re.compile(r"(?P<name>[A-Z_]+): (?P<type>.+?) = .+?(?:  # (?!noqa)(?P<text>.+?))?(?:  # noqa.*)?$")
VARIABLE = re.compile(r"#(?P<name>[A-Z_]+)=(?P<default>.*)")
READ = re.compile(r'\b(text|items|integer|flag|mapping|entries|zone|level)\("([A-Z_]+)"')
TYPES = {
    "text": "text",
    "items": "list, with commas",
    "integer": "whole number",
    "flag": "1 or 0",
    "mapping": "JSON object",
    "entries": "JSON array",
    "zone": "time zone",
    "level": "level",
}
READ_BY_TYPE: dict[type, str] = {bool: "flag", int: "integer", str: "text", tuple: "items"}

Row = tuple[str, str, str, str]  # name, type, default, text


@dataclass
class Section:
    """Hold a table and what stands above it."""

    title: str
    text: str = ""
    rows: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{_sentence(self.text)}\n\n" if self.text else ""
        rows = ((*row[:3], _sentence(row[3])) for row in self.rows)
        return f"\n### {self.title}\n\n{text}" + table(("name", "type", "default", "what it does"), rows)


def page() -> str:
    """Return the page; raise LookupError for a name of which nothing is said."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    own, environment = sections_of(inspect.getsource(Conf)), sections_of_environment(example)
    return HEAD + "".join(map(str, own)) + ENVIRONMENT + "".join(map(str, environment))


def sections_of(source: str) -> list[Section]:
    """Return the settings of ``Conf``, a section for each paragraph; one alone goes with those before it."""
    sections: list[Section] = []
    for paragraph in source.split("\n\n"):
        title, text, rows = _parts(paragraph)
        if len(rows) > 1:
            sections.append(Section(title, _with_whole_names(text)))
        elif rows and title:  # it is no title, but about the one setting
            about = " ".join(filter(None, (title, text)))
            rows = [(*row[:3], ": ".join(filter(None, (about, row[3])))) for row in rows]
        for row in rows:
            if not row[3]:
                raise LookupError(f"No comment above or beside {row[0]} in otp_app/conf.py says what it does.")
            sections[-1].rows.append((*row[:3], _with_whole_names(row[3])))
    return sections


def _parts(paragraph: str) -> tuple[str, str, list[Row]]:
    """Return the first line of a paragraph's first comment, the rest of it, and the settings."""
    head: list[str] = []
    above: list[str] = []
    rows: list[Row] = []
    for line in map(str.strip, paragraph.splitlines()):
        if line.startswith("#"):
            above.append(line.removeprefix("#").strip())
        elif found := SETTING.fullmatch(line):
            if not rows:
                head, above = above, []
            rows.append(_row(found["name"], found["type"], " ".join(filter(None, (*above, found["text"])))))
            above = []
    return " ".join(head[:1]), " ".join(head[1:]), rows


def _row(name: str, kind: str, text: str) -> Row:
    least, most = RANGES.get(name, (None, None))
    within = "" if least is None else f", {least} or more" if most == MAX_NUMBER else f", {least} to {most}"
    return code(PREFIX + name), code(kind) + within, code(repr(getattr(Conf, name))), text


def _with_whole_names(text: str) -> str:
    return re.sub(r"\b[A-Z][A-Z_]+\b", lambda found: PREFIX * hasattr(Conf, found[0]) + found[0], text)


def _sentence(text: str) -> str:
    """Return a comment from a capital letter on, unless it begins with a value."""
    begins_with_word = re.match(r"[a-z]+[ ,]", text)
    return plain(text[:1].upper() + text[1:] if begins_with_word else text)


def sections_of_environment(example: str) -> list[Section]:
    """Return the names of ``.env.example``; a comment between blank lines is the title of a section."""
    types = _types()
    sections: list[Section] = []
    above: list[str] = []
    for line in [*example.splitlines(), ""]:
        if found := VARIABLE.fullmatch(line):
            name = found["name"]
            sections[-1].rows.append((code(name), TYPES[types[name]], code(found["default"]), " ".join(above)))
            above = []
        elif line:
            above.append(line.removeprefix("#").strip())
        elif above:
            sections.append(Section(" ".join(above)))
            above = []
    return [section for section in sections if section.rows]  # the first comment is of the file


def _types() -> dict[str, str]:
    """Return how the service reads each name."""
    types = {
        PREFIX + name: READ_BY_TYPE[type(value)] for name, value in vars(Conf).items() if type(value) in READ_BY_TYPE
    }
    source = (ROOT / "otp_project" / "settings.py").read_text(encoding="utf-8")
    return types | {name: reader for reader, name in READ.findall(source)} | {"ENV_FILE": "text"}
