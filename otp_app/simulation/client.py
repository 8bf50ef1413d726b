"""The front door as actors see it: real calls of the services, written down, with an answer instead of an error."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import altcha

from .. import services
from ..challenges import Challenge, Grant
from ..db import clock
from ..errors import InvalidOrExpiredCode, Limited, ProofRequired
from ..models import ChallengeRow
from ..providers import memory
from .world import World

PROOF = "proof_required"
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Answer:
    """To a request for a message: the grant and what the phone received, or why not and when to come again."""

    grant: Grant | None = None
    code: str = ""
    why: str = ""
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where, and whether it solves a proof of work that it is asked for."""

    world: World
    party: str
    phone: str
    client: str
    device: str | None = None
    solves: bool = True


def ask(caller: Caller, challenge_id: str | None = None) -> Answer:
    """One try to get a message. A proof that is solved belongs to it."""
    tally, hour = caller.world.party(caller.party), caller.world.hour
    tally.tries += 1
    answer = _ask(caller, challenge_id, None)
    if answer.grant:
        tally.sent(hour)
    else:
        tally.refuse(answer.why, hour)
    return answer


def check(caller: Caller, code: str, challenge_id: str | None = None) -> Challenge | Answer:
    """One try to answer a challenge; the approved challenge, or why it is not."""
    tally = caller.world.party(caller.party)
    try:
        return services.verify_code(
            phone=caller.phone, code=code, client=caller.client, challenge_id=challenge_id, device=caller.device
        )
    except Limited as limited:
        tally.refuse(limited.limit, caller.world.hour)
        return Answer(why=limited.limit, retry_after=limited.retry_after or 0)
    except InvalidOrExpiredCode:
        tally.comparisons += _was_compared(caller.phone)
        return Answer(why=CLOSED)


def _was_compared(phone: str) -> bool:
    """Callers are told the same whether the code was wrong or there was none to compare with; time stands still."""
    return ChallengeRow.objects.filter(phone=phone, checked_at=clock.milliseconds()).exists()


def _ask(caller: Caller, challenge_id: str | None, proof: str | None) -> Answer:
    tally = caller.world.party(caller.party)
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
            return Answer(why=PROOF)
        tally.proofs_solved += 1
        return _ask(caller, challenge_id, _solve(required.altcha))
    except Limited as limited:
        return Answer(why=limited.limit, retry_after=limited.retry_after or 0)
    except InvalidOrExpiredCode:
        return Answer(why=CLOSED)
    return Answer(grant, memory.outbox.pop().code)


def _solve(task: Mapping[str, Any]) -> str:
    """As the ALTCHA widget does it."""
    challenge = altcha.Challenge.from_dict(dict(task))
    solution = cast("altcha.Solution", altcha.solve_challenge(challenge))  # None after 90 s, of cost 1 never
    payload = {"challenge": challenge.to_dict(), "solution": solution.to_dict()}
    return base64.b64encode(json.dumps(payload).encode()).decode()
