"""``make mutants``: whether tests notice it when the functions in PostgreSQL are other than they are.

Each statement in turn is left out, and each comparison turned round: the contract, the races and the tests of the store
must fail. What they let pass is printed: there a test is missing, or the statement is of no use. ``ONLY=open`` tries
those functions alone that have this in their names.
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

PATIENCE = 120  # seconds; whoever waits longer for a loop that does not end has noticed it

TURNED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "=", "AND": "OR", "OR": "AND"}
TURNED |= {"NOT": "", "IS": "IS NOT"}  # IS NOT NOT is no SQL, and so no mutant


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
    """What is other in the one that is to be tried next, and the SQL that installs it."""
    for function in plpgsql.installed(connection.cursor()):
        if os.environ.get("ONLY", "") not in function.name:
            continue
        body = function.body
        places = [("NULL;", *place) for place in function.statements]
        places += [(TURNED[word.upper()], *place) for word, *place in plpgsql.words(body) if word.upper() in TURNED]
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
    trial.join(PATIENCE)
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
