"""Limit the length of a body by the path of the request: the first prefix that matches counts."""

from otp_app.bodies import MAX_API_BYTES, MAX_REPORT_BYTES

MAX_BYTES = (
    ("/api/webhooks/", MAX_REPORT_BYTES),
    ("/api/", MAX_API_BYTES),
    ("/admin/", 1024 * 1024),  # a long list with many ticks
    ("", 16 * 1024),  # forms of the page
)


def max_bytes(path: str) -> int:
    """Return how many bytes a body for this path may have."""
    return next(size for beginning, size in MAX_BYTES if path.startswith(beginning))
