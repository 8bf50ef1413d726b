"""A Twilio-shaped server: real HTTP, answers as told, remembers what it got."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

ACCEPTED = {"sid": "SM" + "0" * 32, "status": "queued", "num_segments": "1", "error_code": None}


class Gateway:
    """``answer`` is (status, body as JSON or text), after ``delay`` seconds; ``drop`` closes without an answer."""

    def __init__(self):
        self.answer = (201, ACCEPTED)
        self.delay = 0.0
        self.drop = False
        self.requests = []
        self.url = ""


class Quiet(ThreadingHTTPServer):
    """Clients that give up are part of the tests."""

    def handle_error(self, request, client_address):
        pass


@contextmanager
def gateway():
    told = Gateway()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.requests.append((self.path, {name: values[0] for name, values in parse_qs(form).items()}))
            time.sleep(told.delay)
            if told.drop:
                self.close_connection = True
                return
            status, body = told.answer
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
