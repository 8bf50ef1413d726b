"""Render the report as one page with SVG charts, without scripts or fetched files, for light and dark screens."""

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
    """Return the report as an HTML document."""
    charts = "".join(_charts(world) for world in report.worlds)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEAD)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in report.rows())
    remarks = "".join(f"<li>{escape(line)}</li>" for line in report.remarks())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{charts}"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"<ul>{remarks}</ul></body></html>\n"
    )


def _charts(world: World) -> str:
    sent: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for tally in world.tallies.values():
        sent += tally.sent_by_hour
        refused += tally.refused_by_hour
    hours = max([*sent, *refused], default=0) + 1
    charts = _chart("messages", "sent", sent, hours) + _chart("refused", "refused", refused, hours)
    return f"<h2>{escape(world.name)}</h2>{charts}"


def _chart(what: str, kind: str, by_hour: Counter[int], hours: int) -> str:
    """Return a chart with a bar for each hour; pointing at a bar shows its number."""
    most = max(by_hour.values(), default=0)
    width = _WIDTH / hours
    bars = "".join(
        f'<rect class="{kind}" x="{hour * width:.1f}" y="{_TOP + _HEIGHT * (1 - count / most):.1f}" '
        f'width="{width * 0.9:.1f}" height="{_HEIGHT * count / most:.1f}"><title>hour {hour}: {count:,}</title></rect>'
        for hour, count in sorted(by_hour.items())
    )
    label = f"{what} per hour, {sum(by_hour.values()):,} in all, at most {most:,}"
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_TOP + _HEIGHT}" aria-label="{label}">'
        f'<text x="0" y="14">{label}</text>{bars}</svg>'
    )
