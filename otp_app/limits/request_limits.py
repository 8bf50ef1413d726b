"""Which lines of the table of limits a request takes, and under which keys."""

from functools import cache, lru_cache

from .. import phones
from ..conf import conf
from ..keys import counter_key, ledger_id
from .clients import site_of
from .table import RINGS, TABLE, Line, On, amount_of
from .values import Conversion, Counts, Demand, Limit, in_lock_order

_SHARED = ("region", "all")  # every request meets there


def for_send(
    phone: str,
    client: str | None,
    *,
    checks: int = 0,
    device: str = "",
    proof: str = "",
    test: bool = False,
    waits: bool = True,
) -> Demand:
    """What a send takes. ``checks`` are those of the challenge it opens; 0: it exists, and with it its reserve.

    ``client`` is who asks (see :mod:`.clients`); None, for a call from the project's own code, is not limited.
    ``proof`` names the proof of work that came with it, which is good for one send. Without ``waits`` the pause between
    sends to the phone does not hold it back; all else does.
    """
    first = On.DEVICE_FIRST if device else On.FIRST
    on = On.TEST if test else first if checks else On.DEVICE_AGAIN if device else On.AGAIN
    region = phones.of(phone).region
    subjects = _clients(client) | {"phone": phone, "prefix": phone[:-4], "region": region, "all": "all"}
    limits = tuple(limit for limit in _limits(on, subjects, checks) if waits or limit.counts is not Counts.WAITS)
    if proof:
        key = ledger_id("proof", proof)
        used = Limit("proofs", Counts.CROWD, 1, 2 * conf.PROOF_TTL, key, subject="proof of work", kept=True)
        limits = (*limits, used)
    return Demand(in_lock_order(limits), _conversion(region) if on in On.SEND else None, bool(proof))


def for_check(client: str | None) -> Demand:
    """What a check takes: the phone's own budget was reserved when the challenge opened, so no counter of it."""
    return Demand(in_lock_order(_limits(On.CHECK, _clients(client))))


def for_password(client: str, account: str) -> Demand:
    """What a try to sign in by password takes; a success gives it back."""
    return Demand(in_lock_order(_limits(On.PASSWORD, _clients(client) | {"account": account})))


def _limits(on: On, subjects: dict[str, str], checks: int = 0) -> tuple[Limit, ...]:
    return tuple(_limit(line, subjects[line.per], checks) for line in _lines(on) if line.per in subjects)


@cache
def _lines(on: On) -> tuple[Line, ...]:
    return tuple(line for line in TABLE if on & line.on)


def _limit(line: Line, subject: str, checks: int) -> Limit:
    if line.counts is not Counts.CROWD:
        steps = tuple(conf.WAITS) if line.counts is Counts.WAITS else ()
        cost = checks if line.counts is Counts.FAILURES else 1
        return _of_phone(line, amount_of(line), cost, steps)
    proof, blocks = conf.PROOFS and "proof" in line.then, conf.PREFIX_BLOCK if "block" in line.then else 0
    cost = checks if line.name == "failures_per_day" else 1
    return _of_crowd(line, amount_of(line), cost, counter_key(line.per, subject), subject, proof, blocks)


# Kept, for those of the phone, of a region and of all requests are the same for everybody.
@lru_cache(maxsize=64)
def _of_phone(line: Line, amount: int, cost: int, steps: tuple[int, ...]) -> Limit:
    return Limit(line.name, line.counts, amount, line.period, cost=cost, steps=steps)


@lru_cache(maxsize=1024)
def _of_crowd(line: Line, amount: int, cost: int, key: str, subject: str, proof: bool, blocks: int) -> Limit:
    return Limit(
        line.name,
        line.counts,
        amount,
        line.period,
        key=key,
        ring=RINGS[line.name],
        subject="" if line.per == "account" else f"{line.per} {subject}",
        cost=cost,
        converts=line.converts,
        proof=proof,
        blocks=blocks,
        shared=line.per in _SHARED,
    )


def _clients(client: str | None) -> dict[str, str]:
    site = site_of(client or "")
    return ({"client": client} if client else {}) | ({"site": site} if site else {})


def _conversion(region: str) -> Conversion:
    """What is judged of a region; a home region is never blocked, or 50 junk sends would switch the country off."""
    home = region in conf.HOME_REGIONS
    return Conversion(
        counter_key("region", region),
        sends=RINGS["sends_per_region_day"],
        unconverted=RINGS["unconverted_per_region_day"],
        fresh=RINGS["fresh_per_region"],
        subject=f"region {region}",
        least=conf.CONVERSION_LEAST,
        proof=conf.CONVERSION_PROOF if conf.PROOFS else 0,
        block=0 if home else conf.CONVERSION_BLOCK,
        blocks=conf.REGION_BLOCK,
    )
