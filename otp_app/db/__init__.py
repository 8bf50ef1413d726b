"""Provide SQL that Django's ORM cannot express, transactions, turns at an SQLite file, the clock; no table of ours."""
