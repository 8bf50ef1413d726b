"""Find free ports for the programs that tests start."""

import itertools
import random
import socket

# Below the ports that a system assigns itself (from 32768 on Linux, from 49152 elsewhere), so that no connection and no
# other server gets one of these before the program that is meant to listen on it.
_FIRST, _LAST = 10_000, 32_000
# Counted from a random start, so that two runs of the suite at the same time do not meet. Not by the module
# ``random``, because its seed is reset for each test.
_next = itertools.count(random.SystemRandom().randrange(_LAST - _FIRST))


def free_port() -> int:
    """Return a port that nobody listens on and that this process has not got before."""
    for number in _next:
        with socket.socket() as probe:
            # As servers do: a port whose last connection has ended counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port := _FIRST + number % (_LAST - _FIRST)))
            except OSError:
                continue
            return port
    raise AssertionError("the numbers do not end")
