"""Limit the length of a body by the path of the request: the first prefix that matches counts."""

from otp_app.bodies import MAX_API_BYTES, MAX_REPORT_BYTES

MOST = (  # bytes
    ("/api/webhooks/", MAX_REPORT_BYTES),
    ("/api/", MAX_API_BYTES),
    ("/admin/", 1024 * 1024),  # what staff ticks in a long list
    ("", 16 * 1024),  # forms of the page
)


def most(path: str) -> int:
    """Return how many bytes a body may have that is sent to this path."""
    return next(size for beginning, size in MOST if path.startswith(beginning))
