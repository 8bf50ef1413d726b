"""Choose the worlds that a profile plays. Each world begins with an empty database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from . import attackers, numbers
from .attackers import Guesser
from .honest import growing_days, honest_day, honest_days, office_morning
from .population import Country, home_networks
from .pumpers import Pumper
from .sandbox import sandbox
from .world import PRICE, Size, World

GUESSING_CLIENTS = 200  # addresses
BOMBING_CLIENTS = 1000  # addresses
MIN_TRIES = 100  # so that every attacker of every profile has something to do
_DOWN = {"BACKEND": "otp_app.simulation.outages.InterruptedProvider", "OPTIONS": {"first_hour": 12, "last_hour": 14}}
_UP = {"ALIAS": "second", "BACKEND": "otp_app.providers.memory.MemoryProvider"}

Enter = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """Hold what makes a world: who enters it, whether honest days precede it, and its settings."""

    enter: Enter
    history: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


def attacked(world: World, **attacker: Any) -> None:
    """Let the country's people come each day, and a Pumper with these fields on the judged days."""
    country = Country(world.chance)
    honest_days(world, country)
    world.enter(world.start, Pumper(world, country, **attacker).act(world.size.tries))


def _quiet(world: World) -> None:
    honest_days(world, Country(world.chance))


def _office(world: World) -> None:
    country = Country(world.chance)
    honest_days(world, country)
    office_morning(world, country)


def _ten_times(world: World) -> None:
    country = Country(world.chance)
    honest_days(world, country)
    honest_day(world, country, world.size.history, 9 * world.size.people)


def _bomb(world: World) -> None:
    victim = numbers.phone(world.chance, numbers.regions()[0])
    clients = numbers.addresses(world.chance, BOMBING_CLIENTS)
    world.enter(0, attackers.bomber(world, victim, clients, world.size.tries))


def _guess(world: World, phones: int) -> None:
    victims = [numbers.phone(world.chance, numbers.regions()[i % len(numbers.regions())]) for i in range(phones)]
    clients = numbers.addresses(world.chance, GUESSING_CLIENTS)
    world.enter(0, Guesser(world, victims, clients).act(world.size.tries))


_EVERYWHERE = ("rented", "home", "mobile", "vpn")
ATTACKS: dict[str, Enter] = {
    "concentrated": attacked,
    "spread": partial(attacked, prefixes=0),
    "residential": partial(attacked, networks=("home",)),
    "adaptive": partial(attacked, prefixes=196, networks=_EVERYWHERE, adapts=True),
    "inverted": partial(attacked, converts=60),
    "inverted, devices kept": partial(attacked, converts=60, keeps_devices=True),
    "no proofs": partial(attacked, solves=False),
    "region bomber": partial(attacked, prefixes=0, networks=("home",), group="bombing"),
}
_NAMED = Scene(ATTACKS["spread"], settings={"OTP_HOME_NETWORKS": home_networks()})

PROFILES: dict[str, dict[str, Scene]] = {
    "attacked": {name: Scene(enter, history=True) for name, enter in ATTACKS.items()},
    "first day": {name: Scene(enter) for name, enter in ATTACKS.items()} | {"spread, home networks named": _NAMED},
    "growing": {"a hundredfold": Scene(lambda world: growing_days(world, Country(world.chance)))},
    "outage": {
        "the only provider": Scene(_quiet, settings={"OTP_PROVIDERS": [_DOWN | {"ALIAS": "first"}], "OTP_ROUTES": {}}),
        "the first of two": Scene(
            _quiet, settings={"OTP_PROVIDERS": [_DOWN | {"ALIAS": "first"}, _UP], "OTP_ROUTES": {}}
        ),
    },
    "honest": {
        "ordinary": Scene(_quiet, history=True),
        "office": Scene(_office, history=True),
        "ten times": Scene(_ten_times, history=True),
    },
    "bombing": {"one phone": Scene(_bomb)},
    "guessing": {
        "one phone": Scene(lambda world: _guess(world, 1)),
        "2,000 phones": Scene(lambda world: _guess(world, 2000)),
    },
    "lockout": {
        "all day": Scene(attackers.all_day),
        "challenge open, by id": Scene(partial(attackers.once_open, with_id=True)),
        "challenge open, by phone": Scene(partial(attackers.once_open, with_id=False)),
    },
}


def run(scene: Scene, name: str, seed: str, size: Size, price: Decimal = PRICE) -> World:
    """Play one world from an empty database and return it, or raise Violated if an invariant does not hold."""
    if not scene.history:
        size = replace(size, history=0)
    with sandbox(**scene.settings) as time:
        world = World(time, name, seed, size, price)
        scene.enter(world)
        world.run()
    return world


def play(profile: str, name: str, seed: int, size: Size, price: Decimal = PRICE) -> World:
    """Play a world of a profile and return it once it is checked, or raise Violated."""
    return run(PROFILES[profile][name], name, f"{seed} {profile} {name}", size, price)
