"""Open challenges until its database is gone, or counts them: ``python -m tests.torture.sender [FIRST FILE…]``.

Each file is for one process, which notes there the status of every challenge that it was told, by its id: opened, and
every third of them approved.
"""

import itertools
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import django
from django.db import DatabaseError

from otp_app import stores
from otp_app.challenges import Status
from tests.asking import check, open_one, sending
from tests.factories import new_challenge


def main():
    django.setup()
    if len(sys.argv) == 1:
        print(json.dumps(used()))
        return
    first = int(sys.argv[1])
    for number, path in enumerate(sys.argv[2:]):
        if not os.fork():
            send(first + number * 100_000, Path(path))
            os._exit(0)
    for _ in sys.argv[2:]:
        os.wait()


def send(first, path):
    """Open one challenge after the other, for numbers from ``first`` on, until the database is gone."""
    store = stores.current()
    with path.open("a", buffering=1) as acknowledged, suppress(DatabaseError):
        for number in itertools.count(first):
            opened = open_one(store, phone=f"+99890{number:07d}").challenge
            acknowledged.write(f"{opened.id} pending\n")
            if not number % 3 and store.close(check(store, opened), Status.APPROVED):
                acknowledged.write(f"{opened.id} approved\n")


def used():
    """Return the usage of the limits that all sends share, by name."""
    limits = [limit for limit in sending(new_challenge()).limits if limit.shared]
    return {usage.limit.name: usage.used for usage in stores.current().usage(limits)}


main()
