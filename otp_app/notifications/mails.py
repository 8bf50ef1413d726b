"""Tell a person by mail what has happened to the account: the number may be in other hands."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from .. import accounts
from ..conf import conf
from ..db.transactions import after_commit
from ..factors import emails, mailed_codes
from ..queues import background


def tell(user: Any, kind: str, request: HttpRequest | None) -> None:
    """Mail a notification to the proven address of a user, if there is one, and the kind has a text for it."""
    template = f"otp_app/{kind}.notice.mail.txt"
    if _is_there(template):
        told = {"way_back": bool(conf.RECOVERY_WAIT)}
        _tell(user, emails.find(user), request, (_("%(brand)s: a notice about your account"), template, told))


def tell_lost(user: Any, email: str, request: HttpRequest | None, *, replaced: bool = False) -> None:
    """Mail to an address, unless it is "", that a user has removed it, or has ``replaced`` it by another one.

    The other one is not told: whoever holds the account may not be its owner. Raise nothing: what goes wrong with the
    mail is logged. Within a transaction wait for its commit.
    """
    subject = _("%(brand)s: your account no longer has this e-mail address")
    _tell(user, email, request, (subject, "otp_app/email_lost.txt", {"replaced": replaced}))


def _tell(user: Any, email: str, request: HttpRequest | None, mail: tuple[Any, ...]) -> None:
    if email:
        language = accounts.language_of(user, request, accounts.phone_of(user))
        after_commit(accounts.database(), partial(background.run, partial(_mail, language, mail), email))


def _mail(language: str, mail: tuple[Any, ...], email: str) -> None:
    with override(language):
        mailed_codes.send(email, *mail)


def _is_there(template: str) -> bool:
    try:
        get_template(template)
    except TemplateDoesNotExist:
        return False
    return True
