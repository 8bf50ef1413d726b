"""Render the report as one page with SVG charts, without scripts or fetched files, for light and dark screens."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape

from .result import DETAILS, HEAD, Report
from .world import World

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --sent: #0b66c3; --refused: #b45309; --line: #ccc }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eee; --paper: #16181c; --sent: #6db3ff; --refused: #f0a35e; --line: #444 }
}
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: var(--ink); background: var(--paper) }
table { border-collapse: collapse; font-size: .85rem } th, td { border: 1px solid var(--line); padding: .25rem .5rem }
td { text-align: right } td:nth-child(-n+2) { text-align: left }
.scroll { overflow-x: auto } svg { width: 100%; max-width: 60rem; height: auto }
.sent { fill: var(--sent) } .refused { fill: var(--refused) } text { fill: var(--ink); font-size: 12px }
"""
_WIDTH, _HEIGHT, _TOP = 960, 120, 20


def page(title: str, report: Report) -> str:
    """Return the report as an HTML document: the table, then charts and details of each world with the first seed."""
    worlds = [seeds[0] for seeds in report.worlds.values()]
    details = "".join(f"{_charts(world)}{_table(DETAILS, report.details(world))}" for world in worlds)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{_table(HEAD, report.rows())}{details}</body></html>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>'


def _charts(world: World) -> str:
    """Return the charts of a world: people refused and money spent, over the hours of its judged days."""
    lost: Counter[int] = Counter()
    money: dict[int, Decimal] = defaultdict(Decimal)
    for tally in world.tallies.values():
        lost += tally.lost_by_hour
        for hour, spent in tally.money_by_hour.items():
            money[hour] += spent
    hours = 24 * world.size.days
    charts = _chart("people refused", "refused", lost, hours) + _chart("money spent", "sent", money, hours)
    return f"<h2>{escape(world.name)}</h2>{charts}"


def _chart(what: str, kind: str, by_hour: Mapping[int, int | Decimal], hours: int) -> str:
    """Return a chart with a bar for each hour; pointing at a bar shows its number."""
    most = float(max(by_hour.values(), default=0))
    width = _WIDTH / hours
    bars = "".join(
        f'<rect class="{kind}" x="{hour * width:.1f}" y="{_TOP + _HEIGHT * (1 - float(count) / most):.1f}" '
        f'width="{width * 0.9:.1f}" height="{_HEIGHT * float(count) / most:.1f}">'
        f"<title>hour {hour}: {count:,}</title></rect>"
        for hour, count in sorted(by_hour.items())
    )
    label = f"{what} per hour, {sum(by_hour.values()):,} in all, at most {most:,g}"
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_TOP + _HEIGHT}" aria-label="{label}">'
        f'<text x="0" y="14">{label}</text>{bars}</svg>'
    )
