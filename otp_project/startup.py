"""Say in one line what the service runs with, so that the log shows what was set wrong. The line holds no secret."""

from django.conf import settings
from django.db import connection

from otp_app import __version__, phones, providers
from otp_app.conf import conf


def address() -> str:
    """Return the address that the service listens on."""
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    return f"http://{host}:{settings.PORT}"


def line() -> str:
    """Return the address, the version, the database, the store, the providers, the countries and the proxies."""
    facts = {
        "database": _database(),
        "store": conf.STORE.rpartition(".")[2],
        "providers": " ".join(providers.aliases()),
        "regions": " ".join(sorted(phones.allowed_regions())),
        "trusted proxies": conf.TRUSTED_PROXIES,
    }
    return ", ".join([f"otp_app {__version__} on {address()}", *(f"{name} {fact}" for name, fact in facts.items())])


def _database() -> str:
    values = connection.settings_dict
    server = ":".join(str(values[name]) for name in ("HOST", "PORT") if values[name])
    return f"{connection.vendor} {values['NAME']}" + (f" at {server}" if server else "")
