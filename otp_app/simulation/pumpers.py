"""Pumpers: they earn from every message to their numbers, and know the rules."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import count, cycle

from .. import phones
from ..accounts import devices
from ..challenges import Challenge
from ..phones import Phone
from . import numbers
from .client import Answer, Caller, ask, check
from .world import Actor, World

ADDRESSES = 2000
FAVOURITES = 4  # prefixes of a region that three quarters of the tries go to
PREFIXES = 60  # the others
_STALE = 180  # seconds after which a challenge is not worth sending again
_RESENDS = 25  # of 100 tries, if there is something to send again


@dataclass(slots=True)
class Pumper:
    """One operation with many addresses. ``converts`` of 100 codes are verified: it owns those SIMs."""

    world: World
    solves: bool = False
    converts: int = 0
    keeps_devices: bool = False
    _clients: Iterator[str] = field(init=False)
    _prefixes: list[tuple[list[Phone], list[Phone]]] = field(init=False)
    _barred: dict[str, float] = field(default_factory=dict)  # prefixes and regions, until when
    _again: deque[tuple[float, Caller, str]] = field(default_factory=deque)
    _known: list[tuple[float, int, Caller]] = field(default_factory=list)  # devices, from when on, soonest first
    _order: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        chance = self.world.chance
        self._clients = cycle(numbers.addresses(chance, ADDRESSES))
        self._prefixes = [
            (_numbers(self.world, region, FAVOURITES), _numbers(self.world, region, PREFIXES))
            for region in numbers.regions()
        ]

    def works(self, tries: int) -> Actor:
        """So many tries, spread over all days."""
        for _ in range(tries):
            self._try()
            yield self.world.pace(tries)

    def _try(self) -> None:
        now, chance = self.world.seconds, self.world.chance
        while self._again and self._again[0][0] < now - _STALE:
            self._again.popleft()
        if self._again and self._again[0][0] <= now and chance.randrange(100) < _RESENDS:
            _, caller, challenge_id = self._again.popleft()
            ask(replace(caller, client=next(self._clients)), challenge_id)
            return
        caller = heappop(self._known)[2] if self._known and self._known[0][0] <= now else self._stranger()
        answer = ask(caller)
        if answer.grant and chance.randrange(100) < self.converts:
            caller = self._verified(caller, answer.code, answer.grant.challenge.id)
        elif answer.grant:
            self._again.append((now + answer.grant.resend_in, caller, answer.grant.challenge.id))
        if caller.device:
            heappush(self._known, (now + max(60, answer.retry_after), next(self._order), caller))
        else:
            self._learn(caller, answer)

    def _verified(self, caller: Caller, code: str, challenge_id: str) -> Caller:
        """It reads the code off its own SIM at once, and keeps the device that this makes known."""
        approved = check(caller, code, challenge_id)
        if self.keeps_devices and isinstance(approved, Challenge):
            return replace(caller, device=devices.renew(caller.phone, approved.checked_at, caller.device))
        return caller

    def _learn(self, caller: Caller, answer: Answer) -> None:
        """Where it was refused for long it comes again when it may."""
        if "prefix" in answer.why:
            self._barred[caller.phone[:-4]] = self.world.seconds + answer.retry_after
        elif "region" in answer.why or answer.why == "conversion":
            self._barred[phones.of(caller.phone).region] = self.world.seconds + answer.retry_after

    def _stranger(self) -> Caller:
        """A number that it may hope for, from an address that it has not used for long."""
        for _ in range(8):
            favourites, others = self.world.chance.choice(self._prefixes)
            example = self.world.chance.choice(favourites if self.world.chance.randrange(4) else others)
            barred = max(self._barred.get(example[:-4], 0), self._barred.get(example.region, 0))
            if barred <= self.world.seconds:
                break
        number = numbers.neighbour(self.world.chance, example)
        return Caller(self.world, "pumping", number, next(self._clients), solves=self.solves)


def _numbers(world: World, region: str, amount: int) -> list[Phone]:
    return [numbers.phone(world.chance, region) for _ in range(amount)]
