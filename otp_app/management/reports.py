"""Write and read reports of rows, which hold phones in full: they are for their owner's eyes alone."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol


class Report(Protocol):
    """Take rows and return when the disk has them."""

    def __call__(self, rows: Sequence[Sequence[Any]]) -> None: ...


@contextmanager
def writing(path: str, heading: Sequence[str]) -> Iterator[Report]:
    """Open a new CSV file that only its owner may read. Raise FileExistsError: an older report is still needed."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline=""
    ) as file:
        writer = csv.writer(file)

        def write(rows: Sequence[Sequence[Any]]) -> None:
            writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())

        write([heading])
        yield write


def read(path: str, heading: Sequence[str], size: int) -> Iterator[list[list[str]]]:
    """Yield the rows of a report in batches. Raise ValueError if it has another heading."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if next(rows, None) != list(heading):
            raise ValueError(f"{path} is no report with the columns {', '.join(heading)}.")
        while batch := list(islice(rows, size)):
            yield batch
