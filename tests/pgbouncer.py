"""A PgBouncer of a test's own, that lends connections for a transaction each."""

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

# Fewer connections than there are threads, and each in its turn: whoever relies on having the same one as before, which
# without load PgBouncer mostly gives, does not get it.
# What the suite asks PL/pgSQL to be strict about (``options``) it cannot hand on.
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
    """The path of the program, which Debian keeps where only root looks; "" if there is none."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") or ""


def install():
    """Debian's; the path, "" where it could not be had."""
    return find() if debian.install("pgbouncer") else ""


@contextmanager
def running(url):
    """The address of one in front of the PostgreSQL at this address."""
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
    """It does not want to be root: then who may reach the server's socket, if it is one."""
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
