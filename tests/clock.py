"""Move the app's clock by OTP_CLOCK_OFFSET_FILE."""


class Clock:
    """Let time pass when a test says so."""

    def __init__(self, path):
        self.path = path
        self.seconds = 0

    def advance(self, seconds):
        self.seconds += seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(str(self.seconds))
        fresh.replace(self.path)  # atomically: reading a truncated file would make time jump back
