"""Run ``make mutants``: change the functions in PostgreSQL one place at a time, and see whether tests notice.

Each statement is left out in turn, and each comparison is inverted: the contract, the races or the store's tests must
fail. A change that they let pass is printed: a test is missing there, or the statement is useless. ``ONLY=open`` tries
only functions with ``open`` in their names.
"""

import multiprocessing
import os
import sys
from contextlib import closing
from urllib.parse import urlsplit

import django
import psycopg
import pytest

from tests import inner, plpgsql
from tests.__main__ import postgresql

MAX_SECONDS = 120  # of a trial; a loop that does not end counts as noticed

INVERTED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "=", "AND": "OR", "OR": "AND"}
INVERTED |= {"NOT": "", "IS": "IS NOT"}  # IS NOT NOT is no SQL, and so no mutant


def main():
    with postgresql() as server, inner.database(server) as name:
        done = inner.play(server, name, inner.SPECIAL)
        assert done.returncode == 0, done.stdout
        os.environ["DATABASE_URL"] = urlsplit(server)._replace(path=f"/{name}").geturl()
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()  # once for all that are forked
        made = urlsplit(server)._replace(path=f"/test_{name}").geturl()
        with closing(psycopg.connect(made, autocommit=True)) as connection:
            survivors = [what for what, sql in _mutants(connection) if not _is_noticed(connection, what, sql)]
    print(*survivors, f"{len(survivors)} survived", sep="\n")
    sys.exit(bool(survivors))


def _mutants(connection):
    """Yield a description of each mutant, and the SQL that installs it."""
    for function in plpgsql.installed(connection.cursor()):
        if os.environ.get("ONLY", "") not in function.name:
            continue
        body = function.body
        places = [("NULL;", *place) for place in function.statements]
        places += [(INVERTED[word.upper()], *place) for word, *place in plpgsql.words(body) if word.upper() in INVERTED]
        for instead, begin, end in places:
            around = " ".join(f"{body[max(0, begin - 30) : begin]}[{body[begin:end]}]{body[end : end + 30]}".split())
            yield f"{function.name}: {around} -> {instead}", function.replaced(body[:begin] + instead + body[end:])
        connection.execute(function.definition)


def _is_noticed(connection, what, sql):
    try:
        connection.execute(sql)
    except psycopg.Error:
        return True  # by PostgreSQL
    trial = multiprocessing.get_context("fork").Process(target=_try)
    trial.start()
    trial.join(MAX_SECONDS)
    trial.kill()
    trial.join()
    print("noticed " if trial.exitcode else "SURVIVED", what, flush=True)
    return bool(trial.exitcode)


def _try():
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        os.dup2(nowhere, output)
    sys.exit(pytest.main(["-q", "-x", "--reuse-db", "-p", "no:cacheprovider", *inner.TESTS, inner.SPECIAL]))


if __name__ == "__main__":
    main()
