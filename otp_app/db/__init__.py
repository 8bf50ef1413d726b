"""SQL that Django's ORM has no words for, transactions, turns at an SQLite file, the clock. Knows no table of ours."""
