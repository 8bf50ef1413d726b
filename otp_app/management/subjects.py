"""Find the limits that concern a phone, client, prefix or region, for ``otp_limits``."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .. import phones
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..delivery import suppressions
from ..keys import counter_key
from ..limits import TABLE, request_limits
from ..limits.clients import client_at, network_of, site_of, subnet_of
from ..limits.table import Trigger
from ..limits.values import Limit
from ..rulings import parse_phone, parse_prefix, parse_region

_ANY_PHONE = "+998901234567"  # only those properties of its limits are used that are the same for all phones


@dataclass(frozen=True, slots=True)
class SubjectLimits:
    """Hold a subject with its limits; the phone is empty unless limits count by phone."""

    title: str
    limits: tuple[Limit, ...]
    phone: str = ""
    device: bool = False
    notes: tuple[str, ...] = ()


def _phone_subjects(text: str) -> list[SubjectLimits]:
    phone = parse_phone(text)
    checks = policy_for(LOGIN).checks
    strangers = request_limits.for_send(phone, None, checks=checks, test=phone.is_test).limits
    devices = request_limits.for_send(phone, None, checks=checks, device="any").limits
    shown = phones.mask(phone)
    notes = ("A test number: nothing is sent to it.",) if phone.is_test else _suppression_notes(phone)
    return [
        SubjectLimits(f"phone {shown}, strangers", _own_limits(strangers), phone, notes=notes),
        SubjectLimits(f"phone {shown}, devices that signed in before", _own_limits(devices), phone, device=True),
        SubjectLimits(f"phone {shown}, messages without a code", _notice_limits(phone), phone),
        _with_key_counters("prefix", phone[:-4]),
        *([_with_key_counters("region", phone.region)] if phone.region else []),
    ]


def _notice_limits(phone: str) -> tuple[Limit, ...]:
    kinds = (Trigger.NOTIFICATION, Trigger.FACTOR_NOTICE)
    return tuple(limit for kind in kinds for limit in request_limits.for_notification(phone, trigger=kind).limits)


def _suppression_notes(phone: str) -> tuple[str, ...]:
    channels = ", ".join(channel or "any channel" for channel in suppressions.suppressed_channels(phone))
    if not channels:
        return ()
    return (f"Suppressed: nothing is sent to it by {channels}, because it is bad for good or its owner opted out.",)


def _own_limits(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    return tuple(limit for limit in limits if not limit.key)


def parse_client(text: str) -> str:
    """Return the client of an address that an operator has typed; raise ValueError if it is none."""
    client = client_at(text.removesuffix("/64"))
    if client == "unknown":
        raise ValueError("this is no IPv4 or IPv6 address.")
    return client


def _client_subjects(text: str) -> list[SubjectLimits]:
    client = parse_client(text)
    around = {"site": site_of(client), "subnet": subnet_of(client), "network": network_of(client)}
    named = {"client": client} | {per: subject for per, subject in around.items() if subject}
    return [_with_key_counters(per, subject) for per, subject in named.items()]


def _prefix_subjects(text: str) -> list[SubjectLimits]:
    return [_with_key_counters("prefix", parse_prefix(text))]


def _region_subjects(text: str) -> list[SubjectLimits]:
    return [_with_key_counters("region", parse_region(text))]


def _with_key_counters(per: str, subject: str) -> SubjectLimits:
    """Return a subject with the limits that its requests take."""
    client = "2001:db8::/64"
    price = int(conf.BUDGET_PER_DAY > 0)
    taken = [
        *request_limits.for_send(_ANY_PHONE, client, checks=1, price=price).limits,
        *request_limits.for_send(_ANY_PHONE, client, checks=1, device="any").limits,
        *request_limits.for_send(_ANY_PHONE, client, checks=1, test=True).limits,
        *request_limits.for_check(client).limits,
        *request_limits.for_password(client, "").limits,
    ]
    # Whether the network of a request is a stranger is not asked here: the pot is shown as it is.
    by_name = {limit.name: replace(limit, strangers=False) for limit in taken}
    limits = [
        replace(by_name[rule.name], key=counter_key(per, subject), subject=f"{per} {subject}")
        for rule in TABLE
        if rule.per == per and rule.name in by_name
    ]
    return SubjectLimits(phones.mask_subject(f"{per} {subject}"), tuple(limits))


KINDS: dict[str, Callable[[str], list[SubjectLimits]]] = {
    "phone": _phone_subjects,
    "client": _client_subjects,
    "prefix": _prefix_subjects,
    "region": _region_subjects,
}


def subjects_of(kind: str, text: str) -> list[SubjectLimits]:
    """Return the subject, those that it belongs to, and everybody. Raise ValueError that says why ``text`` is wrong."""
    return [*KINDS[kind](text), replace(_with_key_counters("all", "all"), title="everybody")]
