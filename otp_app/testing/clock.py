"""Move the app's clock by OTP_CLOCK_OFFSET_FILE."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from .in_force import in_force


class Clock:
    """Let time pass when a test says so."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(str(self.seconds))
        fresh.replace(self.path)  # atomically: reading a truncated file would make time jump back


@contextmanager
def moved(seconds: float = 0) -> Iterator[Clock]:
    """Put the app's clock so many seconds ahead until the end of the block; the clock that is yielded moves it on."""
    with TemporaryDirectory() as folder:
        clock = Clock(Path(folder) / "seconds")
        clock.advance(seconds)
        with in_force(OTP_CLOCK_OFFSET_FILE=str(clock.path)):
            yield clock
