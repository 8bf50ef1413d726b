"""The log names refused hosts, and nobody can fill it with them."""

import logging

import pytest

from otp_project import hosts
from otp_project.settings import LOGGING


@pytest.fixture
def log(caplog, monkeypatch):
    """The log as the service has it; the suite's own logging has no filter."""
    logger = logging.getLogger("django.security.DisallowedHost")
    monkeypatch.setattr(logger, "filters", [hosts.RefusedHosts()])
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    return caplog


def ask(client, host):
    assert client.get("/login/", headers={"host": host}).status_code == 400


def told(log):
    return [record for record in log.records if record.name == "django.security.DisallowedHost"]


def test_the_service_tells_of_them(settings):
    assert LOGGING["loggers"]["django.security.DisallowedHost"] == {"filters": ["hosts"]}
    assert LOGGING["filters"]["hosts"] == {"()": "otp_project.hosts.RefusedHosts"}


def test_a_refused_host_is_one_line_that_says_what_to_set(client, log):
    for _ in range(3):
        ask(client, "login.example.org")
    (record,) = told(log)
    assert record.getMessage() == "refused a request for the host 'login.example.org', which is not in ALLOWED_HOSTS"
    assert (record.levelname, record.exc_info) == ("WARNING", None)


@pytest.mark.parametrize("host", ["a\nERROR forged", "\x1b[2J", "evil.example/" + "x" * 5000, "%s%d%(x)s", "\u2028"])
def test_what_a_stranger_writes_stays_one_short_line(client, log, host):
    ask(client, host)
    (record,) = told(log)
    line = record.getMessage()
    assert line.isprintable()
    assert len(line) < 5 * hosts.MAX_HOST_CHARACTERS + 100


def test_of_many_hosts_a_few_are_told_in_a_minute_and_others_in_the_next(client, log, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(hosts.time, "monotonic", lambda: now[0])
    for number in range(3 * hosts.MAX_LINES):
        ask(client, f"{number}.example.org")
    assert len(told(log)) == hosts.MAX_LINES
    now[0] += hosts.PERIOD_SECONDS
    ask(client, "0.example.org")
    assert len(told(log)) == hosts.MAX_LINES + 1


def test_a_request_without_the_header_is_told_of_as_well(client, log):
    assert client.get("/login/", SERVER_NAME="10.1.2.3").status_code == 400
    (record,) = told(log)
    assert "'10.1.2.3'" in record.getMessage()
