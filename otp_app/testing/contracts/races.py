"""Run one call in many threads at the same instant, each with a database connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


def race(call, times):
    """Return what each of ``times`` simultaneous calls returned or raised."""
    barrier = threading.Barrier(times)

    def one(number):
        barrier.wait()
        try:
            return call(number)
        except Exception as error:  # noqa: BLE001  (the result is what the test looks at)
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))
