"""Keep the rulings in force in the process for some seconds, so that a send costs no query of its own."""

import logging
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from threading import Lock

from django.db import Error, router
from django.db.models import Q

from ..db import clock
from ..models import BlockRow
from ..phones import Phone

KEPT_MS = 10_000
logger = logging.getLogger("otp_app.rulings")


class _Kept:
    """Hold the rulings by subject, and when they were read."""

    rows: dict[str, BlockRow] = {}  # noqa: RUF012  (replaced, never changed)
    read_at: int | None = None
    lock = Lock()


def in_force() -> dict[str, BlockRow]:
    """Return the rulings in force by subject: those read last, if the database fails."""
    now = clock.milliseconds()
    with _Kept.lock:
        if _Kept.read_at is None or not 0 <= now - _Kept.read_at < KEPT_MS:
            try:
                _Kept.rows = {row.subject: row for row in read(now)}
            except Error as error:  # nobody is refused, or let in, because it fails
                logger.error("rulings could not be read: %s", type(error).__name__)  # noqa: TRY400  (no traceback)
            _Kept.read_at = now
    return {subject: row for subject, row in _Kept.rows.items() if row.until is None or row.until > now}


def read(now: int) -> Iterator[BlockRow]:
    """Yield the rulings in force from the database, of each subject the newest last."""
    rows = BlockRow.objects.using(router.db_for_write(BlockRow)).filter(lifted_at=None)
    yield from rows.filter(Q(until=None) | Q(until__gt=now)).order_by("since", "pk")


def forget() -> None:
    """Have the rulings read anew by the next send of this process."""
    _Kept.read_at = None


def concerning(phone: Phone, client: str | None) -> list[BlockRow]:
    """Return the rulings that concern a send, for each kind of subject the widest first."""
    rows = in_force()
    if not rows:
        return []
    wanted = [f"region {phone.region}", *(f"prefix {phone[:length]}" for length in range(2, len(phone)))]
    found = [rows[subject] for subject in (*wanted, f"phone {phone}") if subject in rows]
    return [*found, *_of_networks(rows, client)]


def _of_networks(rows: dict[str, BlockRow], client: str | None) -> list[BlockRow]:
    """Return the rulings on networks of a client; none for a client that is no address, as ``unknown``."""
    try:
        address = ip_address((client or "").partition("/")[0])
    except ValueError:
        return []
    networks = {ip_network(subject[8:]): row for subject, row in rows.items() if subject.startswith("network ")}
    around = [network for network in networks if address in network]
    return [networks[network] for network in sorted(around, key=lambda network: network.prefixlen)]
