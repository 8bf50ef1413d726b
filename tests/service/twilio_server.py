"""Answer as Twilio's Messages API does, or fail as it may."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl
from uuid import uuid4

ACCOUNT = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fedcba9876543210" * 2
SENDER = "+15005550006"


class Twilio:
    """``answers(number)`` says what comes for a number: (status, body as JSON or bytes), "hang", "drip" or "cut"."""

    def __init__(self):
        self.answers = self.accepted
        self.requests = []  # path, headers and form fields of each
        self.stuck = set()  # the numbers whose requests hang or drip at this moment
        self.release = threading.Event()
        self._server = self._listen(0)
        self.port = self._server.server_port

    @property
    def environment(self):
        """Return the variables with which a service sends by this server."""
        return {
            "OTP_OUTBOX_FILE": "",
            "OTP_ALLOWED_REGIONS": "UZ",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_PHONE_NUMBER": SENDER,
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{self.port}",
        }

    @staticmethod
    def accepted(number):
        return 201, {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "body": "",
            "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
            "date_sent": None,
            "date_updated": "Thu, 24 Aug 2023 05:01:45 +0000",
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": SENDER,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": f"SM{uuid4().hex}",
            "status": "queued",
            "subresource_uris": {},
            "to": number,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SM.json",
        }

    @staticmethod
    def refused(status, code):
        return status, {"code": code, "message": "no", "more_info": "https://127.0.0.1/errors", "status": status}

    def received(self, number):
        """Return the form fields of the requests for a number."""
        return [fields for _, _, fields in self.requests if fields["To"] == number]

    def code_for(self, number):
        return re.search(r"\b\d{6,10}\b", self.received(number)[-1]["Body"])[0]

    @contextmanager
    def answering(self, answers):
        """Answer as told within the context: the same to every request, or what a function returns."""
        before, self.answers = self.answers, answers if callable(answers) else lambda number: answers
        self.release.clear()
        try:
            yield
        finally:
            self.answers = before
            self.release.set()

    @contextmanager
    def closed(self):
        """Stop listening within the context."""
        self._end()
        try:
            yield
        finally:
            self._server = self._listen(self.port)

    def stop(self):
        self.release.set()
        self._end()

    def _listen(self, port):
        server = _Server(("127.0.0.1", port), _Handler)
        server.twilio = self
        threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
        return server

    def _end(self):
        self._server.shutdown()
        self._server.server_close()  # waits for the threads of its requests


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Print nothing: the service may have stopped waiting for an answer that is late on purpose."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        twilio = self.server.twilio
        fields = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        twilio.requests.append((self.path, dict(self.headers), fields))
        answer = twilio.answers(fields["To"])
        if answer == "cut":
            return
        if answer in ("hang", "drip"):
            twilio.stuck.add(fields["To"])
            try:
                self._be_slow(answer, twilio.release)
            finally:
                twilio.stuck.discard(fields["To"])
            return
        status, body = answer
        self._answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    def _be_slow(self, how, release):
        if how == "hang":
            release.wait(60)
            return
        self.wfile.write(b"HTTP/1.0 201 Created\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(60):
            if release.wait(1):
                return
            self.wfile.write(b" ")

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Print nothing, because requests are kept."""
