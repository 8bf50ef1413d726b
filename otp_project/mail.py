"""Turn the URL of a mail server into Django's settings."""

from typing import Any

import django
import environ

TIMEOUT = 10  # seconds that a mail server has
_OPTIONS = {
    "EMAIL_HOST": "host",
    "EMAIL_PORT": "port",
    "EMAIL_HOST_USER": "username",
    "EMAIL_HOST_PASSWORD": "password",
    "EMAIL_USE_TLS": "use_tls",
    "EMAIL_USE_SSL": "use_ssl",
    "EMAIL_FILE_PATH": "file_path",
}


def server(url: str, *, debug: bool) -> dict[str, Any]:
    """Return the settings in the form of the installed Django: 6.1 has MAILERS.

    Without a URL mails are printed with ``debug``, and else go to a server on this machine.
    """
    found = environ.Env.email_url_config(url or ("consolemail://" if debug else "smtp://localhost:25"))
    if django.VERSION < (6, 1):
        return {**found, "EMAIL_TIMEOUT": TIMEOUT}
    options = {option: found[name] for name, option in _OPTIONS.items() if found.get(name)}
    timeout = {"timeout": TIMEOUT} if "host" in options else {}
    return {"MAILERS": {"default": {"BACKEND": found["EMAIL_BACKEND"], "OPTIONS": options | timeout}}}
