"""Run a PgBouncer that lends connections for one transaction each."""

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests import debian
from tests.ports import free_port

PATIENCE = 60  # seconds

# Fewer connections than threads, used in turn, so that no code gets the same connection twice in a row by luck, as it
# would from an idle PgBouncer. PgBouncer cannot pass on ``options``, by which the suite makes PL/pgSQL strict.
_SETTINGS = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
min_pool_size = 4
server_round_robin = 1
max_client_conn = 400
ignore_startup_parameters = options
"""


def find():
    """Return the path of the program, which Debian keeps in /usr/sbin; "" if there is none."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or ""


def install():
    """Install Debian's package. Return the path; "" if that failed."""
    return find() if debian.install("pgbouncer") else ""


@contextmanager
def running(url):
    """Run a PgBouncer in front of the PostgreSQL at ``url``, and give its address."""
    server = {name: value for name, value in conninfo_to_dict(url).items() if name != "dbname"}
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="otp-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        file = Path(folder, "pgbouncer.ini")
        file.write_text(_SETTINGS.format(server=" ".join(f"{k}={v}" for k, v in server.items()), port=port))
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen([find(), *_as_user(server), file], stdout=log, stderr=log)
        try:
            address = urlsplit(url)._replace(netloc=f"{server.get('user', '')}@127.0.0.1:{port}", query="").geturl()
            _wait_for(address, lambda: Path(folder, "log").read_text())
            yield address
        finally:
            process.terminate()
            process.wait()


def _as_user(server):
    """Return the option for another user if we are root, which PgBouncer refuses: the owner of the server's socket."""
    if os.geteuid():
        return []
    host = Path(server.get("host", ""))
    return ["--user", host.owner() if host.is_absolute() else "nobody"]


def _wait_for(address, log):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert time.monotonic() < until, log()
            time.sleep(0.05)
        else:
            return
