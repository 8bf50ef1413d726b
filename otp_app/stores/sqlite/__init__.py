"""Keep challenges and counters on SQLite: the reference, to be read first.

PostgreSQL's functions (``postgresql/functions``) and Redis's scripts (``lua``) do the same, each in its own language. A
call takes the write lock of the file, so it is alone. It reads the phone's history and the counters, judges them
(:mod:`.call`, by ``limits.windows``), and only then writes. A refusal is an answer too: it has written nothing. The
documents asked and answered are those of :mod:`..wire`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...challenges import Challenge, Increment, Status
from ...counters import blocks, rings
from ...db import writes
from ...db.clock import read_now
from ...db.transactions import durable
from ...db.turns import turn
from ...limits import WEEK, windows
from ...limits.values import Counts, RequestLimits
from ...models import Delivery
from .. import wire
from ..wire import Document
from . import rows
from .call import Call

_HISTORY_MS = rings.width(WEEK)  # of a sub-bucket in which answered messages count


def _open(call: Call) -> Document:
    call.read()
    if refused := call.refusal():
        return refused
    opened = replace(wire.challenge_of(call.asked["challenge"]), created_at=call.now)
    return _send(call, opened, new=True)


def _spend_send(call: Call) -> Document:
    asked = call.asked
    found = rows.get(call.alias, asked["id"])
    same = found and (found.phone, found.purpose, found.device) == (asked["number"], asked["purpose"], asked["device"])
    if not found or not same or not _is_open(found, call.now) or not found.sends_left:
        return call.answer("none")
    call.read()
    if refused := call.refusal():
        return refused
    again = replace(found, language=asked["language"], channel=asked["channel"] or found.channel)
    return _send(call, again, new=False)


def _send(call: Call, challenge: Challenge, *, new: bool) -> Document:
    """Write a send: its challenge, its delivery and its increments."""
    at = max(
        call.now, *(before + 1 for before in challenge.sent_at), 0
    )  # its instant names a send, so no two have the same
    taken = tuple(replace(increment, sent_at=at) for increment in call.increments)
    sent = replace(
        challenge,
        sends_left=challenge.sends_left - 1,
        sent_at=(*challenge.sent_at, at),
        increments=challenge.increments + taken,
    )
    (rows.insert if new else rows.update)(call.alias, sent)
    call.write()
    delivery = call.asked["delivery"]
    row = {"challenge": sent.id, "phone": call.asked["ledger"], "device": bool(sent.device), "sent_at": at}
    row |= {"region": delivery["region"], "channel": sent.channel, "status": Delivery.Status.QUEUED.value}
    row |= dict.fromkeys(("created_at", "updated_at"), delivery["created_at"])
    if "providers" in delivery:
        provider = delivery["providers"].get(sent.channel, "")
        row |= {"provider": provider, "reference": delivery["reference"], "claimed_at": call.now}
    writes.run(call.alias, writes.inserting(call.alias, Delivery, row))
    blocked = blocks(call.alias, delivery.get("watched", ()))
    document = wire.document_of(sent) | {"taken": wire.increments_in(sent.increments)}
    return call.answer("taken", challenge=document, again=_ms_to_next_send(call, sent), blocks=blocked)


def _ms_to_next_send(call: Call, sent: Challenge) -> int:
    """Return the milliseconds until the phone's next send. Failures do not count: this challenge has its reserve."""
    past = [each for each in call.past if each.id != sent.id] + [sent]
    own = [each for each in call.request_limits.limits if each.counts in (Counts.WAITS, Counts.SENDS)]
    return max((windows.phone_usage(each, past, [], call.now).wait for each in own), default=0)


def _spend_check(call: Call) -> Document:
    call.read()
    if refused := call.refusal():
        return refused
    found = _challenge_to_check(call)
    if not found or not found.checks_left or ("id" not in call.asked and not found.phone_checks_left):
        return call.answer("none")
    phone_checks_left = found.phone_checks_left - ("id" not in call.asked)
    paid = replace(found, checks_left=found.checks_left - 1, phone_checks_left=phone_checks_left, checked_at=call.now)
    rows.update(call.alias, paid)
    call.write()
    document = wire.document_of(paid) | {"taken": wire.increments_in(paid.increments)}
    return call.answer("taken", challenge=document, taken=wire.increments_in(call.increments))


