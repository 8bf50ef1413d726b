"""What a sign-in costs when the tables are full, and whether they stay in shape: ``python -m benchmarks.growth``.

Two services on PostgreSQL play the same, one on little, one on much: users, dead challenges, live counters. Then the
full one is purged while people sign in, and the counters in which all requests meet are looked at.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from . import load, servers, subjects
from .phases import Meters
from .processes import ROOT
from .subjects import Subject

CONNECTIONS = 8
DAY = 24 * 3600 * 1000  # milliseconds
FEW = 10_000

FILL = (
    """INSERT INTO otp_app_user (phone, full_name, language, password, is_superuser, is_staff, is_active, date_joined)
    SELECT '+99891' || lpad(n::text, 8, '0'), '', '', '!', false, false, true, now()
    FROM generate_series(1, {users}) AS n""",
    """INSERT INTO otp_app_challenge (id, nonce, key_id, phone, purpose, language, channel, length, ttl, checks,
    checks_left, phone_checks_left, sends_left, device, status, created_at, expires_at, checked_at, closed_at, sent_at,
    charges) SELECT gen_random_uuid(), md5(n::text), '0', '+99891' || lpad((n % {users})::text, 8, '0'), 'login', 'en',
    'sms', 6, 300, 5, 4, 3, 2, '', 'approved', at, at + 300000, at, at, jsonb_build_array(at), '[]'
    FROM (SELECT n, {now} - 2 * {day} - n % {day} AS at FROM generate_series(1, {challenges}) AS n) AS made""",
    """INSERT INTO otp_app_key_counter (key, newest, rings, blocked_until, expires_at)
    SELECT gen_random_uuid(), ARRAY[{now} / 150000], array_fill(1, ARRAY[25]), 0, {now} + {day}
    FROM generate_series(1, {counters}) AS n""",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="users, and as many dead challenges")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=600, help="requests of each kind and round")
    arguments = parser.parse_args()
    load.require()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otp-bench-")))
        postgresql = stack.enter_context(servers.postgresql())
        meters = Meters(postgresql, stack.enter_context(servers.redis()))
        little, much = postgresql.create("little"), postgresql.create("much")
        both = [subjects.ours(folder, "little", little), subjects.ours(folder, "much", much)]
        for subject in both:
            stack.callback(subject.server.stop)
        fill(little, FEW, FEW, FEW)
        fill(much, arguments.rows, arguments.rows, arguments.rows // 10)
        compare(meters, both, arguments.rounds, arguments.count)
        look_at_counters(much)
        purge_under_load(meters, both[1], much, arguments.count)


def fill(url: str, users: int, challenges: int, counters: int) -> None:
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL:
            now = int(time.time() * 1000)
            values = {"users": users, "challenges": challenges, "counters": counters, "now": now, "day": DAY}
            connection.execute(statement.format(**values))
        connection.execute("VACUUM ANALYZE")
    print(
        f"{users:,} users, {challenges:,} dead challenges, {counters:,} live counters: {time.monotonic() - began:.0f} s"
    )


def compare(meters: Meters, both: list[Subject], rounds: int, count: int) -> None:
    """Round by round in turn, each first in every other; medians of the ratios."""
    ratios: dict[str, list[tuple[float, ...]]] = {}
    for number in range(-1, rounds):
        for step in range(2):
            order = both if number % 2 else both[::-1]
            samples = {subject.name: meters.play(subject, subject.steps[step], count, CONNECTIONS) for subject in order}
            pairs = zip(samples["much"], samples["little"], strict=True)
            if number >= 0:  # the first warms up
                name = both[0].steps[step].name
                ratios.setdefault(name, []).append(tuple(much / max(little, 1e-9) for much, little in pairs))
    print("much / little     req/s    p50    p99   service  PostgreSQL   (medians of processor time for the last two)")
    for name, each in ratios.items():
        medians = [statistics.median(column) for column in zip(*each, strict=True)]
        print(f"{name:<14}" + "".join(f"{value:9.2f}" for value in medians[:5]))


def look_at_counters(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row: Any = connection.execute("""
            SELECT n_tup_upd, n_tup_hot_upd, n_live_tup, n_dead_tup, pg_size_pretty(pg_table_size(relid)),
            pg_size_pretty(pg_indexes_size(relid)) FROM pg_stat_user_tables WHERE relname = 'otp_app_key_counter'
        """).fetchone()
    updates, hot, live, dead, size, indexes = row
    print(f"counters: {updates:,} updates, {100 * hot / max(updates, 1):.1f} % in place (HOT); {live:,} rows,")
    print(f"          {dead:,} dead versions waiting for vacuum; {size}, indexes {indexes}")


def purge_under_load(meters: Meters, subject: Subject, url: str, count: int) -> None:
    """How fast it deletes, and what people who sign in meanwhile notice of it."""
    quiet = meters.play(subject, subject.steps[0], count, CONNECTIONS)
    with psycopg.connect(url, autocommit=True) as connection:
        dead = _count(connection)
        command = [sys.executable, "manage.py", "otp_purge"]
        with subprocess.Popen(command, cwd=ROOT, env=subject.server.environment, stdout=subprocess.DEVNULL) as purge:
            threading.Timer(30, purge.terminate).start()
            began, before = time.monotonic(), _count(connection)
            busy = meters.play(subject, subject.steps[0], count, CONNECTIONS)
            purge.wait()
        took = time.monotonic() - began
        gone = (before - _count(connection)) / took
    print(
        f"purge: {gone:,.0f} of {dead:,} dead challenges a second, for {took:.0f} s; ms of sends meanwhile (and else):"
    )
    print(f"       p50 {busy.p50:.0f} ({quiet.p50:.0f}), p99 {busy.p99:.0f} ({quiet.p99:.0f})")


def _count(connection: psycopg.Connection[Any]) -> int:
    now = int(time.time() * 1000)
    found: Any = connection.execute(
        "SELECT count(*) FROM otp_app_challenge WHERE expires_at < %s", [now - DAY]
    ).fetchone()
    return int(found[0])


if __name__ == "__main__":
    main()
