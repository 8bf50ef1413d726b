"""Report the outcome as a table with remarks. Neither time nor machine appears: the same seed gives the same text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .world import Tally, World

BROWSER_ROUNDS_PER_SECOND = 5000  # the default OTP_PROOF_COST takes about a second (conf.py)
HEAD = (
    "profile",
    "world",
    "who",
    "tries",
    "messages",
    "USD",
    "unguarded",
    "%",
    "refused by",
    "proofs asked",
    "solved",
    "failed comparisons",
    "takeovers expected",
    "people",
    "lost",
)


@dataclass(frozen=True, slots=True)
class Report:
    """Hold the ended worlds of a profile, the price of a message in USD, and the settings that costs depend on."""

    profile: str
    worlds: Sequence[World]
    price: float
    digits: int
    proof_cost: int

    def rows(self) -> list[list[str]]:
        """Return a row for each group: attackers first, then by name."""
        return [
            [self.profile, world.name, who, *self._cells(tally)]
            for world in self.worlds
            for who, tally in sorted(world.tallies.items(), key=lambda item: (not item[1].hostile, item[0]))
        ]

    def remarks(self) -> list[str]:
        """Return a line for each world on its blocks and on the cost of the attackers' proofs."""
        lines = []
        for world in self.worlds:
            blocks = ", ".join(f"{count:,} by {name}" for name, count in sorted(Counter(world.ledger.blocks).items()))
            lines.append(f"{self.profile}, {world.name}: blocks begun: {blocks or 'none'}")
            if solved := sum(tally.proofs_solved for tally in world.tallies.values() if tally.hostile):
                seconds = solved * self.proof_cost / BROWSER_ROUNDS_PER_SECOND
                lines[-1] += f"; the attackers' {solved:,} proofs would have cost {seconds:,.0f} s of a browser's time"
        return lines

    def text(self) -> str:
        """Return table and remarks as Markdown, because terminals and the documentation show them."""
        table = [HEAD, ("---",) * len(HEAD), *self.rows()]
        return "\n".join([*(f"| {' | '.join(row)} |" for row in table), "", *(f"- {line}" for line in self.remarks())])

    def _cells(self, tally: Tally) -> list[str]:
        """Return the cells of a group, empty if a column does not apply to it."""
        share = f"{100 * tally.messages / tally.tries:.2f}" if tally.hostile and tally.tries else ""
        takeovers = f"{tally.comparisons / 10**self.digits:.1e}" if tally.hostile and tally.comparisons else ""
        return [
            f"{tally.tries:,}",
            f"{tally.messages:,}",
            f"{tally.messages * self.price:,.2f}",
            f"{tally.tries * self.price:,.2f}" if tally.hostile else "",
            share,
            _most_frequent(tally.refused),
            f"{tally.proofs_asked:,}",
            f"{tally.proofs_solved:,}",
            f"{tally.comparisons:,}",
            takeovers,
            f"{tally.people:,}" if tally.people else "",
            f"{tally.lost:,} ({100 * tally.lost / tally.people:.2f} %)" if tally.people else "",
        ]


def _most_frequent(refused: Counter[str], amount: int = 3) -> str:
    """Return the names with the highest counts, equal counts by name, so that the same seed gives the same text."""
    most = sorted(refused.items(), key=lambda item: (-item[1], item[0]))[:amount]
    return ", ".join(f"{name} {count:,}" for name, count in most)
