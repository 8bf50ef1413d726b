"""Where actors are: phone numbers and addresses, made by chance and good by the project's own rules."""

import random
from functools import lru_cache

import phonenumbers

from .. import phones
from ..conf import conf
from ..errors import InvalidPhone, RegionNotAllowed
from ..phones import Phone

REGIONS = ("UZ", "KZ", "KG", "TJ", "RU")  # where the project names none

_TRIES = 1000
_LEADS = {"UZ": ("90", "91", "93", "94", "95", "97", "98", "99")}  # operators; elsewhere the example number's


def regions() -> tuple[str, ...]:
    """Where the people and the attackers' numbers are: the regions that the project serves, if it names them."""
    value = conf.ALLOWED_REGIONS or ""
    names = [name.strip().upper() for name in (value.split(",") if isinstance(value, str) else value)]
    return tuple(name for name in names if name and name != "*") or REGIONS


def phone(chance: random.Random, region: str) -> Phone:
    """A number of the region that the front door of the API would let in."""
    code, leads, rest = _plan(region)
    for _ in range(_TRIES):
        number = f"+{code}{chance.choice(leads)}{chance.randrange(10**rest):0{rest}d}"
        if (parsed := _parsed(number)) == number and parsed.region == region:
            return parsed
    raise ValueError(f"no mobile numbers of {region!r} found: name another region in OTP_ALLOWED_REGIONS")


def neighbour(chance: random.Random, number: str) -> str:
    """Another number of its prefix."""
    return f"{number[:-4]}{chance.randrange(10_000):04d}"


def addresses(chance: random.Random, amount: int) -> list[str]:
    """What an attacker rents: half of them IPv4, a quarter in one IPv6 /48, the rest in others."""
    made = [ipv4(chance) for _ in range(amount // 2)]
    made += [f"2001:db8:{0xBAD:x}:{number:x}::/64" for number in range(amount // 4)]
    return made + [ipv6(chance) for _ in range(amount - len(made))]


def ipv4(chance: random.Random) -> str:
    return ".".join(str(chance.randrange(1, 255)) for _ in range(4))


def ipv6(chance: random.Random) -> str:
    """A client as ``clients.client_of`` names it: the /64 of one subscriber."""
    return f"2001:db8:{chance.randrange(0x1000, 0xFFFF):x}:{chance.randrange(1, 0xFFFF):x}::/64"


def home(chance: random.Random) -> str:
    """An address of a person's own."""
    return chance.choice((ipv4, ipv6))(chance)


@lru_cache(maxsize=256)
def _plan(region: str) -> tuple[int, tuple[str, ...], int]:
    """Calling code, first digits of mobile numbers, and how many digits follow."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(f"OTP_ALLOWED_REGIONS names {region!r}, of which no mobile number is known")
    national = phonenumbers.national_significant_number(example)
    leads = _LEADS.get(region, (national[:2],))
    return phonenumbers.country_code_for_region(region), leads, len(national) - len(leads[0])


def _parsed(number: str) -> Phone:
    """Return an empty one for what the front door would refuse."""
    try:
        return phones.parse(number)
    except (InvalidPhone, RegionNotAllowed):
        return Phone()
