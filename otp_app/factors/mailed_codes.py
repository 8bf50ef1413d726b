"""Make codes that go by mail, compare them, and send mails.

The code is derived as those to phones are, from a key of the settings and what a row holds, so a dump shows none.
"""

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import get_connection, send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from ..conf import conf
from ..errors import DeliveryFailed, InvalidRequest
from ..keys import keys_for
from ..notices import warn

logger = logging.getLogger("otp_app.mails")

LIFE_SECONDS = 600  # of a code
CHECKS = 5
_DIGITS = 6


def code_for(use: str, text: str) -> str:
    """Return the code of a row, by what the row holds as ``text``; each ``use`` has a key of its own."""
    return _derived(keys_for(use)[0], text)


def matches(use: str, text: str, code: str) -> bool:
    """Return whether a code is that of a row, by a key that is in force."""
    return any(hmac.compare_digest(_derived(key, text).encode(), code.encode()) for key in keys_for(use))


def require_form(code: str) -> None:
    """Raise InvalidRequest for a code of another form, which must not cost a check."""
    if not re.fullmatch(f"[0-9]{{{_DIGITS}}}", code):
        raise InvalidRequest({"otp": [_("This must be {length} digits.").format(length=_DIGITS)]})


def send_code(email: str, template: str, code: str) -> None:
    """Send a code to an address, in the language in force. Raise DeliveryFailed if it could not be handed over."""
    send(email, _("%(brand)s: your code"), template, {"code": code, "minutes": LIFE_SECONDS // 60})


def send(email: str, subject: str, template: str, told: Mapping[str, Any]) -> None:
    """Send a mail with a subject that names the brand. Raise DeliveryFailed if it could not be handed over."""
    told = {"brand": conf.BRAND, **told}
    try:
        send_mail(subject % told, render_to_string(template, told), None, [email], connection=_connection())
    except OSError as error:  # smtplib's errors are; a text may quote the address
        warn(logger, "a mail could not be sent (%s): check Django's settings for mail", type(error).__name__)
        raise DeliveryFailed from error


def _connection() -> Any:
    """Return a connection that gives up in time; None for the default one, whose OPTIONS in MAILERS may say when."""
    if hasattr(settings, "MAILERS"):  # since Django 6.1, which then has no EMAIL_TIMEOUT
        return None
    return get_connection(timeout=settings.EMAIL_TIMEOUT or conf.PROVIDER_DEADLINE)


def _derived(key: bytes, text: str) -> str:
    number = int.from_bytes(hmac.digest(key, text.encode(), hashlib.sha256)[:8], "big")
    return str(number % 10**_DIGITS).zfill(_DIGITS)
