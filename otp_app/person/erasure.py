"""Erase an account: the user, the phone, and whatever belongs to either.

::

    the phone's turn ── the user's row is locked ── the confirmation is used ── tokens, sessions, rows of the user
    ── Accounts.erase ── rows of the phone ── challenges in the store ── commit ── account_deleted

All of it is one transaction, and Redis comes last in it. A failure before the commit leaves the account as it was;
at worst its open codes are void. A sign-in that meets an erasure waits for it, and then begins a fresh account.
"""

import logging
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .. import accounts, audit, staff, stores, tokens
from ..accounts import confirmations, devices, lines
from ..challenges.policies import DELETE_ACCOUNT
from ..counters import HOUR_MS, MONTH_MS
from ..db import writes
from ..db.transactions import durable, send_after_commit
from ..db.turns import turn
from ..errors import ConfirmationRequired, ErasureRefused, Limited
from ..keys import ledger_id, phone_key
from ..limits.clients import client_of
from ..models import BlockRow, ChallengeRow, Confirmation, Delivery, KeptAnswer
from ..signals import account_deleted

logger = logging.getLogger("otp_app.accounts")

KEPT_DAYS = MONTH_MS // (24 * HOUR_MS)  # for which the ledger against abuse keeps a phone's keyed hash
KEPT_SIGN_IN = "kept sign-in"  # names the phone's answers to verifications that are kept for a minute
_PAUSE_MS = 24 * HOUR_MS  # between two erasures of a phone: on the SQL store each begins its count of sends anew


def erase(*, user: Any, request: HttpRequest | None = None, confirmation: str | None = None) -> None:
    """Erase the account of a user; with ``confirmation``, only if that is a fresh one for this.

    A program that has its own proof leaves ``confirmation`` out. Raise ConfirmationRequired, Limited for a second
    erasure of a phone within a day, or ErasureRefused: for staff, and where the project's rows or rules hold the
    account. Whatever is raised, the account is as it was. Call it outside of transactions (InsideTransaction).
    """
    alias = accounts.database()
    try:
        with turn(alias), durable(alias):
            phone = _erase(alias, user, request, confirmation)
    except IntegrityError as error:  # ProtectedError and RestrictedError are such
        _log_holders(error)
        raise ErasureRefused from None
    if request is not None:
        tokens.current().revoke(request)  # a browser's cookie goes, too
    audit.record_erasure(user, client_of(request.META) if request else None)
    send_after_commit(account_deleted, user, phone=phone, request=request)


def _erase(alias: str, user: Any, request: HttpRequest | None, confirmation: str | None) -> str:
    """Erase the account within the transaction around, and return the phone that it had."""
    # Sends, approvals and sign-ups of the phone take the same turn. On SQLite it is the first write.
    writes.take_turn(alias, phone_key(accounts.phone_of(user)), get_user_model())
    row = accounts.lock(user)
    if row is None or (confirmation is not None and not confirmations.use(user, DELETE_ACCOUNT, confirmation, {})):
        raise ConfirmationRequired(DELETE_ACCOUNT)
    if staff.is_staff(row):  # a code alone must not end them, and the admin's log of what they did would go as well
        raise ErasureRefused(_("Accounts of staff are deleted by an administrator. Nothing was changed."))
    phone = accounts.phone_of(row)
    _require_pause(phone)
    tokens.revoke_all(user, request)
    if phone:
        _delete_kept_answers(alias, user, phone)
    _delete_rows_of(alias, user)
    accounts.current().erase(row)
    if phone:
        devices.end_all(phone, erased=True)
        lines.forget(phone)
        _delete_past_blocks(alias, phone)
        stores.current().forget(phone)
    return phone


def _require_pause(phone: str) -> None:
    """Raise Limited if an account of the phone was erased within a day."""
    left = devices.ended_at(phone, erased=True) + _PAUSE_MS - stores.current().now()
    if phone and left > 0:
        raise Limited("erasures_per_phone_day", -(-left // 1000))


def _delete_rows_of(alias: str, user: Any) -> None:
    """Delete the rows of our tables that name the user: a project's ``erase`` may leave its own row of the user."""
    for model in apps.get_app_config("otp_app").get_models():
        for field in model._meta.concrete_fields:
            if field.related_model is get_user_model():
                model._base_manager.using(alias).filter(**{field.name: user.pk}).delete()


def _delete_kept_answers(alias: str, user: Any, phone: str) -> None:
    """Delete the answers that are kept for repeated requests of the phone's challenges, confirmations and sign-ins."""
    keys = [phone_key(phone), phone_key(phone, "any")]
    of_challenges = models.Q(challenge__in=ChallengeRow.objects.using(alias).filter(phone=phone).values("id"))
    of_sends = models.Q(challenge__in=Delivery.objects.using(alias).filter(phone__in=keys).values("challenge"))
    of_confirmations = models.Q(challenge__in=Confirmation.objects.using(alias).filter(user=user.pk).values("nonce"))
    of_sign_ins = models.Q(challenge=UUID(ledger_id(KEPT_SIGN_IN, phone)))
    KeptAnswer.objects.using(alias).filter(of_challenges | of_sends | of_confirmations | of_sign_ins).delete()


def _delete_past_blocks(alias: str, phone: str) -> None:
    """Delete blocks of a phone that are over. One in force stays: it is of the number, whoever has it."""
    past = models.Q(lifted_at__isnull=False) | models.Q(until__lte=stores.current().now())
    BlockRow.objects.using(alias).filter(past, subject=f"phone {phone}").delete()


def _log_holders(error: IntegrityError) -> None:
    """Tell the operator which tables hold an account that was to be erased."""
    held: Any = getattr(error, "protected_objects", None) or getattr(error, "restricted_objects", ())
    names = ", ".join(sorted({each._meta.label for each in held})) or type(error).__name__
    logger.warning("an account cannot be erased, because of %s: override erase in the class of OTP_ACCOUNTS", names)
