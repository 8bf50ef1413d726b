"""A real browser behind a proxy that the service's settings do not name."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.service.conftest import UNREACHED_LIMITS
from tests.service.running import running
from tests.service.talking import phone, send

from .person import Person


class Proxy(BaseHTTPRequestHandler):
    """Forward requests with the Host that the server's ``replaced_headers`` names, and with X-Forwarded-For."""

    def _forward(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers) | {"X-Forwarded-For": "203.0.113.7"} | self.server.replaced_headers
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        content = answer.read()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_HEAD = _forward  # noqa: N815  (the names that http.server looks for)

    def log_message(self, *_):
        """Log nothing."""


@pytest.fixture(scope="module")
def untrusting(tmp_path_factory):
    """Start a service that trusts no proxy."""
    with running(
        tmp_path_factory.mktemp("untrusting"), OTP_TRUSTED_PROXIES="0", WEB_CONCURRENCY="1", **UNREACHED_LIMITS
    ) as started:
        yield started


@pytest.fixture
def proxy(untrusting):
    """Return the address of a proxy that changes the Host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.port, server.replaced_headers = untrusting.port, {"Host": f"localhost:{untrusting.port}"}
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def warnings(service, name):
    return [line for line in service.output.splitlines() if f" WARNING {name}: " in line]


def test_the_person_is_not_blamed_and_the_log_says_what_is_wrong_once(untrusting, proxy, chromium):
    somebody = Person(untrusting, chromium, guest_of=[proxy])
    for _ in range(2):
        somebody.begin(f"{proxy}/login/")
        somebody.sees("the mistake is in how this site is set up, not yours")
    assert somebody.messages() == []
    somebody.leave()
    (line,) = warnings(untrusting, "otp_app.web")
    assert "Have the proxy send Host as it came" in line


def test_that_all_clients_are_one_is_said_once(untrusting):
    for _ in range(2):
        assert send(untrusting, phone()).status == 200
    (line,) = warnings(untrusting, "otp_app.clients")
    assert "set OTP_TRUSTED_PROXIES to the number of your proxies" in line
