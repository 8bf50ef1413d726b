"""Plays a phase of one subject, and reads what all that works for it has used."""

from . import load
from .report import Sample
from .servers import PostgreSQL, Valkey
from .subjects import Step, Subject

COUNTED = 20  # requests whose statements are counted


class Meters:
    """What a phase has used, of all that works for it."""

    def __init__(self, postgresql: PostgreSQL, valkey: Valkey) -> None:
        self._postgresql = postgresql
        self._valkey = valkey

    def play(self, subject: Subject, step: Step, count: int, connections: int) -> Sample:
        requests = step.make(count)
        before = self._read(subject)
        outcome = load.play(subject.server.port, requests, connections, step.expected)
        used = [(after - was) * 1000 / len(requests) for was, after in zip(before, self._read(subject), strict=True)]
        return Sample(len(requests) / outcome.seconds, outcome.p50, outcome.p99, *used)

    def statements(self, subject: Subject, step: Step) -> tuple[float, float, float]:
        """Per request: SQL statements without transaction control, with it, and what Valkey was asked."""
        requests = step.make(COUNTED)
        asked = self._valkey.reads()
        with self._postgresql.listened() as heard:
            load.play(subject.server.port, requests, 1, step.expected)
        asked = self._valkey.reads() - asked - 1  # the last look itself
        own = sum(not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")) for statement in heard)
        return own / len(requests), len(heard) / len(requests), asked / len(requests)

    def _read(self, subject: Subject) -> tuple[float, float, float]:
        return subject.server.cpu(), self._postgresql.cpu(), self._valkey.cpu()
