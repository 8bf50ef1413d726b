"""Behind an nginx that is set up as docs/deploy.md says, under the service's own server and under gunicorn."""

import http.client
import json
import os
import re
import shlex
import signal
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from otp_app import phones
from tests import nginx

from .conftest import UNREACHED_LIMITS
from .running import ROOT, Service, running
from .talking import Answer, phone
from .twilio_server import Twilio

PAGE = (ROOT / "docs" / "deploy.md").read_text()
BLOCK, UPSTREAM = re.findall(r"(?ms)^```nginx\n(.*?)^```$", PAGE)
(GUNICORN,) = re.findall(r"(?m)^\.venv/bin/(gunicorn .*)$", PAGE)
SERVERS = {
    "granian": ("-m", "otp_project"),
    "gunicorn": ("-m", *shlex.split(GUNICORN.replace("127.0.0.1:8000", "127.0.0.1:{port}"))),
}
PERSON = "127.0.0.2"  # not where nginx comes from
PATIENCE = 60  # seconds

pytestmark = pytest.mark.skipif(not nginx.find() and not os.environ.get("CI"), reason="nginx is not installed")


@pytest.fixture(scope="module")
def twilio():
    server = Twilio()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def environment(twilio):
    ours = {"DEBUG": "0", "ALLOWED_HOSTS": nginx.HOST, "OTP_CLOCK_OFFSET_FILE": "", "LOG_LEVEL": "INFO"}
    return twilio.environment | UNREACHED_LIMITS | ours


@pytest.fixture(scope="module", params=SERVERS)
def service(request, environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    with running(folder, program=SERVERS[request.param], **environment) as started:
        yield started
        assert "Internal Server Error" not in started.output


class Browser:
    """Ask nginx for pages over TLS, and keep the cookies."""

    def __init__(self, ports):
        self._http, self._https = ports
        self._cookies = {}

    def ask(self, method, path, body=None, **headers):
        untested = ssl._create_unverified_context()  # noqa: S323  (the certificate was made for this test)
        connection = http.client.HTTPSConnection("127.0.0.1", self._https, source_address=(PERSON, 0), context=untested)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection.request(method, path, body, {"Host": nginx.HOST, "Cookie": cookies} | headers)
        response = connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            assert "Secure" in cookie, cookie
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        answer = Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
        connection.close()
        return answer

    def without_tls(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self._http)
        connection.request("GET", path, headers={"Host": nginx.HOST})
        response = connection.getresponse()
        connection.close()
        return response.status, response.headers["Location"]

    def post(self, path, body):
        answer = self.ask("POST", path, json.dumps(body), **{"Content-Type": "application/json"})
        return answer.status, answer.json

    def submit(self, path, **fields):
        """Send the form of a page."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("GET", path).body.decode())[1]
        origin = {"Origin": f"https://{nginx.HOST}", "Sec-Fetch-Site": "same-origin"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode({"csrfmiddlewaretoken": token} | fields), **origin, **form)


@pytest.fixture
def browser(service):
    with nginx.running(BLOCK, service.port) as ports:
        yield Browser(ports)


def without(header):
    """The block, whose author forgot a header."""
    lines = BLOCK.splitlines(keepends=True)
    left = [line for line in lines if f"proxy_set_header {header} " not in line]
    assert len(left) == len(lines) - 1
    return "".join(left)


def told(service, before, logger):
    """Wait for what the log has told since it was so long, and return it."""
    until = time.monotonic() + PATIENCE
    while not (lines := re.findall(rf"WARNING {re.escape(logger)}: (.*)", service.output[before:])):
        assert time.monotonic() < until, service.output[before:]
        time.sleep(0.05)
    return lines[0]


def test_people_sign_in_by_the_api_and_are_known_by_their_own_address(service, browser, twilio):
    number, before = phone(), len(service.output)
    spoofed = {"Content-Type": "application/json", "X-Forwarded-For": "203.0.113.9"}
    assert browser.ask("POST", "/api/send-otp/", json.dumps({"phone": number}), **spoofed).status == 200
    status, answer = browser.post("/api/verify-otp/", {"phone": number, "otp": twilio.code_for(number)})
    assert (status, answer["user"]["phone"]) == (200, number)
    me = browser.ask("GET", "/api/me/", Authorization=f"Bearer {answer['token']}")
    assert me.json["phone"] == number
    assert f" is_new=True new_device=False client={PERSON}\n" in service.output[before:]
    assert "203.0.113" not in service.output
    assert "WARNING otp_app" not in service.output[before:]


def test_people_sign_in_on_the_page_and_it_is_known_to_come_over_tls(service, browser, twilio):
    number = phone()
    page = browser.ask("GET", "/login/")
    assert (page.status, "strict-transport-security" in page.headers) == (200, True)
    assert browser.without_tls("/login/") == (301, f"https://{nginx.HOST}/login/")
    asked = browser.submit("/login/", phone=number)
    assert asked.status == 302, asked.body
    entered = browser.submit(asked.headers["location"], code=twilio.code_for(number))
    assert entered.status == 302, entered.body
    assert phones.spaced(number) in browser.ask("GET", entered.headers["location"]).body.decode()


def test_its_health_is_asked_by_address(service):
    for path in ("/healthz", "/readyz"):
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        connection.request("GET", path)
        assert connection.getresponse().status == 200
        connection.close()


def test_without_x_forwarded_for_the_log_says_that_all_clients_are_one(service):
    before = len(service.output)
    with nginx.running(without("X-Forwarded-For"), service.port) as ports:
        assert Browser(ports).post("/api/send-otp/", {"phone": phone()})[0] == 200
    assert told(service, before, "otp_app.clients").startswith(
        "OTP_TRUSTED_PROXIES is 1, but a request has fewer addre"
    )


def test_without_x_forwarded_proto_a_form_is_refused_and_the_log_says_why(service):
    before = len(service.output)
    with nginx.running(without("X-Forwarded-Proto"), service.port) as ports:
        assert Browser(ports).submit("/login/", phone=phone()).status == 403
    line = told(service, before, "otp_app.web")
    assert line.startswith(
        "A form of the page is refused: requests come over http. Have the proxy that ends TLS set X-For"
    )


def test_without_host_requests_are_refused_and_the_log_names_the_host_and_the_setting(service):
    before = len(service.output)
    with nginx.running(without("Host"), service.port) as ports:
        for path in ("/login/", "/api/me/"):
            assert Browser(ports).ask("GET", path).status == 400
    line = told(service, before, "django.security.DisallowedHost")
    assert line == f"refused a request for the host '127.0.0.1:{service.port}', which is not in ALLOWED_HOSTS"


def test_of_two_each_is_restarted_and_nobody_who_asks_meanwhile_is_refused(environment, tmp_path_factory):
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    with running(folders[0], **environment) as first:
        second = Service(folders[1], first.database, **environment).start()
        block = UPSTREAM.replace("127.0.0.1:8001", f"127.0.0.1:{second.port}")
        block += BLOCK.replace("http://127.0.0.1:8000;", "http://otp;")
        done, statuses = threading.Event(), []
        with nginx.running(block, first.port) as ports, ThreadPoolExecutor() as pool:
            asking = pool.submit(_ask_until, done, Browser(ports), statuses)
            try:
                for each in (first, second):
                    assert each.end(signal.SIGTERM) == 0
                    each.start()
            finally:
                done.set()
            asking.result()
        assert second.end() == 0
    assert len(statuses) > 20
    assert set(statuses) == {401}


def _ask_until(done, browser, statuses):
    while not done.is_set():
        statuses.append(browser.ask("GET", "/api/me/").status)
        time.sleep(0.01)
