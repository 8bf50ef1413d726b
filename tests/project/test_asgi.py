"""The service answers under ASGI as it does under WSGI: in the process here, and in a server's."""

import json
import re

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.db.backends.signals import connection_created

from otp_project.asgi import application
from tests.factories import new_phone
from tests.ports import free_port
from tests.programs import ROOT, call, run, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

SECRET = "only for the tests of ASGI, 7h8H9i0J1a2B3c4D5e6F, and long enough"
JSON = {"Content-Type": "application/json"}


@async_to_sync
async def ask(method, path, body=b"", **headers):
    """The status, headers and content of one answer."""
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()],
        "client": ("192.0.2.1", 4711),
        "server": ("testserver", 80),
    }
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": body})
    start, content, more = await communicator.receive_output(60), b"", True
    while more:
        message = await communicator.receive_output(60)
        content, more = content + message.get("body", b""), message.get("more_body", False)
    await communicator.wait(60)
    return start["status"], {name.decode().lower(): value.decode() for name, value in start["headers"]}, content


def post(path, body, **headers):
    content = json.dumps(body).encode()
    form = {"content-type": "application/json", "content-length": str(len(content))}
    status, _, answer = ask("POST", path, content, **form, **headers)
    return status, json.loads(answer) if answer else None


def test_a_person_signs_in_and_out(outbox):
    phone = new_phone()
    status, grant = post("/api/send-otp/", {"phone": phone})
    assert (status, grant["message"]) == (200, "OTP sent successfully")
    body = {"phone": phone, "otp": outbox[-1].code, "challenge_id": grant["challenge_id"]}
    status, done = post("/api/verify-otp/", body)
    assert (status, done["user"]["phone"]) == (200, phone)
    assert post("/api/verify-otp/", body)[0] == 400
    bearer = {"authorization": f"Bearer {done['token']}"}
    assert json.loads(ask("GET", "/api/me/", **bearer)[2])["phone"] == phone
    assert post("/api/logout/", {}, **bearer)[0] == 204
    assert ask("GET", "/api/me/", **bearer)[0] == 401


def test_the_page_is_there_with_all_its_middleware():
    status, headers, content = ask("GET", "/login/")
    assert (status, headers["x-frame-options"]) == (200, "DENY")
    assert b'id="phone-form"' in content


def test_no_connection_outlives_the_thread_of_its_request():
    opened = []

    def note(connection, **_):
        opened.append(connection)

    connection_created.connect(note)
    try:
        assert post("/api/send-otp/", {"phone": new_phone()})[0] == 200
    finally:
        connection_created.disconnect(note)
    assert [each.connection for each in opened] == [None] * len(opened) != []


def test_health_is_answered_by_address_and_nothing_else_is(settings):
    settings.ALLOWED_HOSTS = ["login.example.com"]
    assert ask("GET", "/healthz", host="10.1.2.3:8000")[::2] == (200, b'{"status": "ok"}')
    assert ask("GET", "/readyz", host="10.1.2.3:8000")[0] == 200
    for path in ("/login/", "/api/me/"):
        assert ask("GET", path, host="10.1.2.3:8000")[0] == 400


def test_a_body_that_is_too_long_for_the_api_is_refused():
    status, problem = post("/api/send-otp/", {"phone": "1" * 5000})
    assert (status, problem["code"]) == (413, "too_large")


def test_a_server_for_asgi_serves_it(tmp_path):
    port = free_port()
    settings = {
        "ENV_FILE": "/dev/null",
        "DEBUG": "1",
        "SECRET_KEY": SECRET,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
    }
    run("manage.py", "migrate", cwd=ROOT, **settings)
    command = ("-m", "granian", "--interface", "asginl", "--host", "127.0.0.1", "--port", str(port))
    with running(*command, "otp_project.asgi:application", cwd=ROOT, port=port, **settings) as program:
        body = {"phone": "+998901234567"}
        sent = call(f"{program.url}/api/send-otp/", method="POST", headers=JSON, data=json.dumps(body))
        code = program.wait_for(r"(?m)^  sms to \+998901234567:\n    .*?(\d{6})")[1]
        done = call(
            f"{program.url}/api/verify-otp/", method="POST", headers=JSON, data=json.dumps(body | {"otp": code})
        )
    assert (sent.status, done.status, json.loads(done.body)["user"]["is_new"]) == (200, 200, True)
    assert not re.search(r"Traceback", program.output)
