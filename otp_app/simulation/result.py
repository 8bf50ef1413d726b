"""Report the outcome. Neither time nor machine appears: the same seeds give the same text."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean

from .tally import Tally
from .world import World

BROWSER_ROUNDS_PER_SECOND = 5000  # the default OTP_PROOF_COST takes about a second (conf.py)
HEAD = (
    "world",
    "newcomers a day",
    "refused % (worst)",
    "f %",
    "met a task %",
    "known refused",
    "tries",
    "messages",
    "USD",
    "takeovers",
)
DETAILS = (
    "world",
    "who",
    "tries",
    "messages",
    "USD",
    "refused by",
    "tasks",
    "solved",
    "seconds of a browser",
    "failed comparisons",
    "people",
    "refused",
    "not delivered",
)


@dataclass(frozen=True, slots=True)
class Report:
    """Hold the ended worlds of a profile by name, one for each seed, and the settings that costs depend on."""

    profile: str
    worlds: Mapping[str, Sequence[World]]
    digits: int
    proof_cost: int

    def rows(self) -> list[list[str]]:
        """Return a row for each world: means over its seeds, per judged day."""
        return [self._row(name, worlds) for name, worlds in self.worlds.items()]

    def details(self, world: World) -> list[list[str]]:
        """Return a row for each group of a world: attackers first, then by name."""
        groups = sorted(world.tallies.items(), key=lambda item: (not item[1].hostile, item[0]))
        return [[world.name, who, *self._cells(tally)] for who, tally in groups]

    def text(self) -> str:
        """Return the table as Markdown, because terminals and the documentation show it."""
        table = [HEAD, ("---",) * len(HEAD), *self.rows()]
        return "\n".join(f"| {' | '.join(row)} |" for row in table)

    def _row(self, name: str, worlds: Sequence[World]) -> list[str]:
        refused = [percent(*_of(world, _newcomers, "lost", "people")) for world in worlds]
        task = [percent(*_of(world, _newcomers, "met_task", "people")) for world in worlds]
        people, known = _mean(worlds, _newcomers, "people"), _mean(worlds, _known, "lost")
        tries, messages, money, failed = (
            _mean(worlds, _hostile, what) for what in ("tries", "messages", "money", "comparisons")
        )
        held = f"{100 * mean(world.share_held for world in worlds):.1f}" if tries and people else ""
        return [
            f"{self.profile}: {name}",
            f"{people:,.0f}" if people else "",
            f"{mean(refused):.2f} ({max(refused):.2f})" if people else "",
            held,
            f"{mean(task):.2f}" if people else "",
            f"{known:,.0f}" if any(_of(world, _known, "people")[0] for world in worlds) else "",
            f"{tries:,.0f}" if tries else "",
            f"{messages:,.0f}" if tries else "",
            f"{money:,.2f}" if tries else "",
            f"{failed / 10**self.digits:.1e}" if failed else "",
        ]

    def _cells(self, tally: Tally) -> list[str]:
        """Return the cells of a group, empty if a column does not apply to it."""
        return [
            f"{tally.tries:,}",
            f"{tally.messages:,}",
            f"{tally.money:,.2f}",
            _most_frequent(tally.refused),
            f"{tally.proofs_asked:,}",
            f"{tally.proofs_solved:,}",
            f"{tally.proofs_solved * self.proof_cost / BROWSER_ROUNDS_PER_SECOND:,.0f}",
            f"{tally.comparisons:,}",
            *(f"{count:,}" if tally.people else "" for count in (tally.people, tally.lost, tally.undelivered)),
        ]


def percent(part: Decimal, whole: Decimal) -> float:
    return float(100 * part / whole) if whole else 0.0


def _hostile(_: str, tally: Tally) -> bool:
    return tally.hostile


def _known(who: str, tally: Tally) -> bool:
    return not tally.hostile and "known" in who


def _newcomers(who: str, tally: Tally) -> bool:
    return not tally.hostile and "known" not in who


def _of(world: World, chosen: Callable[[str, Tally], bool], *counts: str) -> list[Decimal]:
    """Return the sums of counts over the chosen groups of a world."""
    tallies = [tally for who, tally in world.tallies.items() if chosen(who, tally)]
    return [sum((Decimal(getattr(tally, count)) for tally in tallies), Decimal(0)) for count in counts]


def _mean(worlds: Sequence[World], chosen: Callable[[str, Tally], bool], count: str) -> Decimal:
    """Return the mean of a count over the worlds, for one judged day."""
    return mean(_of(world, chosen, count)[0] / world.size.days for world in worlds)


def _most_frequent(refused: Counter[str], amount: int = 3) -> str:
    """Return the names with the highest counts, equal counts by name, so that the same seed gives the same text."""
    most = sorted(refused.items(), key=lambda item: (-item[1], item[0]))[:amount]
    return ", ".join(f"{name} {count:,}" for name, count in most)
