"""Run the WSGI application under granian, behind a reader of bodies that cannot be starved.

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

from .bodies import most
from .wsgi import application

BODY_TIMEOUT = 10  # seconds
BODY_READ = 1024 * 1024  # bytes; what its path may not take is dropped, and who sends it reads why
BODY_SHORT = 16 * 1024  # bytes; of longer ones, which few paths take, only so many are kept at once:
LONG_BODIES = 32

Headers = list[tuple[str, str]]
_CLOSE = [("connection", "close")]  # what is left of a body would be read as the next request

# A request waits for other servers all the time, and others work meanwhile: to interrupt it as often as Python does by
# itself only costs processor time. What is loaded stays, so the collector need not look at it again and again.
sys.setswitchinterval(0.05)  # seconds
gc.collect()
gc.freeze()
gc.set_threshold(10_000)

_long = asyncio.Semaphore(LONG_BODIES)
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
            async with asyncio.timeout(BODY_TIMEOUT):
                body = await _read(scope, protocol, places)
        except TimeoutError:
            return _refuse(protocol, 408)
        except EOFError:
            return _refuse(protocol, 400)
        if body is None and not scope.path.startswith("/api/"):  # the API refuses in words of its own
            return _refuse(protocol, 413)
        loop = asyncio.get_running_loop()
        status, headers, content = await loop.run_in_executor(_threads, _run, _environ(scope, body))
        protocol.response_bytes(status, [*headers, *(_CLOSE if body is None else ())], content)
    return None


def _begin(loop: asyncio.AbstractEventLoop) -> None:
    """Hear the signal to end, which ``__main__`` has kept back, as soon as the loop runs."""
    loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, [signal.SIGTERM])


app.__rsgi_init__ = _begin  # type: ignore[attr-defined]  # where RSGI looks for it


async def _read(scope: Any, protocol: Any, places: AsyncExitStack) -> bytes | None:
    """Read the whole body; None when it is too long, EOFError when the client went away in the middle of it.

    A chunked body that breaks off just ends here; the JSON in it is whole, or it is refused as none.
    """
    length = scope.headers.get("content-length")
    if length is None and "transfer-encoding" not in scope.headers:
        return b""
    if length is not None and int(length) > BODY_READ:
        return None
    body, size, longest = bytearray(), 0, most(scope.path)
    async for chunk in protocol:
        size += len(chunk)
        if size > BODY_READ:
            return None
        if size - len(chunk) <= BODY_SHORT < min(size, longest):
            await places.enter_async_context(_long)
        if size <= longest:
            body += chunk
        else:
            body.clear()
    if length is not None and size < int(length):
        raise EOFError
    return bytes(body) if size <= longest else None


def _refuse(protocol: Any, status: int) -> None:
    """Refuse without asking Django."""
    protocol.response_empty(status, [*_CLOSE, ("content-length", "0")])


def _environ(scope: Any, body: bytes | None) -> dict[str, Any]:
    """Make PEP 3333's dictionary: texts are bytes read as Latin-1; of a body that is too long there is only that it is.

    The path comes decoded; twice would be once too often.
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
        "CONTENT_LENGTH": str(most(scope.path) + 1 if body is None else len(body)),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body or b""),
    }
    for name in scope.headers:
        # A name with an underscore could pass for one with a hyphen that a proxy in front has set or removed.
        if "_" not in name and name != "content-length":
            key = "CONTENT_TYPE" if name == "content-type" else "HTTP_" + name.upper().replace("-", "_")
            environ[key] = ("; " if name == "cookie" else ",").join(scope.headers.get_all(name))
    return environ


def _run(environ: dict[str, Any]) -> tuple[int, Headers, bytes]:
    status, headers = 500, Headers()

    def start_response(line: str, fields: Headers, _exc_info: Any = None) -> Callable[[bytes], object]:
        nonlocal status, headers
        status, headers = int(line.split(" ", 1)[0]), fields
        return _no_write

    try:
        chunks: Iterable[bytes] = application(environ, start_response)
    except (ValueError, BadRequest):  # headers that Django cannot even make a request of
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
