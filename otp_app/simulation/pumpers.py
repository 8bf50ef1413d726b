"""Play pumpers, who earn money from every message to their numbers, and bombers, who want newcomers refused."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from ..accounts import devices
from ..challenges import Challenge
from . import numbers
from .client import Answer, Caller, ask, check
from .population import Country
from .world import Actor, World

RENTED_CLIENTS, LIVED_IN_CLIENTS = 2000, 5000  # addresses of servers; of infected homes or of a VPN
MODEMS = 5  # operators whose SIMs the attacker has in modems: each send comes from another address of theirs
FAVOURITE_PREFIXES = 4  # three quarters of the tries go to them
FORGETS = 0.99  # what an old answer weighs for an attacker who adapts, with each new one
_LOOKS = 6  # for a way that is not known to be refused
_CURIOUS_PERCENT = 10  # of tries, whatever has passed before


class Way(NamedTuple):
    """Name what an attacker who adapts chooses between."""

    kind: str  # of network
    code: str  # of an operator


@dataclass(slots=True)
class Pumper:
    """Ask for messages to many numbers from many networks.

    - ``prefixes``: how many prefixes it earns from besides its favourites; 0 stands for all of the country's.
    - ``networks``: rented, home, mobile, vpn.
    - ``converts``: of 100 codes, how many are verified, because the pumper owns those SIMs.
    - ``adapts``: it waits where it was refused, and moves to what passes.

    A subclass may override ``choose`` (the next request) and ``told`` (its answer).
    """

    world: World
    country: Country
    prefixes: int = 60
    networks: Sequence[str] = ("rented",)
    converts: int = 0
    keeps_devices: bool = False
    adapts: bool = False
    solves: bool = True
    group: str = "pumping"
    _favourites: list[str] = field(init=False)
    _others: list[str] = field(init=False)
    _clients: dict[str, list[str]] = field(init=False)
    _codes: list[str] = field(init=False)
    _passed: dict[Way, tuple[float, float]] = field(default_factory=dict)  # messages and tries
    _shut_until: dict[str, float] = field(default_factory=dict)  # by prefix and client, in seconds
    _devices: list[tuple[float, int, Caller]] = field(default_factory=list)  # a heap, by when each may ask again
    _sequence: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        chance, every = self.world.chance, self.country.prefixes
        self._favourites = chance.sample(every, FAVOURITE_PREFIXES)
        self._others = chance.sample(every, min(self.prefixes, len(every)))
        self._codes = chance.sample(self.country.codes, min(MODEMS, len(self.country.codes)))
        self._clients = {
            kind: numbers.addresses(chance, RENTED_CLIENTS)
            if kind == "rented"
            else [self.country.client(kind) for _ in range(LIVED_IN_CLIENTS)]
            for kind in self.networks
            if kind != "mobile"
        }

    def act(self, tries: int) -> Actor:
        """Try ``tries`` times, evenly over the judged days."""
        for _ in range(tries):
            ready = self._devices and self._devices[0][0] <= self.world.seconds
            caller, way = (heappop(self._devices)[2], None) if ready else self.choose()
            answer = ask(caller)
            if way:
                self.told(caller, way, answer)
            if answer.grant and self.world.chance.randrange(100) < self.converts:
                caller = self._verified(caller, answer.code, answer.grant.challenge.id)
            if caller.device:
                again = self.world.seconds + max(60, answer.retry_after)
                heappush(self._devices, (again, next(self._sequence), caller))
            yield self.world.seconds_between(tries)

    def choose(self) -> tuple[Caller, Way]:
        """Return the next caller, and the way that it takes."""
        for _ in range(_LOOKS if self.adapts else 1):
            way = self._way()
            caller = Caller(self.world, self.group, self._number(way), self._client(way), solves=self.solves)
            shut = max(self._shut_until.get(key, 0) for key in (caller.phone[:-4], caller.client))
            if shut <= self.world.seconds:
                break
        return caller, way

    def told(self, caller: Caller, way: Way, answer: Answer) -> None:
        """Learn from an answer: what passes, and until when a prefix or a client is refused."""
        if not self.adapts:
            return
        messages, tries = self._passed.get(way, (1, 1))
        self._passed[way] = messages * FORGETS + bool(answer.grant), tries * FORGETS + 1
        if answer.retry_after:
            refused = caller.phone[:-4] if "prefix" in answer.why else caller.client
            self._shut_until[refused] = self.world.seconds + answer.retry_after

    def _way(self) -> Way:
        """Return the best of some ways that have passed, or now and then any."""
        chance = self.world.chance
        ways = [Way(chance.choice(self.networks), chance.choice(self.country.codes)) for _ in range(5)]
        if not self.adapts or chance.randrange(100) < _CURIOUS_PERCENT:
            return ways[0]
        return max(ways, key=self._share_passed)

    def _share_passed(self, way: Way) -> float:
        messages, tries = self._passed.get(way, (1, 1))
        return messages / tries

    def _number(self, way: Way) -> str:
        chance = self.world.chance
        if not self.prefixes:
            return self.country.number(self.country.prefix(way.code))
        return self.country.number(chance.choice(self._favourites if chance.randrange(4) else self._others))

    def _client(self, way: Way) -> str:
        if way.kind == "mobile":
            return self.country.client("mobile", self.world.chance.choice(self._codes))
        return self.world.chance.choice(self._clients[way.kind])

    def _verified(self, caller: Caller, code: str, challenge_id: str) -> Caller:
        """Verify a code at once, and return the caller, with the known device if the pumper keeps devices."""
        approved = check(caller, code, challenge_id)
        if self.keeps_devices and isinstance(approved, Challenge):
            return replace(caller, device=devices.renew(caller.phone, approved.checked_at, caller.device))
        return caller
