"""Add the e-mail address of a user, and tell the number of it: whoever has added it could come back by it."""

from typing import Any

from django.http import HttpRequest

from .. import notifications
from ..proofs import enrolments


def add(*, user: Any, challenge_id: str, otp: str, request: HttpRequest) -> None:
    """Keep an address if the code is that which was sent there; raise as ``factors.emails.verify`` does."""
    enrolments.add_email(user, challenge_id, otp, request)
    notifications.send(user, notifications.EMAIL_ADDED, request=request)
