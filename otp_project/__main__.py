"""Run the service under granian: ``python -m otp_project``.

In development it also migrates and prints its address. In production it collects the static files, unless STATIC_ROOT
is set, and prints what it runs with.
"""

import io
import os
import resource
import signal
import socket
import sys
from functools import partial

MAX_HEADER_BYTES = 16 * 1024  # the address included
MAX_CONNECTIONS = 4096  # of a process; an idle one costs a few KB, and further ones wait
RESERVED_FILES = 256  # that a process opens for databases, providers and static files


def main() -> None:
    """Serve until a signal ends it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    try:
        django.setup()
        from django.conf import settings

        from . import startup
        from .environment import text

        _refuse_taken_port(settings.HOST, settings.PORT)
        call_command("check", deploy=not settings.DEBUG, stdout=io.StringIO())  # warnings go to stderr
        if settings.DEBUG:
            call_command("migrate", verbosity=0, skip_checks=True)
            _close_connections()
        elif not text("STATIC_ROOT"):
            _collect_static()
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"open {startup.address()}/\n" if settings.DEBUG else f"{startup.line()}\n")
    sys.stdout.flush()
    _serve()


def _refuse_taken_port(host: str, port: int) -> None:
    """End the program if another one listens on the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with PORT=8001.")


def _collect_static() -> None:
    """Collect the static files; if they cannot be written, warn that they keep their plain names."""
    from django.core.management import call_command

    try:
        call_command("collectstatic", interactive=False, verbosity=0, skip_checks=True)
    except OSError as error:
        sys.stderr.write(f"Static files keep their plain names, so browsers cannot cache them for long: {error}\n")


def _close_connections() -> None:
    """Close all connections before forking, because two processes on one connection read each other's answers."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if connection.vendor == "postgresql":
            connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend only


def _serve() -> None:
    """Run granian until a signal ends it."""
    from django.conf import settings
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    # A process whose loop does not run yet would lose the signal to end, so the signal waits (see server._begin).
    os.register_at_fork(after_in_child=partial(signal.pthread_sigmask, signal.SIG_BLOCK, [signal.SIGTERM]))
    Granian(
        "otp_project.server:app",
        address=settings.HOST,
        port=settings.PORT,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,  # HTTP/2 is for the proxy in front, which also speaks TLS
        workers=settings.WEB_CONCURRENCY,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        websockets=False,
        backpressure=_connections(),
        log_level=LogLevels.warning,
        http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=MAX_HEADER_BYTES),  # ms
    ).serve()


def _connections() -> int:
    """Return how many connections a process accepts, within its limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, files - RESERVED_FILES))


if __name__ == "__main__":
    main()
