"""Run actors in simulated time. An actor is a generator that yields how many seconds it waits."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from .. import stores
from ..db import clock
from .invariants import Ledger, check_known
from .sandbox import START_MS
from .tally import Tally

Actor = Iterator[float]
DAY_SECONDS = 24 * 3600
PRICE = Decimal("0.05")  # of a message: an assumption, prices go from 0.005 to 0.3 by country and company


@dataclass(frozen=True, slots=True)
class Size:
    """Hold how much to play: judged days, tries of the attackers over all of them, people of an ordinary day.

    ``history`` is the number of honest days before the judged ones.
    """

    days: int = 1
    tries: int = 100_000
    people: int = 300
    history: int = 0


class World:
    """Run one simulation: time, chance, actors, their tallies and the ledger.

    - ``tallies`` count what happens on the judged days, ``history`` what happened before them.
    - ``start`` is the second at which the judged days begin.
    - ``held`` are the buckets (prefixes, subnets, networks) that refused an attacker, and ``newcomers`` those of each
      honest person without a known device, so that ``share_held`` is known.
    """

    def __init__(self, time: clock.Stopped, name: str, seed: str, size: Size, price: Decimal = PRICE) -> None:
        self.name = name
        self.size = size
        self.price = price
        self.start = size.history * DAY_SECONDS
        self.chance = random.Random(seed)  # noqa: S311  (a run must be repeatable, and nothing here is secret)
        self.ledger = Ledger()
        self.tallies: dict[str, Tally] = {}
        self.history: dict[str, Tally] = {}
        self.held: set[str] = set()
        self.newcomers: list[set[str]] = []
        self._time = time
        self._agenda: list[tuple[float, int, Actor]] = []
        self._sequence = count()

    @property
    def seconds(self) -> float:
        """Return the seconds since the world began."""
        return (self._time.at - START_MS) / 1000

    @property
    def hour(self) -> int:
        """Return the hour since the judged days began."""
        return int((self.seconds - self.start) // 3600)

    @property
    def share_held(self) -> float:
        """Return which share of the newcomers is in a bucket that refused an attacker."""
        return sum(not self.held.isdisjoint(buckets) for buckets in self.newcomers) / max(1, len(self.newcomers))

    def seconds_between(self, tries: int) -> float:
        """Return the seconds between ``tries`` that are spread evenly over the judged days."""
        return self.size.days * DAY_SECONDS / tries

    def tally_of(self, name: str, *, hostile: bool = True) -> Tally:
        """Return what counts a group now: on the judged days apart from the days before."""
        before = self.history.get(name)
        tally = Tally(before.hostile if before else hostile)
        return (self.tallies if self.hour >= 0 else self.history).setdefault(name, tally)

    def enter(self, at: float, actor: Actor) -> None:
        """Let an actor begin at this second."""
        heapq.heappush(self._agenda, (at, next(self._sequence), actor))

    def run(self) -> None:
        """Play all days, purging after each, and check the invariants."""
        for day in range(1, self.size.history + self.size.days + 1):
            self._play(until=day * DAY_SECONDS)
            self.ledger.read()
            stores.current().purge()
        tallies = [*self.history.values(), *self.tallies.values()]
        self.ledger.check_invariants(sum(tally.messages for tally in tallies))
        check_known(tally for name, tally in self.tallies.items() if not tally.hostile and "known" in name)

    def _play(self, until: float) -> None:
        while self._agenda and self._agenda[0][0] < until:
            at, _, actor = heapq.heappop(self._agenda)
            self._time.at = START_MS + int(at * 1000)
            wait = next(actor, None)
            if wait is not None:
                self.enter(at + wait, actor)
        self._time.at = START_MS + int(until * 1000)
