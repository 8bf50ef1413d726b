"""What a sign-in costs, beside views that do nothing, in one run: ``make bench``. See docs/performance.md."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from . import load, report, servers, subjects
from .peers import PEERS
from .report import Results, Sample
from .servers import PostgreSQL, Valkey
from .subjects import Step, Subject

REQUESTS = {1: 400, 16: 1600, 64: 3200}  # of each kind, over so many connections at once
COUNTED = 20  # requests whose statements are counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1, help="times as many requests")
    parser.add_argument("--peers", action="store_true", default=bool(os.environ.get("PEERS")))
    parser.add_argument("--save", action="store_true", help="put the tables and the plot into docs")
    arguments = parser.parse_args()
    load.require()
    results = Results(rounds=arguments.rounds)
    with ExitStack() as stack:
        postgresql = stack.enter_context(servers.postgresql())
        valkey = stack.enter_context(servers.redis())
        meters = Meters(postgresql, valkey)
        found = list(_started(stack, postgresql, valkey, peers=arguments.peers))
        for number in range(-1, arguments.rounds):  # the first warms everything up and is not counted
            for connections, count in REQUESTS.items():
                for subject in found:
                    some = int(count * arguments.scale) if number >= 0 else 100
                    for step in subject.steps:
                        sample = meters.play(subject, step, some, connections)
                        if number >= 0:
                            results.add(subject.name, step.name, connections, sample)
                    print(f"round {number + 1}, {connections} connections: {subject.name}", file=sys.stderr)
        for subject in found:
            results.describe(subject.name, subject.server.started_in, subject.server.memory())
            for step in subject.steps:
                results.count(subject.name, step.name, meters.statements(subject, step))
    report.show(results, save=arguments.save)


def _started(stack: ExitStack, postgresql: PostgreSQL, valkey: Valkey, *, peers: bool) -> Iterator[Subject]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otp-bench-")))

    def stopped(subject: Subject) -> Subject:
        stack.callback(subject.server.stop)
        return subject

    yield stopped(subjects.bare(folder))
    yield stopped(subjects.ours(folder, "PostgreSQL", postgresql.create("ours_sql")))
    yield stopped(subjects.ours(folder, "Redis", postgresql.create("ours_redis"), REDIS_URL=valkey.url))
    yield stopped(subjects.ours(folder, "SQLite", f"sqlite:///{folder}/ours.sqlite3"))
    for number, peer in enumerate(PEERS if peers else []):
        yield stopped(subjects.peer(folder, peer, number, postgresql, valkey))


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


if __name__ == "__main__":
    main()
