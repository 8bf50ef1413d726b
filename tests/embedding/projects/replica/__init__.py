"""Reads go to a replica that lags behind: here until ``catch_up`` copies the database."""

from contextlib import closing


def catch_up():
    import sqlite3

    with closing(sqlite3.connect("db.sqlite3")) as source, closing(sqlite3.connect("replica.sqlite3")) as target:
        source.backup(target)
