"""What came out, in numbers and words. No time of day, no machine: the same seed gives the same text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .world import Tally, World

ROUNDS_A_SECOND = 5000  # of OTP_PROOF_COST, as conf.py has it: about a second in a browser
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
    """The worlds of a profile that have ended, the price of a message, and of the settings what it counts by."""

    profile: str
    worlds: Sequence[World]
    price: float
    digits: int
    proof_cost: int

    def rows(self) -> list[list[str]]:
        """One for each party: attackers first, then by name."""
        return [
            [self.profile, world.name, who, *self._cells(tally)]
            for world in self.worlds
            for who, tally in sorted(world.parties.items(), key=lambda item: (not item[1].hostile, item[0]))
        ]

    def words(self) -> list[str]:
        """What the table has no place for."""
        lines = []
        for world in self.worlds:
            blocks = ", ".join(f"{n:,} by {name}" for name, n in sorted(Counter(world.books.blocks).items()))
            lines.append(f"{self.profile}, {world.name}: blocks begun: {blocks or 'none'}")
            if solved := sum(tally.proofs_solved for tally in world.parties.values() if tally.hostile):
                seconds = solved * self.proof_cost / ROUNDS_A_SECOND
                lines[-1] += f"; the attackers' {solved:,} proofs would have cost {seconds:,.0f} s of a browser's time"
        return lines

    def text(self) -> str:
        """The table as Markdown, for it is read on terminals and in the documentation."""
        table = [HEAD, ("---",) * len(HEAD), *self.rows()]
        return "\n".join([*(f"| {' | '.join(row)} |" for row in table), "", *(f"- {line}" for line in self.words())])

    def _cells(self, tally: Tally) -> list[str]:
        """What says nothing of this party is left empty."""
        share = f"{100 * tally.messages / tally.tries:.2f}" if tally.hostile and tally.tries else ""
        taken = f"{tally.comparisons / 10**self.digits:.1e}" if tally.hostile and tally.comparisons else ""
        return [
            f"{tally.tries:,}",
            f"{tally.messages:,}",
            f"{tally.messages * self.price:,.2f}",
            f"{tally.tries * self.price:,.2f}" if tally.hostile else "",
            share,
            _top(tally.refused),
            f"{tally.proofs_asked:,}",
            f"{tally.proofs_solved:,}",
            f"{tally.comparisons:,}",
            taken,
            f"{tally.people:,}" if tally.people else "",
            f"{tally.lost:,} ({100 * tally.lost / tally.people:.2f} %)" if tally.people else "",
        ]


def _top(refused: Counter[str], amount: int = 3) -> str:
    """What refused most of it; by name where two refused as much, so that the same run reads the same."""
    most = sorted(refused.items(), key=lambda item: (-item[1], item[0]))[:amount]
    return ", ".join(f"{name} {n:,}" for name, n in most)
