"""Log requests for hosts that are not in ALLOWED_HOSTS, without letting strangers fill the log."""

import logging
import time

PERIOD_SECONDS = 60
MAX_LINES = 10  # of a process in a period
MAX_HOST_CHARACTERS = 100  # that are logged


class RefusedHosts(logging.Filter):
    """Pass one short line for each refused host, instead of a traceback for each request."""

    def __init__(self) -> None:
        super().__init__()
        self._since = -float(PERIOD_SECONDS)
        self._logged: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass a host once in a period, and shorten its record to a line that names it and ALLOWED_HOSTS."""
        now = time.monotonic()
        if now - self._since >= PERIOD_SECONDS:
            self._since, self._logged = now, set()
        meta = record.request.META  # type: ignore[attr-defined]  # Django puts the request there
        host = meta.get("HTTP_HOST", meta["SERVER_NAME"])[:MAX_HOST_CHARACTERS]
        if host in self._logged or len(self._logged) >= MAX_LINES:
            return False
        self._logged.add(host)
        # A stranger has written the host; %r keeps it in one line.
        record.msg, record.args = "refused a request for the host %r, which is not in ALLOWED_HOSTS", (host,)
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True
