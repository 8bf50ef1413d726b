"""Ports of this machine for what the tests start."""

import itertools
import random
import socket

# Below those that a system gives to whoever names none (from 32768 on Linux, from 49152 elsewhere): nobody who
# connects, and no server of another test, comes to have one of these before the program that is meant to listens on it.
_FIRST, _LAST = 10_000, 32_000
# Counted on from a place of chance, so that two runs of the suite at the same time do not meet. Not by the common
# ``random``: it begins anew with each test.
_next = itertools.count(random.SystemRandom().randrange(_LAST - _FIRST))


def free_port() -> int:
    """One that nobody listens on, and that this process has not been given before."""
    for number in _next:
        with socket.socket() as probe:
            # As servers do it: a connection that has ended does not make its port a taken one.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port := _FIRST + number % (_LAST - _FIRST)))
            except OSError:
                continue
            return port
    raise AssertionError("the numbers do not end")
