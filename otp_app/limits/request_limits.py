"""Choose the rules that a request takes, with the keys that they count."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache, lru_cache
from math import ceil

from django.utils.module_loading import import_string

from .. import phones
from ..conf import conf
from ..keys import counter_key, ledger_id
from .clients import is_home, network_of, site_of, subnet_of
from .table import MONEY_UNITS, PROOFS, RINGS, TABLE, Rule, Trigger, amount_of
from .values import Counts, Limit, RequestLimits, in_lock_order

_SHARED = {"region": 1, "all": 2}  # subjects whose counters many or all requests share, in the order of locks
_OF_KEYS = (Counts.KEY, Counts.ANSWERED)


def for_send(
    phone: str,
    client: str | None,
    *,
    checks: int = 0,
    device: str = "",
    proof: str = "",
    test: bool = False,
    waits: bool = True,
    price: Decimal | int = 0,
) -> RequestLimits:
    """Return the limits that a send takes.

    - ``client``: from :mod:`.clients`; None, for a call from the project's own code, is not counted.
    - ``checks``: those of the challenge that the send opens; 0 for a later send, whose checks are reserved already.
    - ``proof``: the name of the proof of work that came with the request; it is good for one send.
    - ``waits``: False leaves out the pause between sends to the phone.
    - ``price``: what the message may cost, in OTP_CURRENCY; 0 where OTP_BUDGET_PER_DAY sets no ceiling.
    """
    first, again = (Trigger.DEVICE_FIRST, Trigger.DEVICE_AGAIN) if device else (Trigger.FIRST, Trigger.AGAIN)
    trigger = Trigger.TEST if test else first if checks else again
    subjects = _send_subjects(phone, client)
    cost_in_money = ceil(price * MONEY_UNITS)
    left_out = set() if price else {"budget_per_day"}
    if client is None or is_home(client):
        left_out.add("unconverted_of_strangers_day")
    if not waits:
        left_out.add("wait_per_phone")
    rules = [rule for rule in _rules(trigger) if rule.per in subjects and rule.name not in left_out]
    limits = [_limit(rule, subjects[rule.per], checks, cost_in_money) for rule in rules]
    if conf.RULES:
        limits += _own_limits(trigger, phone, client)
    if proof:
        key = ledger_id("proof", proof)
        limits.append(Limit(PROOFS, Counts.KEY, 1, 2 * conf.PROOF_TTL, key, subject="proof of work", kept=True))
    return RequestLimits(in_lock_order(limits), bool(proof))


def for_check(client: str | None) -> RequestLimits:
    """Return the limits that a check takes; its part of the phone's budget was reserved by the send."""
    return _key_limits(Trigger.CHECK, _client_subjects(client))


def for_password(client: str, account: str) -> RequestLimits:
    """Return the limits that a sign-in by password takes; a success gives them back."""
    return _key_limits(Trigger.PASSWORD, _client_subjects(client) | {"account": account})


def for_factor(account: str) -> RequestLimits:
    """Return the limit that a check of a second factor takes; a success gives it back."""
    return _key_limits(Trigger.FACTOR, {"account": account})


def for_notification(phone: str, *, price: Decimal | int = 0, trigger: Trigger = Trigger.NOTIFICATION) -> RequestLimits:
    """Return the limits that a message without a code takes, by its kind of Trigger.NOTICE.

    ``price`` is as in :func:`for_send`.
    """
    cost_in_money = ceil(price * MONEY_UNITS)
    subjects = {"phone": phone} | ({"all": "all"} if price else {})
    return _key_limits(trigger, subjects, cost_in_money)


def for_email(account: str) -> RequestLimits:
    """Return the limit that an e-mail with a code takes."""
    return _key_limits(Trigger.EMAIL, {"account": account})


def for_confirmation(account: str) -> RequestLimits:
    """Return the limit that a confirmation takes which a factor shall answer."""
    return _key_limits(Trigger.CONFIRMATION, {"account": account})


def for_passkey(account: str) -> RequestLimits:
    """Return the limit that a sign-in by a passkey takes."""
    return _key_limits(Trigger.PASSKEY, {"account": account})


