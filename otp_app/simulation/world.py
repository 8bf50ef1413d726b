"""Run actors in simulated time. An actor is a generator that yields how many seconds it waits."""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from .. import stores
from ..db import clock
from .invariants import Ledger
from .sandbox import START_MS

Actor = Iterator[float]
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Size:
    """Hold how much to play: days, tries of the attackers over all days, people of an ordinary day."""

    days: int = 1
    tries: int = 100_000
    people: int = 100


@dataclass(slots=True)
class Tally:
    """Count what one group did and what became of it: all pumpers, all guessers, all ordinary people."""

    hostile: bool = True
    tries: int = 0  # requests for a message
    messages: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])  # by limit, or ``closed`` for a challenge that is over
    proofs_asked: int = 0
    proofs_solved: int = 0
    comparisons: int = 0  # that failed; checks without an open challenge compare nothing
    people: int = 0  # who wanted to sign in
    lost: int = 0  # of these people, those who could not
    sent_by_hour: Counter[int] = field(default_factory=Counter[int])
    refused_by_hour: Counter[int] = field(default_factory=Counter[int])

    def count_sent(self, hour: int) -> None:
        self.messages += 1
        self.sent_by_hour[hour] += 1

    def count_refused(self, why: str, hour: int) -> None:
        self.refused[why] += 1
        self.refused_by_hour[hour] += 1


class World:
    """Run one simulation: time, chance, actors, their tallies and the ledger."""

    def __init__(self, time: clock.Stopped, name: str, seed: str, size: Size) -> None:
        self.name = name
        self.size = size
        self.chance = random.Random(seed)  # noqa: S311  (a run must be repeatable, and nothing here is secret)
        self.ledger = Ledger()
        self.tallies: dict[str, Tally] = {}
        self._time = time
        self._agenda: list[tuple[float, int, Actor]] = []
        self._sequence = count()

    @property
    def seconds(self) -> float:
        """Return the seconds since the world began."""
        return (self._time.at - START_MS) / 1000

    @property
    def hour(self) -> int:
        return int(self.seconds // 3600)

    def seconds_between(self, tries: int) -> float:
        """Return the seconds between ``tries`` that are spread evenly over all days."""
        return self.size.days * DAY_SECONDS / tries

    def tally_of(self, name: str, *, hostile: bool = True) -> Tally:
        return self.tallies.setdefault(name, Tally(hostile))

    def enter(self, at: float, actor: Actor) -> None:
        """Let an actor begin at this second."""
        heapq.heappush(self._agenda, (at, next(self._sequence), actor))

    def run(self) -> None:
        """Play all days, purging after each, and check the invariants."""
        for day in range(1, self.size.days + 1):
            self._play(until=day * DAY_SECONDS)
            self.ledger.read()
            stores.current().purge()
        self.ledger.check_invariants(sum(tally.messages for tally in self.tallies.values()))

    def _play(self, until: float) -> None:
        while self._agenda and self._agenda[0][0] < until:
            at, _, actor = heapq.heappop(self._agenda)
            self._time.at = START_MS + int(at * 1000)
            wait = next(actor, None)
            if wait is not None:
                self.enter(at + wait, actor)
        self._time.at = START_MS + int(until * 1000)
