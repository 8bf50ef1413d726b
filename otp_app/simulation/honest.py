"""Ordinary people: they wait, mistype, change networks, ask again, give up, and solve a proof when asked to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .. import stores
from ..accounts import devices
from ..challenges import Challenge, Grant
from . import numbers
from .client import CLOSED, Caller, ask, check
from .world import DAY, Actor, World

PATIENCE = 120  # seconds that a person waits when told to
_VISITS = 3  # times that a person waits or begins anew
_HOUR = 3600

# The population: how many of 100
GIVE_UP = 8
SLOW = 10  # take two to four minutes to read
RESEND = 6  # ask for the same code again
MISTYPE = 12  # once or twice
CHANGE = 20  # verify from another network than they asked from
KNOWN = 30  # come back with the device they signed in with before


@dataclass(slots=True)
class Person:
    """Somebody who wants to sign in, and whether it came to that."""

    caller: Caller
    with_id: bool = True  # its client keeps the challenge_id, as the documentation asks for
    may_give_up: bool = True
    signed_in: bool = False

    def comes(self) -> Actor:
        """The whole visit."""
        world, chance = self.caller.world, self.caller.world.chance
        tally = world.party(self.caller.party, hostile=False)
        tally.people += 1
        for _ in range(_VISITS):
            answer = ask(self.caller)
            if answer.grant is None:
                if not 0 < answer.retry_after <= PATIENCE:
                    break
                yield answer.retry_after
                continue
            if self.may_give_up and chance.randrange(100) < GIVE_UP:
                return  # not lost: it wanted to no more
            yield from self._reads(answer.grant)
            yield from self._types(answer.grant, answer.code)
            if self.signed_in:
                return
        tally.lost += 1

    def _reads(self, grant: Grant) -> Iterator[float]:
        chance = self.caller.world.chance
        if chance.randrange(100) < RESEND:
            yield grant.resend_in + chance.uniform(1, 20)
            ask(self.caller, grant.challenge.id)  # the same code: if this is refused, the first message is still good
            yield chance.uniform(8, 60)
        elif chance.randrange(100) < SLOW:
            yield chance.uniform(120, 240)
        else:
            yield chance.uniform(8, 60)

    def _types(self, grant: Grant, code: str) -> Iterator[float]:
        chance = self.caller.world.chance
        if chance.randrange(100) < CHANGE:
            self.caller = replace(self.caller, client=numbers.home(chance))
        wrong = chance.randrange(1, 3) if chance.randrange(100) < MISTYPE else 0
        typed = [_mistyped(code)] * wrong + [code]
        while typed:
            outcome = check(self.caller, typed[0], grant.challenge.id if self.with_id else None)
            if isinstance(outcome, Challenge):
                self.signed_in = True
                return
            if outcome.why == CLOSED:
                typed.pop(0)
                yield chance.uniform(4, 15)
            elif outcome.retry_after <= PATIENCE:
                yield outcome.retry_after
            else:
                return


def ordinary(world: World, times: int = 1) -> None:
    """Two fifths in the first region, the rest in the others alike, between 7 and 23 o'clock, each at home."""
    served = numbers.regions()
    for region in served:
        share = 2 / 5 if region == served[0] and len(served) > 1 else 3 / 5 / max(1, len(served) - 1)
        for _ in range(round(world.size.people * times * (share if len(served) > 1 else 1))):
            _enter(world, region, numbers.home(world.chance), 7 * _HOUR, 23 * _HOUR)


def office(world: World) -> None:
    """The same, and three times as many behind one address within 90 minutes of the morning."""
    ordinary(world)
    _behind_one(world, 3 * world.size.people, 8.5 * _HOUR, 10 * _HOUR, "office")


def carrier(world: World) -> None:
    """The same, and half as many again behind one address of a carrier within four hours of the evening."""
    ordinary(world)
    _behind_one(world, 3 * world.size.people // 2, 18 * _HOUR, 22 * _HOUR, "carrier")


def _behind_one(world: World, amount: int, first: float, last: float, party: str) -> None:
    address = numbers.ipv4(world.chance)
    for _ in range(amount):
        _enter(world, numbers.regions()[0], address, first, last, party)


def _enter(world: World, region: str, client: str, first: float, last: float, party: str = "people") -> None:
    """Somebody else each day, between these seconds of it."""
    for day in range(world.size.days):
        world.enter(day * DAY + world.chance.uniform(first, last), _newcomer(world, region, client, party))


def _newcomer(world: World, region: str, client: str, party: str) -> Actor:
    """Made when it enters: its device, if it has one, signed in the day before."""
    phone = numbers.phone(world.chance, region)
    device = None
    if world.chance.randrange(100) < KNOWN:
        device, party = known_device(phone), f"{party}, known"
    yield from Person(Caller(world, party, phone, client, device)).comes()


def known_device(phone: str) -> str:
    """Of somebody who signed in the day before."""
    return devices.issue(phone, stores.current().now() - DAY * 1000)


def _mistyped(code: str) -> str:
    return f"{code[:-1]}{(int(code[-1]) + 1) % 10}"
