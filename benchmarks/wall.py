"""The counters in which all requests meet, as the wall that they are: ``python -m benchmarks.wall``.

Processes open challenges in the SQL store as fast as they can, on PostgreSQL, with those counters and without. With
them each waits for the commit of the one before.
"""

import argparse
import itertools
import multiprocessing
import os
import time
from dataclasses import replace
from typing import Any

from . import servers

_PHONES = 4_000_000  # that a run may take from: none is asked for twice
_runs = itertools.count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with servers.postgresql() as postgresql:
        os.environ |= {"DATABASE_URL": postgresql.create("wall"), "DJANGO_SETTINGS_MODULE": "otp_project.settings"}
        os.environ |= {"SECRET_KEY": "abcde" * 10, "ENV_FILE": os.devnull, "LOG_LEVEL": "WARNING", "DEBUG": "0"}
        buckets = ("PREFIX", "SUBNET", "NETWORK", "REGION")
        os.environ |= {f"OTP_UNCONVERTED_PER_{bucket}_DAY": str(10**8) for bucket in buckets}
        os.environ |= {"OTP_UNCONVERTED_OF_STRANGERS_DAY": str(10**8), "OTP_SENDS_PER_PREFIX_DAY": str(10**8)}
        _in_another_process(_migrate)
        print(f"{'at once':>8} {'as it is':>10} {'without':>10}   sends a second")
        for count in (1, 4, 16):
            rates: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(arguments.rounds):
                for shared in (True, False):
                    rates[shared].append(_rate(count, arguments.seconds, shared=shared))
            middle = {shared: sorted(found)[len(found) // 2] for shared, found in rates.items()}
            print(f"{count:>8} {middle[True]:>10,.0f} {middle[False]:>10,.0f}")


def _in_another_process(target: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(target=target)
    process.start()
    process.join()


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, skip_checks=True)


def _rate(count: int, seconds: int, *, shared: bool) -> float:
    context, first = multiprocessing.get_context("spawn"), next(_runs) * _PHONES
    with context.Pool(count) as pool:
        opened = pool.starmap(_open, [(first + number, seconds, shared) for number in range(count)])
    return sum(opened) / seconds


def _open(first: int, seconds: int, shared: bool) -> int:
    import django

    django.setup()
    from otp_app import stores
    from otp_app.challenges import codes
    from otp_app.limits import request_limits

    store, opened = stores.current(), 0
    phones = (f"+9989{n:08d}" for n in itertools.count(first, 64))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        phone = next(phones)
        limits = request_limits.for_send(phone, None, checks=5)
        if not shared:
            limits = tuple(limit for limit in limits.limits if not limit.shared)
            limits = replace(limits, limits=limits, conversion=None)
        challenge = codes.new_challenge("", phone, "login", "uz", "sms", "")
        store.open(challenge, limits)
        opened += 1
    return opened


if __name__ == "__main__":
    main()