def for_recovery(client: str | None, email: str) -> RequestLimits:
    """Return the limits that a wish for the way back takes, whether or not there is such an account.

    An address is counted however its letters are written. The number is not counted: whoever knows it would else keep
    its owner from the way back.
    """
    return _key_limits(Trigger.RECOVERY, {"account": f"email {email.lower()}"} | _client_subjects(client))


def shared(regions: Iterable[str]) -> tuple[Limit, ...]:
    """Return the limits that all sends share, and those that all sends to each of these countries share."""
    subjects = [("all", "all"), *(("region", region) for region in regions)]
    rules = [rule for rule in TABLE if rule.name != "budget_per_day" or conf.BUDGET_PER_DAY]
    # Whether the network of a request is a stranger is not asked here, so the pot of strangers is one as the others.
    return tuple(
        replace(_limit(rule, subject), strangers=False)
        for per, subject in subjects
        for rule in rules
        if rule.per == per
    )


def _key_limits(trigger: Trigger, subjects: dict[str, str], cost_in_money: int = 0) -> RequestLimits:
    rules = [rule for rule in _rules(trigger) if rule.per in subjects]
    return RequestLimits(in_lock_order(_limit(rule, subjects[rule.per], price=cost_in_money) for rule in rules))


@cache
def _rules(trigger: Trigger) -> tuple[Rule, ...]:
    return tuple(rule for rule in TABLE if trigger & rule.trigger)


def _own_limits(trigger: Trigger, phone: str, client: str | None) -> Iterator[Limit]:
    """Yield the limits of the host's own rules (OTP_RULES), each in a counter of its own."""
    for rule in import_string(conf.RULES):
        if trigger & rule.trigger and rule.subject and (subject := rule.subject(phone, client)):
            key = counter_key(rule.name, subject)
            yield _key_limit(rule, amount_of(rule), 1, key, 0, f"{rule.per} {subject}", proof=False)


def _limit(rule: Rule, subject: str, checks: int = 0, price: int = 0) -> Limit:
    if rule.counts not in _OF_KEYS:
        steps = tuple(conf.WAITS) if rule.counts is Counts.WAITS else ()
        return _phone_limit(rule, amount_of(rule), checks if rule.counts is Counts.FAILURES else 1, steps)
    cost = 0 if rule.counts is Counts.ANSWERED else price if rule.name == "budget_per_day" else 1
    named = "strangers" if rule.strangers else "" if rule.per in ("account", "phone") else f"{rule.per} {subject}"
    proof = bool(conf.PROOFS and rule.proof)
    amount = amount_of(rule)
    if rule.vouches == "young" and (conf.HOME_NETWORKS or subject not in conf.HOME_REGIONS):
        amount = 0  # never too young: elsewhere an attacker would have the amount of each country of the world
    return _key_limit(rule, amount, cost, counter_key(rule.per, subject), RINGS[rule.name], named, proof=proof)


# Cached, because the limits of phones, regions and all requests are the same values in most requests.
@lru_cache(maxsize=64)
def _phone_limit(rule: Rule, amount: int, cost: int, steps: tuple[int, ...]) -> Limit:
    return Limit(rule.name, rule.counts, amount, rule.period, cost=cost, steps=steps)


@lru_cache(maxsize=1024)
def _key_limit(rule: Rule, amount: int, cost: int, key: str, ring: int, subject: str, *, proof: bool) -> Limit:
    return Limit(
        rule.name,
        rule.counts,
        amount,
        rule.period,
        key=key,
        ring=ring,
        subject=subject,
        cost=cost,
        converts=rule.converts,
        growth=rule.growth,
        steady=rule.steady,
        vouches=rule.vouches,
        strangers=rule.strangers,
        proof=proof,
        shared=_SHARED.get(rule.per, 0),
    )


def _send_subjects(phone: str, client: str | None) -> dict[str, str]:
    subjects = {"phone": phone, "prefix": phone[:-4], "region": phones.as_phone(phone).region, "all": "all"}
    if client:
        subjects |= {"client": client, "subnet": subnet_of(client), "network": network_of(client)}
    return subjects


def _client_subjects(client: str | None) -> dict[str, str]:
    site = site_of(client or "")
    return ({"client": client} if client else {}) | ({"site": site} if site else {})
