"""What is measured: the bare views, our service on its stores, and the peers."""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.ports import free_port

from .peers import Peer
from .people import People, phones
from .processes import Server, environment, manage
from .requests import Request
from .servers import PostgreSQL, Valkey

# Every limit is in force, none is reached.
_AMOUNTS = dict.fromkeys(
    (
        *("UNCONVERTED_PER_PREFIX_DAY", "SENDS_PER_PREFIX_DAY", "UNCONVERTED_PER_SUBNET_DAY"),
        *("UNCONVERTED_PER_NETWORK_DAY", "UNCONVERTED_PER_REGION_DAY", "UNCONVERTED_OF_STRANGERS_DAY"),
        "CHECKS_PER_CLIENT_HOUR",
    ),
    10**8,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Hold requests of one kind; ``make(count)`` returns that many, each of another person."""

    name: str
    make: Callable[[int], list[Request]]
    expected: int = 200


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    server: Server
    steps: tuple[Step, ...]


def bare(folder: Path, database_url: str, redis_url: str) -> Subject:
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings", "REDIS_URL": redis_url}
    server = _service(folder / "bare", migrated=False, DATABASE_URL=database_url, **settings)
    asks = {
        "DRF view": "drf",
        "asks as Redis send": "redis-send",
        "asks as Redis verify": "redis-verify",
        "asks as SQL send": "sql-send",
        "asks as SQL verify": "sql-verify",
    }
    plain = Step("Django view", lambda count: [Request("GET", "/django/")] * count)
    return Subject("bare", server, (plain, *(Step(name, partial(_echoes, path)) for name, path in asks.items())))


def _echoes(path: str, count: int) -> list[Request]:
    return [Request("POST", f"/{path}/", json.dumps({"phone": phone})) for phone in phones(count)]


def ours(folder: Path, name: str, database_url: str, **values: str) -> Subject:
    server = _service(folder / name.replace(" ", "-"), DATABASE_URL=database_url, **values)
    people = People(server.port, server.outbox, database_url)
    refused = Step("refused send", people.hasty, 429)
    steps = (Step("send", people.sends), refused, Step("verify", people.verifies), Step("me", people.mine))
    return Subject(name, server, steps)


def _service(at: Path, *, migrated: bool = True, **values: str) -> Server:
    """Return a server that runs ``python -m otp_project`` as production runs it, with two processes."""
    port = free_port()
    settings = settings_of(at, PORT=str(port), **values)
    if migrated:
        manage(settings, "migrate", "--verbosity", "0", "--skip-checks")
    return Server(at.name, [sys.executable, "-m", "otp_project"], settings, port)


def settings_of(at: Path, **values: str) -> dict[str, str]:
    """Return the environment of a service whose messages go to ``at``.outbox."""
    outbox = at.with_suffix(".outbox")
    provider = {"ALIAS": "outbox", "BACKEND": "benchmarks.outbox.OutboxProvider", "OPTIONS": {"path": str(outbox)}}
    return environment(
        outbox,
        SECRET_KEY=secrets.token_hex(32),
        DEBUG="0",
        WEB_CONCURRENCY="2",
        LOG_LEVEL="WARNING",
        STATIC_ROOT=str(at.parent),  # else static files would be collected into the checkout
        OTP_TRUSTED_PROXIES="1",
        OTP_PROVIDER_CALLS="16",  # as many as threads: by default half of them are kept free for verify
        OTP_ALLOWED_REGIONS="UZ",
        OTP_PROVIDERS=json.dumps([provider]),
        **{f"OTP_{name}": str(amount) for name, amount in _AMOUNTS.items()},
        **values,
    )


def peer(folder: Path, one: Peer, number: int, postgresql: PostgreSQL, valkey: Valkey) -> Subject:
    installed = Path(__file__).with_name(".peers") / one.NAME
    installed.mkdir(parents=True, exist_ok=True)
    one.install(installed)
    port, url = free_port(), postgresql.create(f"peer_{number}")
    values = environment(folder / f"{one.NAME}.outbox", DATABASE_URL=url, REDIS_URL=valkey.url, PORT=str(port))
    one.prepare(installed, values)
    server = Server(one.NAME, one.command(installed, port), values, port)
    written = People(port, server.outbox, url)

    def sends(count: int) -> list[Request]:
        found = phones(count)
        one.users(url, found)
        return [one.send(phone) for phone in found]

    def verifies(count: int) -> list[Request]:
        return [one.verify(line) for line in written.lines()][:count]

    return Subject(one.NAME, server, (Step("send", sends, one.SENT), Step("verify", verifies, one.VERIFIED)))
