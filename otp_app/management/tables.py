"""Tables, numbers and durations for people who read a terminal."""

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

_GAP = "  "
_UNITS = ((24 * 3600, "d"), (3600, "h"), (60, "min"), (1, "s"))


def table(rows: Sequence[Sequence[str]], width: int, wrapped: Sequence[int] = ()) -> list[str]:
    """Its lines, the first row as heading. Where they are too long, the texts of the ``wrapped`` columns break."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    least = [max(len(word) for cell in column for word in cell.split() or [""]) for column in zip(*rows, strict=True)]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        slack = [number for number in wrapped if widths[number] > least[number]]
        if not slack:
            break
        widths[max(slack, key=lambda number: widths[number])] -= 1
    head, *body = rows
    lines = [head, ["-" * each for each in widths], *body]
    return [line for row in lines for line in _lines(row, widths)]


def _lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
    return [
        _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: ``1 fault``, ``2 faults``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: int) -> str:
    """In the two largest units that say something: ``12 h``, ``1 h 30 min``."""
    words = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"
