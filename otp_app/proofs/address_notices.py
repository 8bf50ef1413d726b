"""Tell an e-mail address by a mail that an account has it no more: whoever holds the account may not be its owner."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import override

from .. import accounts
from ..db.transactions import after_commit
from ..factors import mailed_codes
from ..phones.languages import language_of
from ..queues import background


def tell_lost(user: Any, email: str, request: HttpRequest | None, *, replaced: bool = False) -> None:
    """Mail to an address, unless it is "", that a user has removed it, or has ``replaced`` it by another one.

    The other one is not told. Raise nothing: what goes wrong with the mail is logged. Within a transaction wait for its
    commit.
    """
    if email:
        # Somebody else may have made the request.
        language = accounts.language_of(user) or language_of(request or HttpRequest(), accounts.phone_of(user))
        after_commit(accounts.database(), partial(background.run, partial(_mail, language, replaced), email))


def _mail(language: str, replaced: bool, email: str) -> None:
    with override(language):
        subject = _("%(brand)s: your account no longer has this e-mail address")
        mailed_codes.send(email, subject, "otp_app/email_lost.txt", {"replaced": replaced})
