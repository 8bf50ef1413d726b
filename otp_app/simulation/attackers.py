"""Play strangers who flood a phone with messages, guess its codes, or try to keep its owner out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..challenges import Challenge
from . import numbers
from .client import CLOSED, Answer, Caller, ask, check
from .honest import Person, known_device
from .world import DAY_SECONDS, Actor, World

WRONG = "-"  # no digit, so that every guess fails and the same seed gives the same run
CLIENTS = 1000  # addresses of an attacker who keeps owners out
VICTIMS_WITH_OPEN_CHALLENGE = 20
_VICTIMS = 5  # attacked all day; each visits with and without a known device
_VISITS = 4  # a day, for each kind of client
_ATTACK_SECONDS = 250  # that the attack on an open challenge lasts
_TRIES = 40  # in that time
_GUESS_PAUSE_SECONDS = 5  # so short that all checks of a challenge are used while it is open


def bomber(world: World, phone: str, clients: list[str], tries: int) -> Actor:
    """Ask all day for codes to one phone from many addresses, again as soon as a limit permits, and for resends."""
    open_id = ""
    for number in range(tries):
        caller = Caller(world, "bombing", phone, clients[number % len(clients)])
        answer = ask(caller, open_id or None)
        open_id = answer.grant.challenge.id if answer.grant else ""
        yield _pause(world, tries, answer)


@dataclass(slots=True)
class Guesser:
    """Guess the codes of some phones, with challenges of its own and without any."""

    world: World
    phones: Sequence[str]
    clients: list[str]
    _open: tuple[Challenge, Caller, int] | None = None  # with its checks left

    def act(self, tries: int) -> Actor:
        """Guess ``tries`` times; ask for a message if no challenge is open."""
        for number in range(tries):
            phone = self.phones[number % len(self.phones)]
            caller = Caller(self.world, "guessing", phone, self.clients[number % len(self.clients)])
            if self._open:
                self._guess(*self._open, caller.client)
            elif grant := ask(caller).grant:
                self._open = grant.challenge, caller, grant.challenge.checks_left
            else:
                check(caller, WRONG)  # the owner may have a challenge open
            yield _GUESS_PAUSE_SECONDS if self._open else self.world.seconds_between(tries)

    def _guess(self, challenge: Challenge, opener: Caller, left: int, client: str) -> None:
        """Use one check of a challenge, from the next address."""
        outcome = check(replace(opener, client=client), WRONG * challenge.length, challenge.id)
        closed = isinstance(outcome, Answer) and outcome.why == CLOSED
        self._open = (challenge, opener, left - 1) if closed and left > 1 else None


def _pause(world: World, tries: int, answer: Answer) -> float:
    """Return the seconds until the next try: evenly over all days, or sooner if a limit permits it."""
    even = world.seconds_between(tries)
    return min(even, answer.retry_after) if answer.retry_after else even


def all_day(world: World) -> None:
    """Attack phones all day while their owners visit."""
    clients = numbers.addresses(world.chance, CLIENTS)
    tries = world.size.tries // _VICTIMS // 2
    for _ in range(_VICTIMS):
        phone = numbers.phone(world.chance, numbers.regions()[0])
        world.enter(0, bomber(world, phone, clients, tries))
        world.enter(1, Guesser(world, [phone], clients).act(tries))
        for _ in range(_VISITS * world.size.days):
            for group in ("without anything", "known device"):
                world.enter(
                    world.chance.uniform(0.05, 0.99) * world.size.days * DAY_SECONDS, _visit(world, phone, group)
                )


def once_open(world: World, *, with_id: bool) -> None:
    """Attack each victim one second after the victim asked for a message; victims answer by id or phone alone."""
    clients = numbers.addresses(world.chance, CLIENTS)
    for number in range(VICTIMS_WITH_OPEN_CHALLENGE):
        at = (number + 0.5) / VICTIMS_WITH_OPEN_CHALLENGE * world.size.days * DAY_SECONDS
        phone = numbers.phone(world.chance, numbers.regions()[0])
        caller = Caller(world, "owner", phone, numbers.home(world.chance))
        world.enter(at, Person(caller, with_id=with_id, may_give_up=False).visit())
        world.enter(at + 1, _burst(world, phone, clients))


def _visit(world: World, phone: str, group: str) -> Actor:
    """Let the owner visit."""
    caller = Caller(world, group, phone, numbers.home(world.chance))
    if group == "known device":
        caller = replace(caller, device=known_device(phone))
    yield from Person(caller, may_give_up=False).visit()


def _burst(world: World, phone: str, clients: list[str]) -> Actor:
    """Ask for messages and guess by the phone alone, as fast as the owner types."""
    guesser = Guesser(world, [phone], clients)
    for step in guesser.act(_TRIES):
        yield min(step, _ATTACK_SECONDS / _TRIES)
