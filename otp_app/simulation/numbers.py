"""Make random phone numbers and addresses that the project accepts."""

import random
from functools import lru_cache
from itertools import islice

import phonenumbers

from .. import phones
from ..conf import conf
from ..errors import InvalidPhone, RegionNotAllowed
from ..phones import Phone

REGIONS = ("UZ", "KZ", "KG", "TJ", "RU")  # if the project names none

_TRIES = 1000
_OPERATOR_CODES = {
    "UZ": ("90", "91", "93", "94", "95", "97", "98", "99")
}  # of mobile operators; other regions have their example number's


def regions() -> tuple[str, ...]:
    """Return the regions of people and attackers: those that the project serves and routes to, if named."""
    value = conf.ALLOWED_REGIONS or ""
    names = [name.strip().upper() for name in (value.split(",") if isinstance(value, str) else value)]
    named = [name for name in names if name and name != "*"]
    routed = [] if "*" in conf.ROUTES else list(conf.ROUTES)
    return tuple(name for name in named if not routed or name in routed) or tuple(routed) or REGIONS


def phone(chance: random.Random, region: str) -> Phone:
    """Return a random mobile number of the region that the API accepts. Raise ValueError if none is found."""
    calling_code, leads, digits = _numbering_plan(region)
    for _ in range(_TRIES):
        number = f"+{calling_code}{chance.choice(leads)}{chance.randrange(10**digits):0{digits}d}"
        if (parsed := _accepted(number)) == number and parsed.region == region:
            return parsed
    raise ValueError(f"no mobile numbers of {region!r} found: name another region in OTP_ALLOWED_REGIONS")


def mobile_code(region: str) -> str:
    """Return the first digits of the region's mobile numbers, as its example number has them."""
    return _numbering_plan(region)[1][0]


def prefixes(chance: random.Random, region: str, code: str, amount: int) -> list[str]:
    """Return at most so many different prefixes of mobile numbers, without their last four digits, of one code."""
    calling_code, leads, digits = _numbering_plan(region)
    width = digits + len(leads[0]) - len(code) - 4
    made = (f"+{calling_code}{code}{block:0{width}d}" for block in chance.sample(range(10**width), 10**width))
    return list(islice((prefix for prefix in made if _accepted(f"{prefix}0000")), amount))


def addresses(chance: random.Random, amount: int) -> list[str]:
    """Return addresses that an attacker rents: half IPv4, a quarter in one IPv6 /48, the rest in others."""
    made = [ipv4(chance) for _ in range(amount // 2)]
    made += [f"2001:db8:{0xBAD:x}:{number:x}::/64" for number in range(amount // 4)]
    return made + [ipv6(chance) for _ in range(amount - len(made))]


def ipv4(chance: random.Random) -> str:
    return ".".join(str(chance.randrange(1, 255)) for _ in range(4))


def ipv6(chance: random.Random) -> str:
    """Return the /64 of one subscriber, as ``clients.client_of`` names it."""
    return f"2001:db8:{chance.randrange(0x1000, 0xFFFF):x}:{chance.randrange(1, 0xFFFF):x}::/64"


def home(chance: random.Random) -> str:
    """Return an address for one person."""
    return chance.choice((ipv4, ipv6))(chance)


@lru_cache(maxsize=256)
def _numbering_plan(region: str) -> tuple[int, tuple[str, ...], int]:
    """Return calling code, first digits of mobile numbers, and how many digits follow."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(f"OTP_ALLOWED_REGIONS names {region!r}, of which no mobile number is known")
    national = phonenumbers.national_significant_number(example)
    leads = _OPERATOR_CODES.get(region, (national[:2],))
    return phonenumbers.country_code_for_region(region), leads, len(national) - len(leads[0])


def _accepted(number: str) -> Phone:
    """Return the phone; an empty one if the API would refuse the number."""
    try:
        return phones.parse(number)
    except (InvalidPhone, RegionNotAllowed):
        return Phone()
