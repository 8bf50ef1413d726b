"""A world of actors in simulated time. An actor is a generator: it yields for how many seconds it waits."""

import heapq
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from .. import stores
from ..db import clock
from .invariants import Books
from .sandbox import START

Actor = Iterator[float]
DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Size:
    """How much of it: days, tries of the attackers over all days, people of an ordinary day."""

    days: int = 1
    tries: int = 100_000
    people: int = 100


@dataclass(slots=True)
class Tally:
    """What one party did and what became of it: all pumpers, all guessers, all ordinary people."""

    hostile: bool = True
    tries: int = 0  # requests for a message
    messages: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])  # by limit; closed: an id that answers no more
    proofs_asked: int = 0
    proofs_solved: int = 0
    comparisons: int = 0  # that were made and failed: other checks met no open challenge
    people: int = 0  # who wanted to sign in
    lost: int = 0  # of them, those who could not
    sent_by_hour: Counter[int] = field(default_factory=Counter[int])
    refused_by_hour: Counter[int] = field(default_factory=Counter[int])

    def sent(self, hour: int) -> None:
        self.messages += 1
        self.sent_by_hour[hour] += 1

    def refuse(self, why: str, hour: int) -> None:
        self.refused[why] += 1
        self.refused_by_hour[hour] += 1


class World:
    """One run: time, chance, who takes part, and the books that are kept of it."""

    def __init__(self, time: clock.Stopped, name: str, seed: str, size: Size) -> None:
        self.name = name
        self.size = size
        self.chance = random.Random(seed)  # noqa: S311  (a run is to be repeated, nothing here is secret)
        self.books = Books()
        self.parties: dict[str, Tally] = {}
        self._time = time
        self._agenda: list[tuple[float, int, Actor]] = []
        self._order = count()

    @property
    def seconds(self) -> float:
        """Since the world began."""
        return (self._time.at - START) / 1000

    @property
    def hour(self) -> int:
        return int(self.seconds // 3600)

    def pace(self, tries: int) -> float:
        """Seconds between so many tries, spread evenly over all days."""
        return self.size.days * DAY / tries

    def party(self, name: str, *, hostile: bool = True) -> Tally:
        return self.parties.setdefault(name, Tally(hostile))

    def enter(self, at: float, actor: Actor) -> None:
        """Somebody begins at this second."""
        heapq.heappush(self._agenda, (at, next(self._order), actor))

    def run(self) -> None:
        """Play all days, each with the purge that an operator runs, and close the books."""
        for day in range(1, self.size.days + 1):
            self._play(until=day * DAY)
            self.books.read()
            stores.current().purge()
        self.books.prove(sum(tally.messages for tally in self.parties.values()))

    def _play(self, until: float) -> None:
        while self._agenda and self._agenda[0][0] < until:
            at, _, actor = heapq.heappop(self._agenda)
            self._time.at = START + int(at * 1000)
            wait = next(actor, None)
            if wait is not None:
                self.enter(at + wait, actor)
        self._time.at = START + int(until * 1000)
