"""The log of the service."""

import logging

from otp_project.settings import LOGGING


def test_a_line_is_short_however_long_the_address_is_that_it_quotes():
    line = LOGGING["formatters"]["line"]
    formatter = logging.Formatter(line["format"], style=line["style"])
    record = logging.makeLogRecord({"msg": "Not Found: %s", "args": ("/a" + 15_000 * "x",), "name": "django.request"})
    assert "django.request: Not Found: /a" in formatter.format(record)
    assert len(formatter.format(record)) < 1100
