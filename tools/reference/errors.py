"""Make docs/errors.md of the table that the service serves as ``/api/errors/``, too."""

from otp_app.api.causes import Entry, entries

from .tables import plain, table

HEAD = """# Errors of the API

Errors are `application/problem+json` (RFC 9457). `code` is for programs and never changes; `title` and `detail` are for
people, in their language. `type` leads to the code's place on the page `errors/` of the API, which says the same as
this one. 429 and 503 say in `retry_after`, and in the header `Retry-After`, how many seconds to wait.

"""


def page() -> str:
    """Return the page; raise KeyError for a code without cause and cure."""
    found = entries()
    by_status = sorted(found, key=lambda each: (each.status, each.code))
    rows = [(str(each.status), f"[`{each.code}`](#{each.code})", each.title) for each in by_status]
    return HEAD + table(("status", "code", "title"), rows) + "".join(map(_section, found))


def _section(error: Entry) -> str:
    told = f"- **Cause:** {plain(error.cause)}\n- **Cure:** {plain(error.cure)}\n"
    return f"\n## {error.code}\n\n{error.status} {error.title}\n\n{told}"
