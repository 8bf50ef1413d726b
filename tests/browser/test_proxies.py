"""A proxy in front that the service is not told of: what a browser makes of it."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.service.conftest import ROOM
from tests.service.running import running
from tests.service.talking import phone, send

from .person import Person


class Proxy(BaseHTTPRequestHandler):
    """Hands on what comes, with the host that the server's ``handing_on`` gives it, and says who asks."""

    def _hand_on(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = dict(self.headers) | {"X-Forwarded-For": "203.0.113.7"} | self.server.handing_on
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

    do_GET = do_POST = do_HEAD = _hand_on  # noqa: N815  (the names that http.server looks for)

    def log_message(self, *_):
        """Nothing: it is no test's matter."""


@pytest.fixture(scope="module")
def untold(tmp_path_factory):
    """A service that trusts no proxy."""
    with running(tmp_path_factory.mktemp("untold"), OTP_TRUSTED_PROXIES="0", WEB_CONCURRENCY="1", **ROOM) as started:
        yield started


@pytest.fixture
def proxy(untold):
    """The address of one that changes the host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.port, server.handing_on = untold.port, {"Host": f"localhost:{untold.port}"}
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def warnings(service, name):
    return [line for line in service.output.splitlines() if f" WARNING {name}: " in line]


def test_the_person_is_not_blamed_and_the_log_names_the_settings_once(untold, proxy, chromium):
    somebody = Person(untold, chromium, guest_of=[proxy])
    for _ in range(2):
        somebody.begin(f"{proxy}/login/")
        somebody.sees("the mistake is in how this site is set up, not yours")
    assert somebody.messages() == []
    somebody.leave()
    (line,) = warnings(untold, "otp_app.web")
    assert "OTP_TRUSTED_PROXIES" in line


def test_that_all_clients_are_one_is_said_once(untold):
    for _ in range(2):
        assert send(untold, phone()).status == 200
    (line,) = warnings(untold, "otp_app.clients")
    assert "set OTP_TRUSTED_PROXIES to the number of your proxies" in line
