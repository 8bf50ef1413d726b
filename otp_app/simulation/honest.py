"""Play ordinary people, who wait, mistype, change networks, ask again, give up, and solve proofs of work."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from .. import stores
from ..accounts import devices
from ..challenges import Challenge, Grant
from . import numbers
from .client import CLOSED, UNDELIVERED, Answer, Caller, ask, buckets_of, check
from .population import Country
from .world import DAY_SECONDS, Actor, World

MAX_WAIT_SECONDS = 120  # that a person waits when a limit asks for it
OUTAGE_PAUSE_SECONDS = 600  # after which a person comes back whose message no provider took
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
        if not self.caller.device and world.hour >= 0:
            world.newcomers.append(buckets_of(self.caller))
        met_task = False
        for _ in range(_TRIES):
            answer = yield from self._ask()
            tally.met_task += answer.task and not met_task
            met_task = met_task or answer.task
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
        tally.count_lost(world.hour)

    def _ask(self) -> Generator[float, None, Answer]:
        """Ask for a message; while no provider takes it, come back every ten minutes."""
        answer = ask(self.caller)
        self.caller.world.tally_of(self.caller.group).undelivered += answer.why == UNDELIVERED
        while answer.why == UNDELIVERED:
            yield OUTAGE_PAUSE_SECONDS
            answer = ask(self.caller)
        return answer

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


def honest_days(world: World, country: Country) -> None:
    """Enter the people of an ordinary day on each day of the world, those of its history included."""
    for day in range(world.size.history + world.size.days):
        honest_day(world, country, day, world.size.people)


def honest_day(world: World, country: Country, day: int, people: int) -> None:
    """Enter so many different people on this day of the world, each at a second that the country's hours suggest."""
    for _ in range(people):
        phone, client = country.person()
        world.enter(day * DAY_SECONDS + country.second(), newcomer_or_known(world, phone, client))


def office_morning(world: World, country: Country) -> None:
    """Enter as many newcomers as an ordinary day has people behind one address, in 90 minutes of a judged morning."""
    client = country.client("office")
    for _ in range(world.size.people):
        caller = Caller(world, "office", country.person()[0], client)
        world.enter(world.start + world.chance.uniform(8.5, 10) * _HOUR, Person(caller).visit())


def growing_days(world: World, country: Country) -> None:
    """Enter a hundredth of the people on the first day, all on the last, and ten times a day's people at half-time."""
    days = world.size.days
    for day in range(days):
        people = world.size.people / 100 ** (1 - day / max(1, days - 1))
        honest_day(world, country, day, round(people * (10 if day == days // 2 else 1)))


def newcomer_or_known(world: World, phone: str, client: str) -> Actor:
    """Create a person upon entry, some with a device that signed in the day before."""
    device, group = None, "people"
    if world.chance.randrange(100) < KNOWN_DEVICE_PERCENT:
        device, group = known_device(phone), "people, known"
    yield from Person(Caller(world, group, phone, client, device)).visit()


def known_device(phone: str) -> str:
    """Return the value of a device that signed in the day before."""
    return devices.issue(phone, stores.current().now() - DAY_SECONDS * 1000)


def _mistyped(code: str) -> str:
    return f"{code[:-1]}{(int(code[-1]) + 1) % 10}"
