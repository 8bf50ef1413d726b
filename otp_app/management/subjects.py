"""Whom ``otp_limits`` can be asked about, and which limits concern them. ValueError says what is wrong with a text."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from phonenumbers import SUPPORTED_REGIONS

from .. import phones
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..delivery import suppressions
from ..errors import InvalidPhone
from ..keys import counter_key
from ..limits import TABLE, request_limits
from ..limits.clients import client_of, site_of
from ..limits.values import Counts, Limit

_PREFIX = re.compile(r"\+[1-9][0-9]{2,10}")
_SOME_PHONE = "+998901234567"  # anybody's: of its limits only what is the same for all subjects is used


@dataclass(frozen=True, slots=True)
class Part:
    """One subject, and those of its limits that are asked for."""

    title: str
    limits: tuple[Limit, ...]
    phone: str = ""
    device: bool = False
    notes: tuple[str, ...] = ()


def _of_phone(text: str) -> list[Part]:
    try:
        phone = phones.parse(text, gate=False)
    except InvalidPhone as error:
        raise ValueError(error.detail) from None
    checks = policy_for(LOGIN).checks
    strangers = request_limits.for_send(phone, None, checks=checks, test=phone.is_test).limits
    devices = request_limits.for_send(phone, None, checks=checks, device="any").limits
    shown = phones.mask(phone)
    notes = ("A test number: nothing is sent to it.",) if phone.is_test else _suppressions(phone)
    return [
        Part(f"phone {shown}, strangers", _of_a_phone(strangers), phone, notes=notes),
        Part(f"phone {shown}, devices that signed in before", _of_a_phone(devices), phone, device=True),
        *_of_prefix(phone[:-4]),
        *([_region(phone.region)] if phone.region else []),
    ]


def _suppressions(phone: str) -> tuple[str, ...]:
    channels = ", ".join(channel or "any channel" for channel in suppressions.suppressed_channels(phone))
    if not channels:
        return ()
    return (f"Suppressed, so that nothing is sent to it by {channels}: it is bad for good, or its owner opted out.",)


def _of_a_phone(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    return tuple(limit for limit in limits if limit.counts is not Counts.KEY)


def _of_client(text: str) -> list[Part]:
    client = client_of({"REMOTE_ADDR": text.removesuffix("/64")})
    if client == "unknown":
        raise ValueError("this is no IPv4 or IPv6 address.")
    site = site_of(client)
    return [_key_counters("client", client), *([_key_counters("site", site)] if site else [])]


def _of_prefix(text: str) -> list[Part]:
    if not _PREFIX.fullmatch(text):
        raise ValueError("give + and the digits of a number without its last four: +99890123.")
    return [_key_counters("prefix", text)]


def _of_region(text: str) -> list[Part]:
    if text.upper() not in SUPPORTED_REGIONS:
        raise ValueError("give a country by its two letters, as UZ.")
    return [_region(text.upper())]


def _region(region: str) -> Part:
    notes = ("A home region: it is never blocked.",) if region in conf.HOME_REGIONS else ()
    return replace(_key_counters("region", region), notes=notes)


def _key_counters(per: str, subject: str) -> Part:
    """Its limits, as a request of it would take them."""
    client = "2001:db8::/64"
    asked = [
        *request_limits.for_send(_SOME_PHONE, client, checks=1).limits,
        *request_limits.for_send(_SOME_PHONE, client, checks=1, device="any").limits,
        *request_limits.for_check(client).limits,
        *request_limits.for_password(client, "").limits,
    ]
    named = {limit.name: limit for limit in asked}
    limits = [
        replace(named[rule.name], key=counter_key(per, subject), subject=f"{per} {subject}")
        for rule in TABLE
        if rule.per == per
    ]
    return Part(phones.mask_subject(f"{per} {subject}"), tuple(limits))


KINDS: dict[str, Callable[[str], list[Part]]] = {
    "phone": _of_phone,
    "client": _of_client,
    "prefix": _of_prefix,
    "region": _of_region,
}


def parts_of(kind: str, text: str) -> list[Part]:
    """The subject itself, those it belongs to, and everybody."""
    return [*KINDS[kind](text), replace(_key_counters("all", "all"), title="everybody")]
