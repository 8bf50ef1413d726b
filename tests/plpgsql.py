"""Parse the functions in the database into statements and words."""

import re
from dataclasses import dataclass

_WORD = re.compile(r"--[^\n]*|'(?:[^']|'')*'|\w+|[<>=!:|@-]+|.", re.DOTALL)
# Compound statements, each with the word after which its first statement or condition begins.
_COMPOUND = {"IF": "THEN", "FOR": "LOOP", "FOREACH": "LOOP", "WHILE": "LOOP", "LOOP": "", "CASE": "WHEN"}


@dataclass(frozen=True)
class Function:
    name: str
    language: str
    body: str
    definition: str

    @property
    def statements(self):
        """Return begin and end of each statement, nested ones too; none for SQL functions."""
        return _Reader(self.body).block() if self.language == "plpgsql" else []

    def replaced(self, body):
        """Return the SQL that installs the function with another body."""
        return self.definition.replace(self.body, body)


def installed(cursor):
    """Return the app's functions in the cursor's database."""
    cursor.execute(
        "SELECT proname, lanname, prosrc, pg_get_functiondef(p.oid) FROM pg_proc AS p JOIN pg_language AS l "
        "ON l.oid = prolang WHERE proname LIKE 'otp\\_app\\_%' ORDER BY proname"
    )
    return [Function(*row) for row in cursor.fetchall()]


def words(body):
    """Return each word, operator and string with begin and end, without comments and white space."""
    found = ((match[0], match.start(), match.end()) for match in _WORD.finditer(body))
    return [each for each in found if not each[0].isspace() and not each[0].startswith("--")]


class _Reader:
    def __init__(self, body):
        self._words = [(word.upper(), *place) for word, *place in words(body)]
        self._at = 0  # the next word
        self._found = []

    @property
    def _next(self):
        return self._words[self._at][0]

    @property
    def _last(self):
        return self._words[self._at - 1][0]

    def block(self):
        self._pass("BEGIN")
        self._until("END")
        return self._found

    def _until(self, *ends):
        while self._next not in ends:
            self._statement()

    def _statement(self):
        (first, begin, _), self._at = self._words[self._at], self._at + 1
        if first in _COMPOUND:
            self._pass(_COMPOUND[first])
            self._branches()
        self._pass(";")
        self._found.append((begin, self._words[self._at - 1][2]))

    def _branches(self):
        """Go on past the END of the compound statement and the word after it."""
        while self._last != "END":
            if self._last in ("WHEN", "ELSIF"):
                self._pass("THEN")
            self._until("ELSIF", "ELSE", "WHEN", "END")
            self._at += 1
        self._at += 1

    def _pass(self, wanted):
        """Go on past this word, ignoring it in brackets and in CASE expressions."""
        depth = 0
        while wanted and (depth or self._next != wanted):
            depth += (self._next in ("(", "[", "CASE")) - (self._next in (")", "]", "END"))
            self._at += 1
        self._at += bool(wanted)
