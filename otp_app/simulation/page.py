"""The report as one page: SVG inside, no script, nothing that is fetched, for light and dark screens."""

from collections import Counter
from html import escape

from .result import HEAD, Report
from .world import World

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --sent: #0b66c3; --refused: #b45309; --line: #ccc }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #16181c; --sent: #6db3ff; --refused: #f0a35e; --line: #444 }
}
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: var(--ink); background: var(--paper) }
table { border-collapse: collapse; font-size: .85rem } th, td { border: 1px solid var(--line); padding: .25rem .5rem }
td { text-align: right } td:nth-child(-n+3), td:nth-child(9) { text-align: left }
.scroll { overflow-x: auto } svg { width: 100%; max-width: 60rem; height: auto }
.sent { fill: var(--sent) } .refused { fill: var(--refused) } text { fill: var(--ink); font-size: 12px }
"""
_WIDTH, _HEIGHT, _TOP = 960, 120, 20


def page(title: str, report: Report) -> str:
    """A whole HTML document."""
    charts = "".join(_charts(world) for world in report.worlds)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEAD)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in report.rows())
    words = "".join(f"<li>{escape(line)}</li>" for line in report.words())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{charts}"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"<ul>{words}</ul></body></html>\n"
    )


def _charts(world: World) -> str:
    sent: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for tally in world.parties.values():
        sent += tally.sent_by_hour
        refused += tally.refused_by_hour
    hours = max([*sent, *refused], default=0) + 1
    charts = _chart("messages", "sent", sent, hours) + _chart("refused", "refused", refused, hours)
    return f"<h2>{escape(world.name)}</h2>{charts}"


def _chart(what: str, kind: str, by_hour: Counter[int], hours: int) -> str:
    """A bar for each hour, with its number for who points at it."""
    most = max(by_hour.values(), default=0)
    width = _WIDTH / hours
    bars = "".join(
        f'<rect class="{kind}" x="{hour * width:.1f}" y="{_TOP + _HEIGHT * (1 - n / most):.1f}" '
        f'width="{width * 0.9:.1f}" height="{_HEIGHT * n / most:.1f}"><title>hour {hour}: {n:,}</title></rect>'
        for hour, n in sorted(by_hour.items())
    )
    words = f"{what} per hour, {sum(by_hour.values()):,} in all, at most {most:,}"
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_TOP + _HEIGHT}" aria-label="{words}">'
        f'<text x="0" y="14">{words}</text>{bars}</svg>'
    )
