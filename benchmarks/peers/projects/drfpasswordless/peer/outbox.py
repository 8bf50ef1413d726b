"""In place of a provider of SMS: a file that the benchmark reads."""

import os

_file = os.open(os.environ["OUTBOX"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def append(*words: str) -> None:
    """In one write, so that the lines of several processes do not mix."""
    os.write(_file, f"{' '.join(words)}\n".encode())
