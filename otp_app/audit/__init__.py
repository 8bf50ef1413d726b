"""Write a record to the log ``otp_app.guard`` for each refusal, ruling of an operator, failed check and sign-in.

A refusal by a limit and a sign-in also send a signal. No record holds a code, a token or a whole phone, and none tells
whether an account exists before somebody has signed in to it.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest

from .. import phones
from ..challenges import Challenge
from ..db.transactions import send_after_commit
from ..errors import (
    ChannelNotOffered,
    InvalidOrExpiredCode,
    Limited,
    OtpError,
    ProofRequired,
    RegionNotAllowed,
    UndeliverablePhone,
)
from ..limits import proof_of_work
from ..models import BlockRow
from ..signals import blocked, limited, signed_in, signed_up
from . import proxies

logger = logging.getLogger("otp_app.guard")
BLOCKED = "blocked"  # the name of the limit, where a ruling of an operator refuses
_FIRST_OF_OURS = 500  # HTTP statuses from here on are failures of ours


@contextmanager
def recording_refusals(
    phone: str, client: str | None, challenge_id: str | None, channel: str = "", request: HttpRequest | None = None
) -> Iterator[None]:
    """Record a refusal that is raised within this context, once, and add the task to a ProofRequired."""
    told: dict[str, Any] = {"challenge": challenge_id or "", "channel": channel, "request": request}
    try:
        yield
    except Limited as refused:
        record_refusal(refused, phone, client, **told)
        proxies.examine(refused, phone, client)
        raise
    except ProofRequired as asked:
        record_proof_required(asked, phone, client)
        asked.altcha = proof_of_work.make_task()
        asked.recorded = True
        raise
    except (RegionNotAllowed, ChannelNotOffered, UndeliverablePhone) as refused:
        record_other_refusal(refused, client, phone)
        raise


def record_refusal(refused: Limited, phone: str, client: str | None, *, account: str = "", **told: Any) -> None:
    """Log ``limited`` at INFO, with the bucket that is full, and send the signal of that name, with ``told`` as well.

    Send ``blocked``, too, where a ruling of an operator refused.
    ``phone`` may be "" for a password of an account without a phone. ``account`` is then a hash by which the log tells
    such accounts apart; the name that was typed is never logged, because it may be a password by mistake.
    """
    masked = {"phone": phones.mask(phone)} if phone else {}
    named = {"account": account} if account else {}
    refused.recorded = True
    facts = {"limit": refused.limit, "retry_after": refused.retry_after, **_bucket(refused), **masked, **named}
    _log(logging.INFO, "limited", facts | {"client": client})
    # A receiver that raises must not change the answer; Django logs the error.
    told = {"challenge": "", "channel": "", "request": None} | told
    told |= {"limit": refused.limit, "retry_after": refused.retry_after, "phone": phone, "client": client}
    limited.send_robust(None, **told)
    if refused.limit == BLOCKED:
        blocked.send_robust(None, **told, subject=refused.subject)


def record_other_refusal(refused: OtpError, client: str | None, phone: str = "") -> None:
    """Log ``refused`` at INFO with the name of an error that no limit has raised, unless it has a record already.

    What was typed is never logged: without a ``phone`` that was read, the record shows none. A failure of ours (5xx) is
    no refusal.
    """
    if refused.recorded or refused.status >= _FIRST_OF_OURS:
        return
    refused.recorded = True
    region = {"region": refused.region} if isinstance(refused, RegionNotAllowed) and refused.region else {}
    masked = {"phone": phones.mask(phone)} if phone else {}
    _log(logging.INFO, "refused", {"error": type(refused).__name__, **region, **masked, "client": client})


def record_proof_required(asked: ProofRequired, phone: str, client: str | None) -> None:
    """Log ``proof_required`` at INFO, with the bucket of which more than half is used."""
    facts = {"limit": asked.limit, **_bucket(asked), "phone": phones.mask(phone), "client": client}
    _log(logging.INFO, "proof_required", facts)


def record_failed_check(phone: str, client: str | None, challenge_id: str | None, reason: str) -> InvalidOrExpiredCode:
    """Log ``check_failed`` at INFO with the reason, and return the error to raise, which does not tell the reason."""
    by = "challenge_id" if challenge_id else "phone"
    _log(logging.INFO, "check_failed", {"reason": reason, "by": by, "phone": phones.mask(phone), "client": client})
    error = InvalidOrExpiredCode()
    error.recorded = True
    return error


def record_failed_passkey(client: str | None, reason: str) -> InvalidOrExpiredCode:
    """Log ``check_failed`` at INFO with the reason, and return the error to raise, which does not tell the reason."""
    _log(logging.INFO, "check_failed", {"reason": reason, "by": "passkey", "client": client})
    error = InvalidOrExpiredCode()
    error.recorded = True
    return error


def record_sign_in(
    user: Any,
    client: str | None,
    challenge: Challenge | None,
    request: HttpRequest | None,
    *,
    is_new: bool,
    new_device: bool,
    phone: str = "",
) -> None:
    """Log ``signed_in`` at INFO with the user's primary key, and send the signal; of a new user ``signed_up`` first.

    ``new_device`` tells that a known user came without a device that this phone has signed in with before. A sign-in
    by passkey has no challenge, and names the ``phone`` of the user instead, if there is one.
    """
    facts = {"user": str(user.pk), "is_new": is_new, "new_device": new_device, "client": client}
    _log(logging.INFO, "signed_in", facts)
    sent = (challenge.phone, challenge.id, challenge.channel) if challenge else (phone, "", "")
    told = {**dict(zip(("phone", "challenge", "channel"), sent, strict=True)), "request": request}
    if is_new:
        send_after_commit(signed_up, user, **told)
    send_after_commit(signed_in, user, is_new=is_new, new_device=new_device, **told)


def record_erasure(user: Any, client: str | None) -> None:
    """Log ``account_deleted`` at INFO with the primary key that the user had."""
    _log(logging.INFO, "account_deleted", {"user": str(user.pk), "client": client})


def record_factor(what: str, user: Any, client: str | None = None, **facts: str) -> None:
    """Log ``second_factor`` with the user's primary key: at WARNING how one was lost, or replaced by a recovery code.

    ``what`` is added, removed, failed, or the factor that was proven, as authenticator.
    """
    level = logging.WARNING if what in ("recovery_code", "removed") else logging.INFO
    seen = {"client": client} if client else {}
    _log(level, "second_factor", {"what": what, "user": str(user), **seen, **facts})


def record_decision(what: str, user: Any, by: str) -> None:
    """Log ``account`` at WARNING: an operator has opened an idle account, or given a number back to one.

    ``user`` is its primary key, and ``by`` is as in :func:`record_ruling`.
    """
    _log(logging.WARNING, "account", {"what": what, "user": str(user), "by": by})


def record_watched(refused: Limited | ProofRequired, phone: str, client: str | None) -> None:
    """Log ``watched`` at INFO: a send to a watched region was served, which the bucket would have refused."""
    facts = {"limit": refused.limit, **_bucket(refused), "phone": phones.mask(phone), "client": client}
    _log(logging.INFO, "watched", facts)


def record_ruling(row: BlockRow, by: str) -> None:
    """Log ``ruled`` at WARNING; ``by`` is the primary key of the operator, or the name of the command."""
    seconds = {} if row.until is None else {"seconds": (row.until - row.since) // 1000}
    amount = {} if row.amount is None else {"amount": row.amount}
    facts = {"subject": str(row), "mode": str(row.mode), **amount, "reason": row.reason, **seconds, "by": by}
    _log(logging.WARNING, "ruled", facts)


def record_lifted_ruling(row: BlockRow, by: str) -> None:
    """Log ``lifted`` at WARNING; ``by`` is as in :func:`record_ruling`."""
    _log(logging.WARNING, "lifted", {"subject": str(row), "mode": str(row.mode), "by": by})


def _bucket(refused: Limited | ProofRequired) -> dict[str, str]:
    return {"subject": phones.mask_subject(refused.subject)} if refused.subject else {}


def _log(level: int, event: str, facts: Mapping[str, object]) -> None:
    """Log an event with its facts, in the text for people and in ``record.otp`` for programs."""
    words = " ".join(f"{name}={value!r}" if " " in str(value) else f"{name}={value}" for name, value in facts.items())
    logger.log(level, "%s %s", event, words, extra={"otp": {"event": event, **facts}})
