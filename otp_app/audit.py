"""Tells the operator what was refused, opened again or signed in: a log record each; of refusals also a signal.

A block has a row as well. No record holds a code, a token or a phone in full, and none tells whether there is an
account before somebody has signed in to it.
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
def reporting(phone: str, client: str | None) -> Iterator[None]:
    """Tell the operator of what is refused within, and put its task beside a proof of work that is asked for."""
    try:
        yield
    except Limited as refused:
        report(refused, phone, client)
        raise
    except ProofRequired:
        proof_asked(phone, client)
        raise ProofRequired(proof_of_work.task()) from None


def report(refused: Limited, phone: str, client: str | None, *, account: str = "") -> None:
    """To be called once for each refusal.

    ``phone`` is empty where none was named, as for the password of an account that has none; ``account`` is then a name
    under which the log tells such accounts apart. Never the name that was typed: it may be a password by mistake.
    """
    who = {"phone": phones.mask(phone)} if phone else {}
    named = {"account": account} if account else {}
    _log(
        logging.INFO,
        "limited",
        {"limit": refused.limit, "retry_after": refused.retry_after, **who, **named, "client": client},
    )
    # A receiver that fails must not make another answer of a refusal; Django logs it.
    limited.send_robust(None, limit=refused.limit, retry_after=refused.retry_after, phone=phone, client=client)
    if refused.block:
        _begin(refused.block)


def proof_asked(phone: str, client: str | None) -> None:
    """Record that a send was answered by a proof of work to solve."""
    _log(logging.INFO, "proof_required", {"phone": phones.mask(phone), "client": client})


def check_failed(phone: str, client: str | None, challenge_id: str | None, reason: str) -> InvalidOrExpiredCode:
    """Record why a check failed, and by what its challenge was named; the error to raise, which tells neither."""
    by = "challenge_id" if challenge_id else "phone"
    _log(logging.INFO, "check_failed", {"reason": reason, "by": by, "phone": phones.mask(phone), "client": client})
    return InvalidOrExpiredCode()


def signed_in(user: Any, client: str | None, *, is_new: bool) -> None:
    """Record a sign-in, by the key of its user."""
    _log(logging.INFO, "signed_in", {"user": str(user.pk), "is_new": is_new, "client": client})


def unblocked(row: BlockRow, by: object) -> None:
    """An operator, the user with the key ``by``, has lifted a block."""
    _log(logging.WARNING, "unblocked", {"subject": str(row), "limit": row.limit, "by": str(by)})


def _begin(block: Block) -> None:
    """Told before it is written down: the alarm must not depend on the database."""
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
    except DatabaseError:  # nobody could lift a block without its row: it begins again when there is a database
        stores.current().lift(block.key, block.forgives)
        raise


def _log(level: int, event: str, facts: Mapping[str, object]) -> None:
    """The facts stand in the text for people and in the record for programs (``record.otp``)."""
    words = " ".join(f"{name}={value!r}" if " " in str(value) else f"{name}={value}" for name, value in facts.items())
    logger.log(level, "%s %s", event, words, extra={"otp": {"event": event, **facts}})
