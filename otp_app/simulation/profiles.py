"""Choose the worlds that a profile plays. Each world begins with an empty database."""

from collections.abc import Callable, Iterator

from . import attackers, honest, numbers
from .attackers import Guesser
from .pumpers import Pumper
from .sandbox import sandbox
from .world import Size, World

GUESSING_CLIENTS = 200  # addresses
BOMBING_CLIENTS = 1000  # addresses
MIN_TRIES = 100  # so that every attacker of every profile has something to do


def _pump(world: World, pumper: Pumper) -> None:
    world.enter(0, pumper.act(world.size.tries))


def _bomb(world: World) -> None:
    victim = numbers.phone(world.chance, numbers.regions()[0])
    clients = numbers.addresses(world.chance, BOMBING_CLIENTS)
    world.enter(0, attackers.bomber(world, victim, clients, world.size.tries))


def _guess(world: World, phones: int) -> None:
    victims = [numbers.phone(world.chance, numbers.regions()[i % len(numbers.regions())]) for i in range(phones)]
    clients = numbers.addresses(world.chance, GUESSING_CLIENTS)
    world.enter(0, Guesser(world, victims, clients).act(world.size.tries))


def _mix(world: World) -> None:
    """Let four fifths of the tries pump, a tenth bomb one phone, and a tenth guess the codes of that phone."""
    honest.office(world)
    world.enter(0, Pumper(world, solves=True).act(world.size.tries * 8 // 10))
    phone, tries = numbers.phone(world.chance, numbers.regions()[0]), world.size.tries // 10
    world.enter(0, attackers.bomber(world, phone, numbers.addresses(world.chance, BOMBING_CLIENTS), tries))
    world.enter(0, Guesser(world, [phone], numbers.addresses(world.chance, GUESSING_CLIENTS)).act(tries))


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
    """Play the worlds of a profile, or the ``only`` one; yield each once it is checked, or raise Violated."""
    for name, enter in PROFILES[profile].items():
        if only in ("", name):
            with sandbox() as time:
                world = World(time, name, f"{seed} {profile} {name}", size)
                enter(world)
                world.run()
            yield world
