"""Keep challenges and counters in the project's database: PostgreSQL from 14 on, or SQLite."""

from collections.abc import Mapping

from django.db import connections

from ..challenges import Challenge, Status
from ..db.clock import read_now
from ..db.transactions import require_none
from ..limits.values import RequestLimits
from ..models import ChallengeRow
from . import postgresql, sqlite, wire
from .asking import AskingStore
from .outbox import database
from .purge import purge
from .rows import get
from .wire import Document


class SqlStore(AskingStore):
    """Ask, by default, functions in the database on PostgreSQL, and Python on SQLite."""

    def get(self, challenge_id: str) -> Challenge | None:
        return get(database(), challenge_id)

    def fail(self, challenge: Challenge) -> None:
        """Do nothing: a spent check is a failed one until its challenge is approved."""

    def reopen(self, challenge: Challenge) -> None:
        """Change the row by one conditional statement, on either database."""
        require_none(database())
        kept = wire.increments_in([each for each in challenge.increments if each.sent_at and not each.converts])
        rows = ChallengeRow.objects.using(database()).filter(id=challenge.id, status=Status.APPROVED)
        rows.update(status=Status.PENDING, closed_at=0, taken=kept)

    def settle(self) -> int:
        """Do nothing: whatever the store knows is in the database."""
        return 0

    def set_blocks(self, blocks: Mapping[str, int]) -> None:
        """Do nothing: a send reads blocks from the counters, where they were written."""

    def now(self) -> int:
        return read_now(database())

    def purge(self) -> int:
        return purge(database(), self.now())

    def _ask(self, name: str, asked: Document, request_limits: RequestLimits) -> Document:
        alias = database()
        if connections[alias].vendor == "postgresql":
            return postgresql.answer(alias, name, asked, request_limits)
        return sqlite.answer(alias, name, asked, request_limits)
