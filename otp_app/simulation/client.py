"""Call the real services for actors: count each call, and return an answer instead of raising an error."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import altcha

from .. import phones, services
from ..challenges import Challenge, Grant
from ..db import clock
from ..delivery import routing
from ..errors import DeliveryFailed, InvalidOrExpiredCode, Limited, ProofRequired
from ..limits.clients import network_of, subnet_of
from ..models import ChallengeRow
from ..providers import memory
from .world import World

PROOF = "proof_required"
CLOSED = "closed"
UNDELIVERED = "undelivered"
_HOLDS = ("prefix", "subnet", "network")  # kinds of bucket


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request for a message: the grant and its code, or the refusal and the seconds to wait.

    ``bucket`` is what a limit names as full, for the lab's figures only: no client is told. ``task`` says whether a
    proof of work was asked for.
    """

    grant: Grant | None = None
    code: str = ""
    why: str = ""
    retry_after: int = 0
    bucket: str = ""
    task: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Identify who calls, from which client, and whether the caller solves proofs of work."""

    world: World
    group: str
    phone: str
    client: str
    device: str | None = None
    solves: bool = True


def ask(caller: Caller, challenge_id: str | None = None) -> Answer:
    """Ask for a message once, solving a proof of work if the caller does."""
    tally, hour = caller.world.tally_of(caller.group), caller.world.hour
    tally.tries += 1
    answer = _ask(caller, challenge_id, None)
    if answer.grant:
        tally.count_sent(hour, price_to(caller.world, caller.phone, answer.grant))
    else:
        tally.count_refused(answer.why, hour)
    if tally.hostile and answer.bucket.startswith(_HOLDS):
        caller.world.held.add(answer.bucket)
    return answer


def buckets_of(caller: Caller) -> set[str]:
    """Return the buckets of a caller that an attacker may hold, as limits name them."""
    networks = f"subnet {subnet_of(caller.client)}", f"network {network_of(caller.client)}"
    return {f"prefix {caller.phone[:-4]}", *networks}


def price_to(world: World, phone: str, grant: Grant) -> Decimal:
    """Return the price of a message: that of the dearest provider of its route, else the world's."""
    return routing.highest_price(phones.as_phone(phone), grant.challenge.channel) or world.price


def check(caller: Caller, code: str, challenge_id: str | None = None) -> Challenge | Answer:
    """Check a code once. Return the approved challenge, or an answer with the refusal."""
    tally = caller.world.tally_of(caller.group)
    try:
        return services.verify_code(
            phone=caller.phone, code=code, client=caller.client, challenge_id=challenge_id, device=caller.device
        )
    except Limited as limited:
        tally.count_refused(limited.limit, caller.world.hour)
        return Answer(why=limited.limit, retry_after=limited.retry_after or 0)
    except InvalidOrExpiredCode:
        tally.comparisons += _was_compared(caller.phone)
        return Answer(why=CLOSED)


def _was_compared(phone: str) -> bool:
    """Tell whether a challenge counted this check, which no error tells. Time stands still, so instants match."""
    return ChallengeRow.objects.filter(phone=phone, checked_at=clock.milliseconds()).exists()


def _ask(caller: Caller, challenge_id: str | None, proof: str | None) -> Answer:
    tally = caller.world.tally_of(caller.group)
    try:
        grant = services.send_code(
            phone=caller.phone,
            client=caller.client,
            challenge_id=challenge_id,
            device=caller.device,
            proof=proof,
        )
    except ProofRequired as required:
        tally.proofs_asked += 1
        if not caller.solves:
            return Answer(why=PROOF, task=True)
        tally.proofs_solved += 1
        return _ask(caller, challenge_id, _solve(required.altcha))
    except Limited as limited:
        return Answer(why=limited.limit, retry_after=limited.retry_after or 0, bucket=limited.subject, task=bool(proof))
    except InvalidOrExpiredCode:
        return Answer(why=CLOSED)
    except DeliveryFailed as failed:
        return Answer(why=UNDELIVERED, retry_after=failed.retry_after or 0)
    return Answer(grant, memory.outbox.pop().code, task=bool(proof))


def _solve(task: Mapping[str, Any]) -> str:
    """Solve a proof of work as the ALTCHA widget does."""
    challenge = altcha.Challenge.from_dict(dict(task))
    solution = cast("altcha.Solution", altcha.solve_challenge(challenge))  # None after 90 s, of cost 1 never
    payload = {"challenge": challenge.to_dict(), "solution": solution.to_dict()}
    return base64.b64encode(json.dumps(payload).encode()).decode()
