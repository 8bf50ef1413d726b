"""Strangers who want somebody else's phone to ring, to be let in as its owner, or to keep the owner out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..challenges import Challenge
from . import numbers
from .client import CLOSED, Answer, Caller, ask, check
from .honest import Person, known_device
from .world import DAY, Actor, World

WRONG = "-"  # is no digit: guesses fail on purpose, so that the same seed gives the same run
CLIENTS = 1000  # addresses of who keeps somebody out
OPENED = 20  # victims whose challenge is open when the attack begins, of each kind
_VICTIMS = 5  # attacked all day, each of whom comes with and without a known device
_VISITS = 4  # a day, of each kind
_ATTACK = 250  # seconds that the attack on an open challenge lasts
_TRIES = 40  # in this time
_PACE = 5  # seconds between the guesses that a challenge grants: they are all made while it is open


def bomber(world: World, phone: str, clients: list[str], tries: int) -> Actor:
    """Many ask for codes to one phone all day; they come again when they may, and ask for the same code again."""
    open_id = ""
    for number in range(tries):
        caller = Caller(world, "bombing", phone, clients[number % len(clients)])
        answer = ask(caller, open_id or None)
        open_id = answer.grant.challenge.id if answer.grant else ""
        yield _pause(world, tries, answer)


@dataclass(slots=True)
class Guesser:
    """Guesses the codes of some phones, with the challenges that it opens itself and without."""

    world: World
    phones: Sequence[str]
    clients: list[str]
    _open: tuple[Challenge, Caller, int] | None = None  # and how many checks it grants yet

    def works(self, tries: int) -> Actor:
        """Each try is a guess, or a request for a message where there is nothing to guess."""
        for number in range(tries):
            phone = self.phones[number % len(self.phones)]
            caller = Caller(self.world, "guessing", phone, self.clients[number % len(self.clients)])
            if self._open:
                self._guess(*self._open, caller.client)
            elif grant := ask(caller).grant:
                self._open = grant.challenge, caller, grant.challenge.checks_left
            else:
                check(caller, WRONG)  # the owner may have a challenge open
            yield _PACE if self._open else self.world.pace(tries)

    def _guess(self, challenge: Challenge, opener: Caller, left: int, client: str) -> None:
        """All that a challenge grants, one after the other from different addresses."""
        outcome = check(replace(opener, client=client), WRONG * challenge.length, challenge.id)
        closed = isinstance(outcome, Answer) and outcome.why == CLOSED
        self._open = (challenge, opener, left - 1) if closed and left > 1 else None


def _pause(world: World, tries: int, answer: Answer) -> float:
    """Evenly over all days, but at once where the wait ends before that."""
    even = world.pace(tries)
    return min(even, answer.retry_after) if answer.retry_after else even


def all_day(world: World) -> None:
    clients = numbers.addresses(world.chance, CLIENTS)
    tries = world.size.tries // _VICTIMS // 2
    for _ in range(_VICTIMS):
        phone = numbers.phone(world.chance, numbers.regions()[0])
        world.enter(0, bomber(world, phone, clients, tries))
        world.enter(1, Guesser(world, [phone], clients).works(tries))
        for _ in range(_VISITS * world.size.days):
            for party in ("without anything", "known device"):
                world.enter(world.chance.uniform(0.05, 0.99) * world.size.days * DAY, _visit(world, phone, party))


def once_open(world: World) -> None:
    """Each victim's attack begins a second after the message was asked for."""
    clients = numbers.addresses(world.chance, CLIENTS)
    for number in range(OPENED):
        for party, with_id in (("challenge_id", True), ("phone alone", False)):
            at = (number + 0.5) / OPENED * world.size.days * DAY
            phone = numbers.phone(world.chance, numbers.regions()[0])
            caller = Caller(world, party, phone, numbers.home(world.chance))
            world.enter(at, Person(caller, with_id=with_id, may_give_up=False).comes())
            world.enter(at + 1, _burst(world, phone, clients))


def _visit(world: World, phone: str, party: str) -> Actor:
    """The owner comes."""
    caller = Caller(world, party, phone, numbers.home(world.chance))
    if party == "known device":
        caller = replace(caller, device=known_device(phone))
    yield from Person(caller, may_give_up=False).comes()


def _burst(world: World, phone: str, clients: list[str]) -> Actor:
    """Asks for messages and guesses by the phone alone, as fast as the owner types."""
    guesser = Guesser(world, [phone], clients)
    for step in guesser.works(_TRIES):
        yield min(step, _ATTACK / _TRIES)
