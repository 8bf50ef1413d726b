"""Log requests for hosts that are not in ALLOWED_HOSTS, without letting strangers fill the log."""

import logging
import time

MOST = 10  # lines of a process in a PERIOD
PERIOD = 60  # seconds
LONGEST = 100  # characters of a host that are shown


class RefusedHosts(logging.Filter):
    """Pass one short line for each refused host, instead of a traceback for each request."""

    def __init__(self) -> None:
        super().__init__()
        self._since = -float(PERIOD)
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the host is to be told of, and shorten the record to a line that names it and ALLOWED_HOSTS."""
        now = time.monotonic()
        if now - self._since >= PERIOD:
            self._since, self._told = now, set()
        meta = record.request.META  # type: ignore[attr-defined]  # Django puts the request there
        host = meta.get("HTTP_HOST", meta["SERVER_NAME"])[:LONGEST]
        if host in self._told or len(self._told) >= MOST:
            return False
        self._told.add(host)
        # Whoever asks has written the host: as %r writes it, it stays one line.
        record.msg, record.args = "refused a request for the host %r, which is not in ALLOWED_HOSTS", (host,)
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True
