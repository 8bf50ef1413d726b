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
from .phases import Meters
from .report import Results
from .servers import PostgreSQL, Valkey
from .subjects import Subject

REQUESTS = {1: 400, 16: 1600, 64: 3200}  # of each kind, over so many connections at once


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

    yield stopped(subjects.bare(folder, postgresql.uri, valkey.url))
    yield stopped(subjects.ours(folder, "PostgreSQL", postgresql.create("ours_sql")))
    yield stopped(subjects.ours(folder, "Redis", postgresql.create("ours_redis"), REDIS_URL=valkey.url))
    yield stopped(subjects.ours(folder, "SQLite", f"sqlite:///{folder}/ours.sqlite3"))
    for number, peer in enumerate(PEERS if peers else []):
        yield stopped(subjects.peer(folder, peer, number, postgresql, valkey))


if __name__ == "__main__":
    main()
