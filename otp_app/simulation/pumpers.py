"""Play pumpers, who earn money from every message to their numbers, and know the limits."""

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

CLIENTS = 2000
FAVOURITE_PREFIXES = 4  # of a region; three quarters of the tries go to them
OTHER_PREFIXES = 60  # of a region
_STALE_SECONDS = 180  # after which a challenge is not worth a resend
_RESEND_PERCENT = 25  # of tries, if a challenge can be resent


@dataclass(slots=True)
class Pumper:
    """Pump from many addresses. Of 100 codes ``converts`` are verified, because the pumper owns those SIMs."""

    world: World
    solves: bool = False
    converts: int = 0
    keeps_devices: bool = False
    _clients: Iterator[str] = field(init=False)
    _prefixes: list[tuple[list[Phone], list[Phone]]] = field(init=False)
    _blocked_until: dict[str, float] = field(default_factory=dict)  # by prefix and region, in seconds
    _resendable: deque[tuple[float, Caller, str]] = field(default_factory=deque)
    _known_devices: list[tuple[float, int, Caller]] = field(
        default_factory=list
    )  # a heap by the second from which a device may ask again
    _sequence: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        chance = self.world.chance
        self._clients = cycle(numbers.addresses(chance, CLIENTS))
        self._prefixes = [
            (_numbers(self.world, region, FAVOURITE_PREFIXES), _numbers(self.world, region, OTHER_PREFIXES))
            for region in numbers.regions()
        ]

    def act(self, tries: int) -> Actor:
        """Try ``tries`` times, evenly over all days."""
        for _ in range(tries):
            self._try()
            yield self.world.seconds_between(tries)

    def _try(self) -> None:
        now, chance = self.world.seconds, self.world.chance
        while self._resendable and self._resendable[0][0] < now - _STALE_SECONDS:
            self._resendable.popleft()
        if self._resendable and self._resendable[0][0] <= now and chance.randrange(100) < _RESEND_PERCENT:
            _, caller, challenge_id = self._resendable.popleft()
            ask(replace(caller, client=next(self._clients)), challenge_id)
            return
        caller = (
            heappop(self._known_devices)[2]
            if self._known_devices and self._known_devices[0][0] <= now
            else self._stranger()
        )
        answer = ask(caller)
        if answer.grant and chance.randrange(100) < self.converts:
            caller = self._verified(caller, answer.code, answer.grant.challenge.id)
        elif answer.grant:
            self._resendable.append((now + answer.grant.resend_in, caller, answer.grant.challenge.id))
        if caller.device:
            heappush(self._known_devices, (now + max(60, answer.retry_after), next(self._sequence), caller))
        else:
            self._remember_block(caller, answer)

    def _verified(self, caller: Caller, code: str, challenge_id: str) -> Caller:
        """Verify a code at once, and return the caller, with the known device if the pumper keeps devices."""
        approved = check(caller, code, challenge_id)
        if self.keeps_devices and isinstance(approved, Challenge):
            return replace(caller, device=devices.renew(caller.phone, approved.checked_at, caller.device))
        return caller

    def _remember_block(self, caller: Caller, answer: Answer) -> None:
        """Remember until when a prefix or region is refused."""
        if "prefix" in answer.why:
            self._blocked_until[caller.phone[:-4]] = self.world.seconds + answer.retry_after
        elif "region" in answer.why or answer.why == "conversion":
            self._blocked_until[phones.as_phone(caller.phone).region] = self.world.seconds + answer.retry_after

    def _stranger(self) -> Caller:
        """Return a caller with a number that is not known to be blocked, and the least recently used address."""
        for _ in range(8):
            favourites, others = self.world.chance.choice(self._prefixes)
            example = self.world.chance.choice(favourites if self.world.chance.randrange(4) else others)
            blocked_until = max(self._blocked_until.get(example[:-4], 0), self._blocked_until.get(example.region, 0))
            if blocked_until <= self.world.seconds:
                break
        number = numbers.neighbour(self.world.chance, example)
        return Caller(self.world, "pumping", number, next(self._clients), solves=self.solves)


def _numbers(world: World, region: str, amount: int) -> list[Phone]:
    return [numbers.phone(world.chance, region) for _ in range(amount)]
