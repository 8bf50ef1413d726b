"""Whether a web process keeps its size over a million requests: ``python -m benchmarks.memory``."""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from . import load, servers, subjects

CONNECTIONS = 16
BLOCK = 100_000
SIGN_INS = 3_000  # of each block: as many sends, as many verifies; the rest asks who it is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=10, help=f"of {BLOCK:,} requests")
    arguments = parser.parse_args()
    load.require()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otp-bench-")))
        url = stack.enter_context(servers.postgresql()).create("memory")
        redis = stack.enter_context(servers.redis())
        subject = subjects.ours(folder, "memory", url, REDIS_URL=redis.url)
        stack.callback(subject.server.stop)
        send, verify, me = subject.steps
        for number in range(arguments.blocks + 1):
            sizes = " + ".join(map(str, subject.server.memory()))
            print(f"{number * BLOCK:>9,} requests: {sizes} MB", flush=True)
            if number < arguments.blocks:
                for step, count in ((send, SIGN_INS), (verify, SIGN_INS), (me, BLOCK - 2 * SIGN_INS)):
                    load.play(subject.server.port, step.make(count), CONNECTIONS, step.expected)


if __name__ == "__main__":
    main()
