"""Write tables, numbers and durations for people who read a terminal."""

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

_GAP = "  "
_UNITS = ((24 * 3600, "d"), (3600, "h"), (60, "min"), (1, "s"))


def table(rows: Sequence[Sequence[str]], width: int, wrapped: Sequence[int] = ()) -> list[str]:
    """Return the lines of a table whose first row is the heading; wrap the ``wrapped`` columns to fit ``width``."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    least = [max(len(word) for cell in column for word in cell.split() or [""]) for column in zip(*rows, strict=True)]
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        shrinkable = [number for number in wrapped if widths[number] > least[number]]
        if not shrinkable:
            break
        widths[max(shrinkable, key=lambda number: widths[number])] -= 1
    head, *body = rows
    lines = [head, ["-" * each for each in widths], *body]
    return [line for row in lines for line in _row_lines(row, widths)]


def _row_lines(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, widths, strict=True)]
    return [
        _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: ``1 note``, ``2 notes``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: int) -> str:
    """Write seconds in the two largest units that are not zero: ``12 h``, ``1 h 30 min``."""
    words = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            words.append(f"{count} {unit}")
    return " ".join(words[:2]) or "0 s"
