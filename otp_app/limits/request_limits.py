"""Choose the rules that a request takes, with the keys that they count."""

from functools import cache, lru_cache

from .. import phones
from ..conf import conf
from ..keys import counter_key, ledger_id
from .clients import site_of
from .table import PROOFS, RINGS, TABLE, Rule, Trigger, amount_of
from .values import Conversion, Counts, Limit, RequestLimits, in_lock_order

_SHARED_SUBJECTS = ("region", "all")  # subjects whose counters many or all requests share


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
    """Return the limits that a send takes.

    - ``client``: from :mod:`.clients`; None, for a call from the project's own code, is not counted.
    - ``checks``: those of the challenge that the send opens; 0 for a later send, whose checks are reserved already.
    - ``proof``: the name of the proof of work that came with the request; it is good for one send.
    - ``waits``: False leaves out the pause between sends to the phone.
    """
    first, again = (Trigger.DEVICE_FIRST, Trigger.DEVICE_AGAIN) if device else (Trigger.FIRST, Trigger.AGAIN)
    trigger = Trigger.TEST if test else first if checks else again
    region = phones.as_phone(phone).region
    subjects = _client_subjects(client) | {"phone": phone, "prefix": phone[:-4], "region": region, "all": "all"}
    limits = tuple(limit for limit in _limits(trigger, subjects, checks) if waits or limit.counts is not Counts.WAITS)
    if proof:
        key = ledger_id("proof", proof)
        used = Limit(PROOFS, Counts.KEY, 1, 2 * conf.PROOF_TTL, key, subject="proof of work", kept=True)
        limits = (*limits, used)
    return RequestLimits(in_lock_order(limits), _conversion(region) if trigger in Trigger.SEND else None, bool(proof))


def for_check(client: str | None) -> RequestLimits:
    """Return the limits that a check takes; its part of the phone's budget was reserved by the send."""
    return RequestLimits(in_lock_order(_limits(Trigger.CHECK, _client_subjects(client))))


def for_password(client: str, account: str) -> RequestLimits:
    """Return the limits that a sign-in by password takes; a success gives them back."""
    return RequestLimits(in_lock_order(_limits(Trigger.PASSWORD, _client_subjects(client) | {"account": account})))


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


# Cached, because the limits of phones, regions and all requests are the same values in most requests.
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
        shared=rule.per in _SHARED_SUBJECTS,
    )


def _client_subjects(client: str | None) -> dict[str, str]:
    site = site_of(client or "")
    return ({"client": client} if client else {}) | ({"site": site} if site else {})


def _conversion(region: str) -> Conversion:
    """Return how to judge a region. A home region is never blocked, or 50 junk sends would switch the country off."""
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
