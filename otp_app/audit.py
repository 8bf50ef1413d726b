"""Write a record to the log ``otp_app.guard`` for each refusal, block, lifted block, failed check and sign-in.

A refusal and a block also send a signal, and a block is written as a row. No record holds a code, a token or a whole
phone, and none tells whether an account exists before somebody has signed in to it.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError

from . import phones, stores
from .errors import Block, InvalidOrExpiredCode, Limited, ProofRequired
from .limits import proof_of_work
from .models import BlockRow
from .signals import blocked, limited

logger = logging.getLogger("otp_app.guard")


@contextmanager
def recording_refusals(phone: str, client: str | None) -> Iterator[None]:
    """Record a refusal that is raised within this context, and add the task to a ProofRequired."""
    try:
        yield
    except Limited as refused:
        record_refusal(refused, phone, client)
        raise
    except ProofRequired:
        record_proof_required(phone, client)
        raise ProofRequired(proof_of_work.make_task()) from None


def record_refusal(refused: Limited, phone: str, client: str | None, *, account: str = "") -> None:
    """Log ``limited`` at INFO and send the signal of that name; record the block that the refusal begins.

    ``phone`` may be "" for a password of an account without a phone. ``account`` is then a hash by which the log tells
    such accounts apart; the name that was typed is never logged, because it may be a password by mistake.
    """
    masked = {"phone": phones.mask(phone)} if phone else {}
    named = {"account": account} if account else {}
    _log(
        logging.INFO,
        "limited",
        {"limit": refused.limit, "retry_after": refused.retry_after, **masked, **named, "client": client},
    )
    # A receiver that raises must not change the answer; Django logs the error.
    limited.send_robust(None, limit=refused.limit, retry_after=refused.retry_after, phone=phone, client=client)
    if refused.block:
        _record_block(refused.block)


def record_proof_required(phone: str, client: str | None) -> None:
    """Log ``proof_required`` at INFO: a send needs a proof of work."""
    _log(logging.INFO, "proof_required", {"phone": phones.mask(phone), "client": client})


def record_failed_check(phone: str, client: str | None, challenge_id: str | None, reason: str) -> InvalidOrExpiredCode:
    """Log ``check_failed`` at INFO with the reason, and return the error to raise, which does not tell the reason."""
    by = "challenge_id" if challenge_id else "phone"
    _log(logging.INFO, "check_failed", {"reason": reason, "by": by, "phone": phones.mask(phone), "client": client})
    return InvalidOrExpiredCode()


def record_sign_in(user: Any, client: str | None, *, is_new: bool) -> None:
    """Log ``signed_in`` at INFO with the primary key of the user."""
    _log(logging.INFO, "signed_in", {"user": str(user.pk), "is_new": is_new, "client": client})


def record_lifted_block(row: BlockRow, by: object) -> None:
    """Log ``unblocked`` at WARNING; ``by`` is the primary key of the operator, or the command that lifted the block."""
    _log(logging.WARNING, "unblocked", {"subject": str(row), "limit": row.limit, "by": str(by)})


def _record_block(block: Block) -> None:
    """Log ``blocked`` at ERROR and send that signal, then write a BlockRow: the alarm must not need the database."""
    seconds = (block.until - block.since) // 1000
    subject = phones.mask_subject(block.subject)
    _log(
        logging.ERROR,
        "blocked",
        {"subject": subject, "limit": block.limit, "reason": block.reason, "seconds": seconds},
    )
    blocked.send_robust(None, block=block)
    try:
        BlockRow.objects.create(**asdict(block) | {"forgives": block.key})
    except DatabaseError:  # without a row nobody could lift the block: end it, and the next refusal begins it again
        stores.current().lift(block.key, block.forgives)
        raise


def _log(level: int, event: str, facts: Mapping[str, object]) -> None:
    """Log an event with its facts, in the text for people and in ``record.otp`` for programs."""
    words = " ".join(f"{name}={value!r}" if " " in str(value) else f"{name}={value}" for name, value in facts.items())
    logger.log(level, "%s %s", event, words, extra={"otp": {"event": event, **facts}})
