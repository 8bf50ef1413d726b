"""DATABASE_URL as Django wants it."""

from typing import Any

from psycopg.conninfo import conninfo_to_dict


def from_url(url: str) -> dict[str, Any]:
    """PostgreSQL with as many connections in a process as it has threads, so that none waits for another's."""
    parts = conninfo_to_dict(url)
    database = {name.upper(): parts.pop(name, "") for name in ("user", "password", "host", "port")}
    pool = {"min_size": 1, "max_size": 16, "timeout": 5}
    name = parts.pop("dbname", "")
    return {"ENGINE": "django.db.backends.postgresql", "NAME": name, "OPTIONS": {**parts, "pool": pool}, **database}
