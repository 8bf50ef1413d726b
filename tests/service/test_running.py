"""How the service starts, refuses to start, and ends."""

import os
import re
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest

from .running import SECRET_KEY, Database, Service, running
from .talking import get, phone, send

WITHIN = 120  # seconds; it takes one or two
PRODUCTION = {"DEBUG": "0", "ALLOWED_HOSTS": "127.0.0.1", "OTP_CLOCK_OFFSET_FILE": ""}


def refused(folder, **environment):
    """What a service says that does not start with this environment; and that it says it without a traceback."""
    service = Service(folder, None, **environment)
    try:
        service.launch()
        assert service.process.wait(WITHIN) != 0
    finally:
        service.kill()
    assert "Traceback" not in service.output
    return service.output.strip()


def test_a_taken_port_is_said_in_one_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path, PORT=str(port))
    assert re.fullmatch(rf"Cannot listen on 127\.0\.0\.1:{port}: .+\. Choose another with PORT=\d+\.", said)


def test_production_without_a_key_is_refused_in_one_sentence(tmp_path):
    said = refused(tmp_path, SECRET_KEY="", **PRODUCTION)
    assert said == "Set SECRET_KEY to what `manage.py otp_key` prints, or DEBUG=1 for development."


WEAK = ["short", "ab" * 40, "django-insecure-" + "abcdefghij" * 5]


@pytest.mark.parametrize("weak", WEAK)
def test_production_with_a_key_that_can_be_guessed_is_refused_in_one_sentence(tmp_path, weak):
    said = refused(tmp_path, SECRET_KEY=weak, **PRODUCTION)
    assert said.startswith("SECRET_KEY, and each of SECRET_KEY_FALLBACKS, must have at least 50 characters, 5 of them")
    assert "`manage.py otp_key`" in said
    assert said.count("\n") == 0


def test_a_secret_of_the_past_that_can_be_guessed_is_refused_as_well_for_what_it_signs_counts(tmp_path):
    said = refused(tmp_path, SECRET_KEY_FALLBACKS=f"{SECRET_KEY},short", **PRODUCTION)
    assert said.startswith("SECRET_KEY, and each of SECRET_KEY_FALLBACKS, must have")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WEB_CONCURRENCY", "many", "must be a whole number, not 'many'."),
        ("WEB_CONCURRENCY", "0", "must be at least 1, not 0."),
        ("THREADS", "0", "must be at least 1, not 0."),
        ("TIME_ZONE", "Asia/Toshkent", "must be a time zone such as Asia/Tashkent, not 'Asia/Toshkent'."),
        ("TIME_ZONE", "../UTC", "must be a time zone such as Asia/Tashkent, not '../UTC'."),
        ("LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING or ERROR, not 'LOUD'."),
    ],
)
def test_a_value_that_is_none_is_named_and_what_would_be_one(tmp_path, name, value, said):
    assert refused(tmp_path, **{name: value}) == f"{name} {said}"


def test_production_that_would_show_codes_is_refused(tmp_path):
    outbox = tmp_path / "outbox"
    said = refused(tmp_path, OTP_OUTBOX_FILE=str(outbox), **PRODUCTION)
    assert "otp_app.E010" in said
    assert "otp_app.E011" not in said
    assert not outbox.exists()
    assert "otp_app.E010" in refused(tmp_path, OTP_OUTBOX_FILE="", **PRODUCTION)  # the console shows them too


def test_production_with_a_clock_that_can_be_set_is_refused(tmp_path):
    assert "otp_app.E011" in refused(tmp_path, **(PRODUCTION | {"OTP_CLOCK_OFFSET_FILE": str(tmp_path / "clock")}))


@pytest.mark.each_database
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path, number):
    with running(tmp_path) as service:
        assert send(service, phone()).status == 200
        workers = service.workers()
        idle = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(5)]
        sending = threading.Thread(target=send, args=(service, phone()))
        sending.start()
        sending.join()
        assert service.end(number, WITHIN) == 0
        for connection in idle:
            connection.close()
        assert "Traceback" not in service.output.partition("open http")[2]
        assert set(workers).isdisjoint(service.workers())
        with pytest.raises(ConnectionRefusedError):
            get(service, "/healthz")
        service.start()  # the same port, the same database; and so that it can be ended again


@pytest.mark.each_database
def test_a_signal_while_its_workers_still_start_ends_them_too(tmp_path):
    database = Database(tmp_path)
    service = Service(tmp_path, database)
    try:
        service.launch()
        until = time.monotonic() + WITHIN
        while len(service.workers()) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert service.end(within=WITHIN) == 0
        assert "Killing" not in service.output  # which is done to those that have not heard it, 15 seconds later
    finally:
        service.kill()
        database.drop()


@pytest.mark.each_database
def test_workers_that_die_again_at_once_end_it_with_a_status_that_a_supervisor_takes_for_a_failure(tmp_path):
    database = Database(tmp_path)
    service = Service(tmp_path, database).start()
    try:
        until = time.monotonic() + WITHIN
        while service.process.poll() is None and time.monotonic() < until:
            for pid in service.workers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        assert service.process.poll() == 1
        assert "Worker crash loop detected, exiting" in service.output
        service.start()  # as a supervisor does: the same port, the same database
        assert service.end() == 0
    finally:
        service.kill()
        database.drop()


@pytest.mark.parametrize("page", ["/admin/login/", "/api/docs/"])
def test_pages_come_with_what_they_are_made_of(service, page):
    answer = get(service, page)
    assert answer.status == 200
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.body.decode()))
    assert len(found) >= 3
    for path in found:
        static = get(service, path)
        assert static.status == 200, path
        assert static.body
        assert static.headers["content-type"].partition(";")[0].partition("/")[0] in ("text", "image", "application")
    assert get(service, "/static/../otp_project/settings.py").status == 404
    assert get(service, "/static/%2e%2e/%2e%2e/manage.py").status == 404


def test_the_banner_says_how_to_begin(service):
    until = time.monotonic() + WITHIN
    while "open http" not in service.output and time.monotonic() < until:
        time.sleep(0.1)
    assert f"open http://127.0.0.1:{service.port}/" in service.output.splitlines()
