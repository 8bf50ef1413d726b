"""The functions in PostgreSQL, which no tool for coverage looks into."""

import os

import pytest
from django.db import connection

from tests import inner

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has none")


def test_every_statement_is_executed_by_a_test_of_the_store(tmp_path):
    server, unseen = os.environ["DATABASE_URL"], tmp_path / "unseen"
    with inner.database(server) as name:
        plugins = ("-p", "tests.traced", "-p", "no:cacheprovider")
        done = inner.play(server, name, inner.SPECIAL, *plugins, UNSEEN=str(unseen))
    assert done.returncode == 0, done.stdout[-4000:]
    assert unseen.read_text() == ""