def _challenge_to_check(call: Call) -> Challenge | None:
    """Find the challenge of that id, else the newest of the device, else of the phone's strangers."""
    asked = call.asked
    which, values = ("id = %s", asked["id"]) if "id" in asked else ("device IN ('', %s)", asked["device"])
    where = f"{which} AND phone = %s AND purpose = %s AND status = 'pending' AND expires_at > %s"
    newest = "ORDER BY device = '', created_at DESC"
    found = rows.challenges(call.alias, f"{where} {newest}", [values, asked["number"], asked["purpose"], call.now])
    return next(iter(found), None)


def _extend(call: Call) -> Document:
    found, ttl = rows.get(call.alias, call.asked["id"]), call.asked["ttl"]
    if not found or not _is_open(found, call.now) or found.ttl >= ttl:
        return call.answer("none")
    rows.update(call.alias, replace(found, ttl=ttl))
    return call.answer("taken")


def _close(call: Call) -> Document:
    found, asked = rows.get(call.alias, call.asked["id"]), call.asked
    if not found or found.status is not Status.PENDING:
        return call.answer("none")
    closed = replace(found, status=Status(asked["status"]), closed_at=call.now)
    rows.update(call.alias, closed)
    if closed.status is Status.APPROVED:
        others = "UPDATE otp_app_challenge SET status = 'canceled', closed_at = %s"
        where = "phone = %s AND purpose = %s AND status = 'pending'"
        rows.run(call.alias, f"{others} WHERE {where}", [call.now, found.phone, found.purpose])
        converting = [increment for increment in closed.increments if increment.converts]
        _give_back(call.alias, [*converting, *wire.increments_of(asked["increments"])])
    return call.answer("taken")


def _undo_send(call: Call) -> Document:
    found, at = rows.get(call.alias, call.asked["id"]), call.asked["at"]
    if not found or found.status is not Status.PENDING or at not in found.sent_at:
        return call.answer("none")
    given = [each for each in found.increments if each.sent_at == at and not call.asked["chosen"]]
    counted = [each for each in given if each.cost > 0]  # no success has followed
    left = tuple(each for each in found.sent_at if each != at)
    undone = replace(
        found,
        sent_at=left,
        sends_left=found.sends_left + 1,
        status=Status.PENDING if left else Status.CANCELED,
        increments=tuple(each for each in found.increments if each not in given),
    )
    rows.update(call.alias, undone)
    _give_back(call.alias, counted)
    return call.answer("taken")


def _take(call: Call) -> Document:
    call.read()
    if refused := call.refusal():
        return refused
    call.write()
    return call.answer("taken", taken=wire.increments_in(call.increments))


def _give_back_asked(call: Call) -> Document:
    _give_back(call.alias, wire.increments_of(call.asked["increments"]))
    return call.answer("taken")


def _give_back(alias: str, increments: Sequence[Increment]) -> None:
    found = rows.counters(alias, {increment.key for increment in increments})
    for increment in increments:
        if counter := found.get(increment.key):
            rings.add(counter, increment.ring, increment.slot, -increment.cost)
            if increment.cost < 0:
                counter.expires_at = max(counter.expires_at, rings.expiry((increment.slot + rings.SIZE) * _HISTORY_MS))
    rows.keep_counters(alias, found.values())


def _usage(call: Call) -> Document:
    call.read()
    return call.answer("taken", usages=[(each.used, each.wait, each.amount) for each in call.usages])


_CALLS: dict[str, Callable[[Call], Document]] = {
    "open": _open,
    "spend_send": _spend_send,
    "spend_check": _spend_check,
    "extend": _extend,
    "close": _close,
    "undo_send": _undo_send,
    "take": _take,
    "give_back": _give_back_asked,
}


def answer(alias: str, name: str, asked: Document, request_limits: RequestLimits) -> Document:
    """Answer one call; a call that writes is alone with the file."""
    if name == "usage":
        return _usage(Call(alias, asked, request_limits, read_now(alias)))
    with turn(alias), durable(alias):
        # Take the file's write lock by deleting nothing: BEGIN takes the lock only if the database's OPTIONS say so.
        rows.run(alias, "DELETE FROM otp_app_key_counter WHERE false", [])
        return _CALLS[name](Call(alias, asked, request_limits, read_now(alias)))


def _is_open(challenge: Challenge, now: int) -> bool:
    return challenge.status is Status.PENDING and challenge.expires_at > now and challenge.checks_left > 0
