"""What people use in our place, each deployed as its users would deploy it.

A peer is a module with the functions below. Its project is in ``projects``; whatever is installed for it, and a copy
of that project, goes into a folder of its own, which git ignores.
"""

from pathlib import Path
from typing import Protocol

from benchmarks.peers import allauth, better_auth, drfpasswordless
from benchmarks.requests import Request


class Peer(Protocol):
    """``prepare`` and what ``command`` starts are given DATABASE_URL, REDIS_URL, OUTBOX and PORT as environment.

    OUTBOX is a file; the peer appends a line to it in place of each message, beginning with the phone and a space.
    """

    NAME: str
    SENT: int  # the status that says that a code was sent
    VERIFIED: int  # the status that says that somebody is signed in

    def install(self, folder: Path) -> None: ...

    def prepare(self, folder: Path, environment: dict[str, str]) -> None: ...

    def command(self, folder: Path, port: int) -> list[str]: ...

    def users(self, database_url: str, phones: list[str]) -> None: ...

    def send(self, phone: str) -> Request: ...

    def verify(self, line: str) -> Request: ...


PEERS: list[Peer] = [allauth, drfpasswordless, better_auth]
