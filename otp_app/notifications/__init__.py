"""Tell a person what has happened to the account: by SMS with a link by which the person may act, and by mail.

::

    send ── (after the commit) rulings.decide ── store.take ── notifications.add ── (in a moment) queue ── (delivery)
     └───── (after the commit) mails.tell ── factors.emails.find ── (in a moment) Django's mail
    the page of the link ── otp_app.web.notices: what each kind of notification can do

A kind is a word that has a text (``otp_app/<kind>.notice.sms.txt``, its form "short" at most 18 characters in Russian)
and, as long as its link is to do something, a page (``otp_app/web/<kind>.notice.html``) and a row in ``ACTS`` there. If
it has a text for mails (``otp_app/<kind>.notice.mail.txt``), a person who has proven an address is told there as well.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest

from .. import accounts, audit, phones, queues, rulings, stores
from ..accounts import notifications
from ..challenges import Grant
from ..conf import conf
from ..db.transactions import after_commit
from ..delivery import routing
from ..limits import request_limits
from ..limits.table import Trigger
from ..providers.base import Channel
from ..queues import background
from ..stores import outbox
from . import mails

logger = logging.getLogger("otp_app.notifications")

NEW_DEVICE = "new_device"  # a sign-in by a client that no device value made known; the subject is its session
NUMBER_CHANGED = "number_changed"  # told to the old number; the subject is the change
SECOND_PHONE_ADDED = "second_phone_added"  # told to the first number; the subject is the challenge of the second
SECOND_PHONE_REMOVED = "second_phone_removed"  # told to that number; without a link, as there is nothing to undo
FACTOR_ADDED = "factor_added"  # an authenticator or a passkey; without a link, since there are pages of the project
EMAIL_ADDED = "email_added"  # whoever has added it could come back by it; no subject, so no link
RECOVERY_BEGUN = "recovery_begun"  # also told by mail; the subject is the recovery
# What counts the messages of a kind: else a flood of one kind would keep another from being sent.
_TRIGGERS = {
    NUMBER_CHANGED: Trigger.CHANGE_NOTICE,
    RECOVERY_BEGUN: Trigger.CHANGE_NOTICE,
    SECOND_PHONE_ADDED: Trigger.FACTOR_NOTICE,
    SECOND_PHONE_REMOVED: Trigger.FACTOR_NOTICE,
    FACTOR_ADDED: Trigger.FACTOR_NOTICE,
    EMAIL_ADDED: Trigger.FACTOR_NOTICE,
}


def send(
    user: Any, kind: str, *, phone: str = "", also: str = "", subject: str = "", request: HttpRequest | None = None
) -> None:
    """Send a notification to ``phone``, by default the user's, to the number ``also``, and to the proven address.

    It is in the language that the user has chosen, else in that of the request, or of the number. ``subject`` is what
    the link acts on; without one there is no link. Raise nothing: whatever goes wrong is logged, and limits refuse an
    SMS (the phone's own, the budget, the rulings of operators). Within a transaction wait for its commit; a provider
    that costs money is called in a moment, by another thread.
    """
    for number in filter(None, (phone or accounts.phone_of(user), also)):
        after_commit(outbox.database(), partial(_or_log, kind, partial(_send, user, kind, number, subject, request)))
    after_commit(outbox.database(), partial(_or_log, kind, partial(mails.tell, user, kind, request)))


def _or_log(kind: str, tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception as error:  # noqa: BLE001  (what it tells of has happened, and must not fail by it)
        # Only the type is logged: a text may quote the phone.
        logger.error("not notified of %s: %s", kind, type(error).__name__)  # noqa: TRY400  (a traceback may, too)


def _send(user: Any, kind: str, number: str, subject: str, request: HttpRequest | None) -> None:
    phone = phones.as_phone(number)
    price = routing.highest_price(phone, Channel.SMS) if conf.BUDGET_PER_DAY and not phone.is_test else 0
    trigger = _TRIGGERS.get(kind, Trigger.NOTIFICATION)
    limits = request_limits.for_notification(phone, price=price, trigger=trigger)
    with audit.recording_refusals(phone, None, None, Channel.SMS, request):
        # As for a known device, so that no block of a whole prefix or country keeps it from somebody who is signed in.
        taken = rulings.decide(phone, None, limits, stores.current().take, device=True)
    language = accounts.language_of(user, request, phone)
    challenge = notifications.add(user, kind, phone, subject, language, taken)
    background.run(queues.current().enqueue, Grant(challenge, challenge.created_at, 0))
