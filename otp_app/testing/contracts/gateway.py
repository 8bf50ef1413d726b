"""Run a fake gateway: real HTTP with the answers and failures of a provider's API. It keeps all requests."""

import json
import socket
import struct
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """Hold a request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    body: str

    @property
    def form(self):
        return dict(parse_qsl(self.body, keep_blank_values=True))

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Gateway:
    """Answer by path: ``answers`` maps beginnings of paths to answers, the longest first; ``answer`` is for the rest.

    An answer is (status, body as JSON or text), or (status, body, headers), or a word: "cut" closes without one,
    "reset" with a TCP reset, "hang" waits until ``release`` is set, "drip" sends a byte now and then. A list of answers
    is given one by one, its last one for ever; a function is called with the request. ``delay`` is in seconds.
    """

    answer: object = (200, {})
    answers: dict = field(default_factory=dict)
    delay: float = 0.0
    requests: list = field(default_factory=list)
    connections: int = 0  # that were made
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def asked(self, prefix):
        """Return the requests to paths that begin with the prefix."""
        return [request for request in self.requests if request.path.startswith(prefix)]

    def answer_to(self, asked):
        prefix = max((path for path in self.answers if asked.path.startswith(path)), key=len, default=None)
        answer = self.answer if prefix is None else self.answers[prefix]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer(asked) if callable(answer) else answer


class _Server(ThreadingHTTPServer):
    gateway: Gateway
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def process_request(self, request, client_address):
        self.gateway.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Print nothing, because clients that give up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _serve(self):
        gateway = self.server.gateway
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0))).decode()
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        gateway.requests.append(asked)
        time.sleep(gateway.delay)
        answer = gateway.answer_to(asked)
        if isinstance(answer, str):
            self.close_connection = True
            getattr(self, f"_{answer}")(gateway)
            return
        status, body, *more = answer
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (more[0] if more else {"Content-Type": "application/json"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815  (the names that http.server looks for)

    def _cut(self, gateway):
        """Send nothing: the connection ends after the request was read."""

    def _reset(self, gateway):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _hang(self, gateway):
        gateway.release.wait(60)

    def _drip(self, gateway):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        while not gateway.release.wait(0.1):
            self.wfile.write(b" ")

    def log_message(self, *args):
        """Print nothing, because requests are kept."""


@contextmanager
def gateway(answer=(200, {})):
    """Run a gateway on a free port until the end of the block."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.gateway = running = Gateway(answer=answer, url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield running
    finally:
        running.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
