"""Which worlds a profile plays. Each is fresh: nothing of one is known in the next."""

from collections.abc import Callable, Iterator

from . import attackers, honest
from . import numbers as places
from .attackers import Guesser
from .pumpers import Pumper
from .sandbox import sandbox
from .world import Size, World

GUESSERS = 200  # addresses
BOMBERS = 1000
LEAST_TRIES = 100  # every attacker of every profile has something to do


def _pump(world: World, pumper: Pumper) -> None:
    world.enter(0, pumper.works(world.size.tries))


def _bomb(world: World) -> None:
    phone = places.phone(world.chance, places.regions()[0])
    clients = places.addresses(world.chance, BOMBERS)
    world.enter(0, attackers.bomber(world, phone, clients, world.size.tries))


def _guess(world: World, phones: int) -> None:
    numbers = [places.phone(world.chance, places.regions()[i % len(places.regions())]) for i in range(phones)]
    clients = places.addresses(world.chance, GUESSERS)
    world.enter(0, Guesser(world, numbers, clients).works(world.size.tries))


def _mix(world: World) -> None:
    """Four fifths of the tries pump, a tenth bombs one phone and a tenth guesses the codes of the same."""
    honest.office(world)
    world.enter(0, Pumper(world, solves=True).works(world.size.tries * 8 // 10))
    phone, tries = places.phone(world.chance, places.regions()[0]), world.size.tries // 10
    world.enter(0, attackers.bomber(world, phone, places.addresses(world.chance, BOMBERS), tries))
    world.enter(0, Guesser(world, [phone], places.addresses(world.chance, GUESSERS)).works(tries))


PROFILES: dict[str, dict[str, Callable[[World], None]]] = {
    "pumping": {
        "no proofs": lambda world: _pump(world, Pumper(world)),
        "solving proofs": lambda world: _pump(world, Pumper(world, solves=True)),
    },
    "inverted": {
        "60 % verified": lambda world: _pump(world, Pumper(world, solves=True, converts=60)),
        "devices kept": lambda world: _pump(world, Pumper(world, solves=True, converts=60, keeps_devices=True)),
    },
    "bombing": {"one phone": _bomb},
    "guessing": {
        "one phone": lambda world: _guess(world, 1),
        "2,000 phones": lambda world: _guess(world, 2000),
    },
    "lockout": {"all day": attackers.all_day, "challenge open": attackers.once_open},
    "honest": {
        "ordinary": honest.ordinary,
        "office": honest.office,
        "carrier": honest.carrier,
        "ten times": lambda world: honest.ordinary(world, 10),
    },
    "mixed": {"office day, attacked": _mix},
}


def play(profile: str, seed: int, size: Size, only: str = "") -> Iterator[World]:
    """Each world of a profile, or the only one of this name, when it has ended, with the books proven."""
    for name, enter in PROFILES[profile].items():
        if only in ("", name):
            with sandbox() as time:
                world = World(time, name, f"{seed} {profile} {name}", size)
                enter(world)
                world.run()
            yield world
