"""A clock for OTP_CLOCK_OFFSET_FILE."""


class Clock:
    """Time passes when a test says so."""

    def __init__(self, path):
        self.path = path
        self.seconds = 0

    def advance(self, seconds):
        self.seconds += seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(str(self.seconds))
        fresh.replace(self.path)  # at once: a file caught between truncating and writing would be a jump back
