"""Read challenges from rows of either database."""

from ..challenges import Challenge
from ..models import ChallengeRow
from . import wire


def get(alias: str, challenge_id: str) -> Challenge | None:
    """Return the challenge as it stands, dead or alive."""
    rows = ChallengeRow.objects.using(alias).filter(id=challenge_id)
    return next(map(challenge_of, rows), None)


def challenge_of(row: ChallengeRow) -> Challenge:
    return wire.challenge_of({name: getattr(row, name) for name in (*wire.MEMBERS, "taken")})
