"""Describe who comes to an invented but plausible country: its numbers, its networks, its hours.

All shares are assumptions, not measurements: they tell which rule is better, not what a real day will show. For
Uzbekistan the operators' codes are real; another country has one operator with the code of its example number.
"""

import random
from bisect import bisect
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from typing import Generic, TypeVar

from ..phones import Phone
from . import numbers

T = TypeVar("T")

_ANOTHER_SIM_PERCENT = 15  # of mobile people use another operator's SIM than that of their number
_WHERE = {"mobile": 60, "home": 27, "office": 5, "vpn": 5, "ipv6": 3}  # percent of people
_CODES = {"90": 13, "91": 13, "93": 15, "94": 14, "97": 14, "88": 8, "99": 11, "95": 7, "33": 4}  # percent of people
_OPERATORS = {"90": 0, "91": 0, "93": 1, "94": 1, "97": 2, "88": 2, "99": 3, "95": 3, "33": 4}
_POOLS = ((24, 2), (28, 2), (20, 2), (16, 2), (4, 1))  # of each operator's address translation: /24s in /16s
# Of each provider of homes: /16s, /24s in each, percent of the homes
_HOMES = ((20, 60, 55), (4, 80, 15), (3, 80, 12), (3, 50, 8), (3, 40, 6), (2, 30, 4))
_IPV6 = (40, 25, 15, 8, 5, 3, 2, 2)  # weights of the /32s
_HOURS = (1, 0.6, 0.4, 0.3, 0.3, 0.5, 1, 2, 3.5, 5, 5.5, 5.5, 5.5, 5, 5, 5.2, 5.4, 5.6, 6, 6.4, 6.6, 6, 4.5, 2.5)
_MOBILE, _HOME, _VPN = 31, 37, 45  # the first bytes of the addresses, so that no two kinds share a /16
_PREFIXES = 650  # of an operator's code that are in use, some denser than others
_OFFICES, _VPNS = 300, 60  # /24s


class Draw(Generic[T]):
    """Choose among items by their weights."""

    def __init__(self, weighted: Iterable[tuple[T, float]]) -> None:
        self.items, weights = zip(*weighted, strict=True)
        self._sums = list(accumulate(weights))

    def __call__(self, chance: random.Random) -> T:
        chosen: T = self.items[bisect(self._sums, chance.random() * self._sums[-1])]
        return chosen


class Country:
    """Hold the country of a world: the first region that the project serves, with weights drawn by chance.

    ``prefixes`` are numbers without their last four digits, of all operators.
    """

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.region = chance, numbers.regions()[0]
        used = _prefixes_in_use(self.region)
        self.codes = list(used)
        self.prefixes = [prefix for found in used.values() for prefix in found]
        self._prefix = {code: self._uneven(found, 0.8) for code, found in used.items()}
        self._code = Draw((code, _CODES.get(code, 1)) for code in used)
        self._mobile = [self._uneven(_subnets(_MOBILE, 2 * i, n16, n24), 0.6) for i, (n24, n16) in enumerate(_POOLS)]
        self._home = Draw(self._homes())
        self._office = Draw((f"{self._home(chance)}.1", 1 / (i + 3)) for i in range(_OFFICES))
        self._vpn = Draw((f"{_VPN}.{i % 25}.{i}", 1 / (i + 2)) for i in range(_VPNS))
        self._ipv6 = Draw((f"2a00:{i + 1:x}", weight) for i, weight in enumerate(_IPV6))
        self._where = Draw(_WHERE.items())
        self._hour = Draw(enumerate(_HOURS))

    def prefix(self, code: str = "") -> str:
        """Return a prefix as people have them, of an operator's code if one is named."""
        return self._prefix[code or self._code(self.chance)](self.chance)

    def number(self, prefix: str) -> Phone:
        """Return a random number with this prefix."""
        phone = Phone(f"{prefix}{self.chance.randrange(10_000):04d}")
        phone.region = self.region
        return phone

    def person(self) -> tuple[Phone, str]:
        """Return the number of a person, and the client that the person comes from."""
        code = self._code(self.chance)
        return self.number(self.prefix(code)), self.client(self._where(self.chance), code)

    def client(self, where: str, code: str = "") -> str:
        """Return a client as ``clients.client_of`` names it: mobile (of the operator), home, office, vpn, ipv6."""
        chance = self.chance
        if where == "office":
            return self._office(chance)
        if where == "ipv6":
            return f"{self._ipv6(chance)}:{chance.randrange(1, 3000):x}:{chance.randrange(1, 65536):x}::/64"
        if where == "mobile":
            own = code and chance.randrange(100) >= _ANOTHER_SIM_PERCENT
            subnet = self._mobile[_OPERATORS.get(code if own else self._code(chance), 0)](chance)
        else:
            subnet = (self._home if where == "home" else self._vpn)(chance)
        return f"{subnet}.{chance.randrange(1, 255)}"

    def second(self) -> float:
        """Return the second of the day at which a person comes."""
        return (self._hour(self.chance) + self.chance.random()) * 3600

    def _uneven(self, items: Iterable[str], sigma: float) -> Draw[str]:
        return Draw((item, self.chance.lognormvariate(0, sigma)) for item in items)

    def _homes(self) -> Iterable[tuple[str, float]]:
        """Yield the /24s of homes with their weights."""
        first = 0
        for n16, n24, share in _HOMES:
            for a in range(first, first + n16):
                weight = share / n16 / n24 * self.chance.lognormvariate(0, 0.7)
                yield from ((f"{_HOME}.{a}.{b}", weight * self.chance.lognormvariate(0, 0.5)) for b in range(n24))
            first += n16


def home_networks() -> list[str]:
    """Return the networks of the country's providers, for OTP_HOME_NETWORKS: all of its people but VPNs'."""
    mobile = [f"{_MOBILE}.{2 * i + a}.0.0/16" for i, (_, n16) in enumerate(_POOLS) for a in range(n16)]
    homes = [f"{_HOME}.{a}.0.0/16" for a in range(sum(n16 for n16, _, _ in _HOMES))]
    return [*mobile, *homes, *(f"2a00:{i + 1:x}::/32" for i in range(len(_IPV6)))]


def _subnets(first: int, second: int, n16: int, n24: int) -> Iterable[str]:
    return (f"{first}.{second + i % n16}.{i}" for i in range(n24))


@lru_cache(maxsize=8)
def _prefixes_in_use(region: str) -> dict[str, list[str]]:
    """Return the prefixes in use by operator's code; the same in each world, because finding them takes a while."""
    chance, codes = random.Random(region), _CODES if region == "UZ" else (numbers.mobile_code(region),)  # noqa: S311
    return {code: numbers.prefixes(chance, region, code, _PREFIXES) for code in codes}
