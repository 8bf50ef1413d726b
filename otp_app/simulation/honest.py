"""Play ordinary people, who wait, mistype, change networks, ask again, give up, and solve proofs of work."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .. import stores
from ..accounts import devices
from ..challenges import Challenge, Grant
from . import numbers
from .client import CLOSED, Caller, ask, check
from .world import DAY_SECONDS, Actor, World

MAX_WAIT_SECONDS = 120  # that a person waits when a limit asks for it
_TRIES = 3  # times that a person waits or begins anew
_HOUR = 3600

# Of all people
GIVE_UP_PERCENT = 8
SLOW_PERCENT = 10  # take two to four minutes to read
RESEND_PERCENT = 6  # ask for the same code again
MISTYPE_PERCENT = 12  # once or twice
CHANGE_NETWORK_PERCENT = 20  # verify from another network than they asked from
KNOWN_DEVICE_PERCENT = 30  # come back with the device they signed in with before


@dataclass(slots=True)
class Person:
    """Hold a person who wants to sign in, and whether that succeeded."""

    caller: Caller
    with_id: bool = True  # its client keeps the challenge_id, as the documentation asks for
    may_give_up: bool = True
    signed_in: bool = False

    def visit(self) -> Actor:
        """Ask for a code, read it and type it, until signed in or out of tries."""
        world, chance = self.caller.world, self.caller.world.chance
        tally = world.tally_of(self.caller.group, hostile=False)
        tally.people += 1
        for _ in range(_TRIES):
            answer = ask(self.caller)
            if answer.grant is None:
                if not 0 < answer.retry_after <= MAX_WAIT_SECONDS:
                    break
                yield answer.retry_after
                continue
            if self.may_give_up and chance.randrange(100) < GIVE_UP_PERCENT:
                return  # gave up, so does not count as lost
            yield from self._read_code(answer.grant)
            yield from self._type_code(answer.grant, answer.code)
            if self.signed_in:
                return
        tally.lost += 1

    def _read_code(self, grant: Grant) -> Iterator[float]:
        chance = self.caller.world.chance
        if chance.randrange(100) < RESEND_PERCENT:
            yield grant.resend_in + chance.uniform(1, 20)
            ask(self.caller, grant.challenge.id)  # if this is refused, the first message's code still works
            yield chance.uniform(8, 60)
        elif chance.randrange(100) < SLOW_PERCENT:
            yield chance.uniform(120, 240)
        else:
            yield chance.uniform(8, 60)

    def _type_code(self, grant: Grant, code: str) -> Iterator[float]:
        chance = self.caller.world.chance
        if chance.randrange(100) < CHANGE_NETWORK_PERCENT:
            self.caller = replace(self.caller, client=numbers.home(chance))
        wrong = chance.randrange(1, 3) if chance.randrange(100) < MISTYPE_PERCENT else 0
        typed = [_mistyped(code)] * wrong + [code]
        while typed:
            outcome = check(self.caller, typed[0], grant.challenge.id if self.with_id else None)
            if isinstance(outcome, Challenge):
                self.signed_in = True
                return
            if outcome.why == CLOSED:
                typed.pop(0)
                yield chance.uniform(4, 15)
            elif outcome.retry_after <= MAX_WAIT_SECONDS:
                yield outcome.retry_after
            else:
                return


def ordinary(world: World, times: int = 1) -> None:
    """Enter ordinary people between 7:00 and 23:00: two fifths in the first region, the rest evenly in the others."""
    served = numbers.regions()
    for region in served:
        share = 2 / 5 if region == served[0] and len(served) > 1 else 3 / 5 / max(1, len(served) - 1)
        for _ in range(round(world.size.people * times * (share if len(served) > 1 else 1))):
            _enter_daily(world, region, numbers.home(world.chance), 7 * _HOUR, 23 * _HOUR)


def office(world: World) -> None:
    """Enter ordinary people, and three times as many behind one address between 8:30 and 10:00."""
    ordinary(world)
    _enter_behind_one_address(world, 3 * world.size.people, 8.5 * _HOUR, 10 * _HOUR, "office")


def carrier(world: World) -> None:
    """Enter ordinary people, and 1.5 times as many behind one address of a carrier between 18:00 and 22:00."""
    ordinary(world)
    _enter_behind_one_address(world, 3 * world.size.people // 2, 18 * _HOUR, 22 * _HOUR, "carrier")


def _enter_behind_one_address(world: World, amount: int, first: float, last: float, group: str) -> None:
    address = numbers.ipv4(world.chance)
    for _ in range(amount):
        _enter_daily(world, numbers.regions()[0], address, first, last, group)


def _enter_daily(world: World, region: str, client: str, first: float, last: float, group: str = "people") -> None:
    """Enter a different person each day, at a random second of the day between ``first`` and ``last``."""
    for day in range(world.size.days):
        world.enter(day * DAY_SECONDS + world.chance.uniform(first, last), _newcomer(world, region, client, group))


def _newcomer(world: World, region: str, client: str, group: str) -> Actor:
    """Create a person upon entry, some with a device that signed in the day before."""
    phone = numbers.phone(world.chance, region)
    device = None
    if world.chance.randrange(100) < KNOWN_DEVICE_PERCENT:
        device, group = known_device(phone), f"{group}, known"
    yield from Person(Caller(world, group, phone, client, device)).visit()


def known_device(phone: str) -> str:
    """Return the value of a device that signed in the day before."""
    return devices.issue(phone, stores.current().now() - DAY_SECONDS * 1000)


def _mistyped(code: str) -> str:
    return f"{code[:-1]}{(int(code[-1]) + 1) % 10}"
