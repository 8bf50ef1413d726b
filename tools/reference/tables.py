"""Draw tables in Markdown."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a ``|`` within a cell is escaped."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(text: str) -> str:
    """Return text in which nothing is Markdown's."""
    return re.sub(r"[*<]|__", lambda found: "".join(f"\\{each}" for each in found[0]), text)


def code(text: str) -> str:
    """Return text as code; nothing for no text."""
    return f"`{text}`" if text else ""
