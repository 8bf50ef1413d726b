"""Run the WSGI application under granian, and read bodies so that slow clients cannot use up its threads.

granian's own WSGI mode starts a thread before the body has arrived, so a client that stops in the middle of a body
holds a thread as long as it likes, and a few dozen such clients hold all. Here the event loop reads the body, and a
waiting client costs only its socket: a half-sent body is refused after 10 s, and a body that is too long for its path
is dropped. Only whole requests reach the threads that run Django.
"""

import asyncio
import gc
import io
import signal
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest

from .bodies import max_bytes
from .wsgi import application

BODY_TIMEOUT_SECONDS = 10
MAX_READ_BYTES = 1024 * 1024  # a body too long for its path is read so far, so that its sender reads the refusal
SHORT_BODY_BYTES = 16 * 1024
MAX_LONG_BODIES = 32  # of more than SHORT_BODY_BYTES, which few paths allow; a process holds no more at once

Headers = list[tuple[str, str]]
_CLOSE = [("connection", "close")]  # or the rest of a body would be read as the next request

# Requests wait for other servers often enough to let each other work; switching threads as often as Python does by
# default only costs processor time. Loaded modules stay, so the garbage collector need not examine them again.
sys.setswitchinterval(0.05)  # seconds
gc.collect()
gc.freeze()
gc.set_threshold(10_000)

_long = asyncio.Semaphore(MAX_LONG_BODIES)
_threads = ThreadPoolExecutor(settings.THREADS, thread_name_prefix="web")
_base: dict[str, Any] = {
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "SCRIPT_NAME": "",
    "SERVER_SOFTWARE": "granian",
}


async def app(scope: Any, protocol: Any) -> None:
    """Answer a request, as RSGI asks: https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md."""
    async with AsyncExitStack() as places:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await _read_body(scope, protocol, places)
        except TimeoutError:
            return _refuse(protocol, 408)
        except EOFError:
            return _refuse(protocol, 400)
        if body is None and not scope.path.startswith("/api/"):  # the API answers with problem details
            return _refuse(protocol, 413)
        loop = asyncio.get_running_loop()
        status, headers, content = await loop.run_in_executor(_threads, _run_django, _environ(scope, body))
        protocol.response_bytes(status, [*headers, *(_CLOSE if body is None else ())], content)
    return None


def _begin(loop: asyncio.AbstractEventLoop) -> None:
    """Unblock SIGTERM, which ``__main__`` has blocked, as soon as the loop runs."""
    loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, [signal.SIGTERM])


app.__rsgi_init__ = _begin  # type: ignore[attr-defined]  # where RSGI looks for it


async def _read_body(scope: Any, protocol: Any, places: AsyncExitStack) -> bytes | None:
    """Read the whole body; return None when it is too long, raise EOFError when the client went away in the middle.

    A chunked body that breaks off looks like its end; unless its JSON is complete, the parser refuses it.
    """
    length = scope.headers.get("content-length")
    if length is None and "transfer-encoding" not in scope.headers:
        return b""
    if length is not None and int(length) > MAX_READ_BYTES:
        return None
    body, size, limit = bytearray(), 0, max_bytes(scope.path)
    async for chunk in protocol:
        size += len(chunk)
        if size > MAX_READ_BYTES:
            return None
        if size - len(chunk) <= SHORT_BODY_BYTES < min(size, limit):
            await places.enter_async_context(_long)
        if size <= limit:
            body += chunk
        else:
            body.clear()
    if length is not None and size < int(length):
        raise EOFError
    return bytes(body) if size <= limit else None


def _refuse(protocol: Any, status: int) -> None:
    """Refuse a request and close its connection, without asking Django."""
    protocol.response_empty(status, [*_CLOSE, ("content-length", "0")])


def _environ(scope: Any, body: bytes | None) -> dict[str, Any]:
    """Make PEP 3333's dictionary, with texts as bytes read as Latin-1; drop a body that is too long.

    The path arrives decoded and must not be decoded again.
    """
    client, _, _ = scope.client.rpartition(":")
    host, _, port = scope.server.rpartition(":")
    environ = _base | {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": client.strip("[]"),
        "CONTENT_LENGTH": str(max_bytes(scope.path) + 1 if body is None else len(body)),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body or b""),
    }
    for name in scope.headers:
        # A name with an underscore could pass for one with a hyphen that a proxy in front has set or removed.
        if "_" not in name and name != "content-length":
            key = "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")
            environ[key] = ("; " if name == "cookie" else ",").join(scope.headers.get_all(name))
    return environ


def _run_django(environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    """Return the status, headers and content of Django's answer; 400 if Django cannot make a request of the headers."""
    status, headers = 500, Headers()

    def start_response(line: str, fields: Headers, _exc_info: Any = None) -> Callable[[bytes], object]:
        nonlocal status, headers
        status, headers = int(line.split(" ", 1)[0]), fields
        return _no_write

    try:
        chunks: Iterable[bytes] = application(environ, start_response)
    except (ValueError, BadRequest):
        return 400, [("content-length", "0")], b""
    try:
        content = b"".join(chunks)
    finally:
        if close := getattr(chunks, "close", None):
            close()
    return status, headers, content


def _no_write(_data: bytes) -> None:
    """Refuse to write: PEP 3333 asks for a writer for old frameworks, and dropping the data would hide a mistake."""
    raise NotImplementedError("Django returns its content")
