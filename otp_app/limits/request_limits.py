"""Which lines of the table of limits a request takes, and under which keys."""

from functools import cache, lru_cache

from .. import phones
from ..conf import conf
from ..keys import counter_key, ledger_id
from .clients import site_of
from .table import RINGS, TABLE, Rule, Trigger, amount_of
from .values import Conversion, Counts, Limit, RequestLimits, in_lock_order

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
) -> RequestLimits:
    """What a send takes. ``checks`` are those of the challenge it opens; 0: it exists, and with it its reserve.

    ``client`` is who asks (see :mod:`.clients`); None, for a call from the project's own code, is not limited.
    ``proof`` names the proof of work that came with it, which is good for one send. Without ``waits`` the pause between
    sends to the phone does not hold it back; all else does.
    """
    first = Trigger.DEVICE_FIRST if device else Trigger.FIRST
    trigger = Trigger.TEST if test else first if checks else Trigger.DEVICE_AGAIN if device else Trigger.AGAIN
    region = phones.of(phone).region
    subjects = _clients(client) | {"phone": phone, "prefix": phone[:-4], "region": region, "all": "all"}
    limits = tuple(limit for limit in _limits(trigger, subjects, checks) if waits or limit.counts is not Counts.WAITS)
    if proof:
        key = ledger_id("proof", proof)
        used = Limit("proofs", Counts.KEY, 1, 2 * conf.PROOF_TTL, key, subject="proof of work", kept=True)
        limits = (*limits, used)
    return RequestLimits(in_lock_order(limits), _conversion(region) if trigger in Trigger.SEND else None, bool(proof))


def for_check(client: str | None) -> RequestLimits:
    """What a check takes: the phone's own budget was reserved when the challenge opened, so no counter of it."""
    return RequestLimits(in_lock_order(_limits(Trigger.CHECK, _clients(client))))


def for_password(client: str, account: str) -> RequestLimits:
    """What a try to sign in by password takes; a success gives it back."""
    return RequestLimits(in_lock_order(_limits(Trigger.PASSWORD, _clients(client) | {"account": account})))


def _limits(trigger: Trigger, subjects: dict[str, str], checks: int = 0) -> tuple[Limit, ...]:
    return tuple(_limit(rule, subjects[rule.per], checks) for rule in _rules(trigger) if rule.per in subjects)


@cache
def _rules(trigger: Trigger) -> tuple[Rule, ...]:
    return tuple(rule for rule in TABLE if trigger & rule.trigger)


def _limit(rule: Rule, subject: str, checks: int) -> Limit:
    if rule.counts is not Counts.KEY:
        steps = tuple(conf.WAITS) if rule.counts is Counts.WAITS else ()
        cost = checks if rule.counts is Counts.FAILURES else 1
        return _phone_limit(rule, amount_of(rule), cost, steps)
    proof, blocks = conf.PROOFS and "proof" in rule.then, conf.PREFIX_BLOCK if "block" in rule.then else 0
    cost = checks if rule.name == "failures_per_day" else 1
    return _key_limit(rule, amount_of(rule), cost, counter_key(rule.per, subject), subject, proof, blocks)


# Kept, for those of the phone, of a region and of all requests are the same for everybody.
@lru_cache(maxsize=64)
def _phone_limit(rule: Rule, amount: int, cost: int, steps: tuple[int, ...]) -> Limit:
    return Limit(rule.name, rule.counts, amount, rule.period, cost=cost, steps=steps)


@lru_cache(maxsize=1024)
def _key_limit(rule: Rule, amount: int, cost: int, key: str, subject: str, proof: bool, blocks: int) -> Limit:
    return Limit(
        rule.name,
        rule.counts,
        amount,
        rule.period,
        key=key,
        ring=RINGS[rule.name],
        subject="" if rule.per == "account" else f"{rule.per} {subject}",
        cost=cost,
        converts=rule.converts,
        proof=proof,
        blocks=blocks,
        shared=rule.per in _SHARED,
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
