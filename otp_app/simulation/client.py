"""Call the real services for actors: count each call, and return an answer instead of raising an error."""

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
    """Answer a request for a message: the grant and its code, or the refusal and the seconds to wait."""

    grant: Grant | None = None
    code: str = ""
    why: str = ""
    retry_after: int = 0


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
        tally.count_sent(hour)
    else:
        tally.count_refused(answer.why, hour)
    return answer


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
            return Answer(why=PROOF)
        tally.proofs_solved += 1
        return _ask(caller, challenge_id, _solve(required.altcha))
    except Limited as limited:
        return Answer(why=limited.limit, retry_after=limited.retry_after or 0)
    except InvalidOrExpiredCode:
        return Answer(why=CLOSED)
    return Answer(grant, memory.outbox.pop().code)


def _solve(task: Mapping[str, Any]) -> str:
    """Solve a proof of work as the ALTCHA widget does."""
    challenge = altcha.Challenge.from_dict(dict(task))
    solution = cast("altcha.Solution", altcha.solve_challenge(challenge))  # None after 90 s, of cost 1 never
    payload = {"challenge": challenge.to_dict(), "solution": solution.to_dict()}
    return base64.b64encode(json.dumps(payload).encode()).decode()
