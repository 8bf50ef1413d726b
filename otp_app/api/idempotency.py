"""Idempotency-Key: who asks the same again under the same key gets the same answer, and the phone no second message.

::

    hold the key ── send ── keep the answer, for as long as the challenge lives
         │           └──── refused, so nothing was sent: let the key go
         ├─ answered: the answer, byte for byte · in flight: 409 · of another body: 422
         └─ held too long, for its process has died: the challenge tells whether the send has happened

A key is a client's own, and neither the key, the client nor the body can be read from the database. The id of a new
challenge is written down before there is one: between its commit and the answer nothing can be lost. Instants are those
of the store's clock, by which challenges expire.
"""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import DatabaseError, router
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request

from .. import queues, services, stores
from ..challenges import Grant, is_id, random_id
from ..conf import conf
from ..db import writes
from ..delivery import records
from ..errors import InvalidOrExpiredCode, InvalidRequest, OtpError, Unavailable
from ..keys import ledger_id
from ..limits.clients import client_of
from ..models import KeptAnswer
from .problems import IdempotencyKeyReused, RequestInProgress
from .serializers import Json, sent_answer

HEADER = "Idempotency-Key"
_META = "HTTP_IDEMPOTENCY_KEY"
_KEY = re.compile("[ -~]{1,255}")
_LONGEST = 600_000  # milliseconds: no challenge lives longer, and so no key in flight either
_GRACE = 5  # seconds beyond the provider's deadline after which nobody is at work any more


def once(request: Request, send: Callable[[str], Grant]) -> Json:
    """The answer of ``send``, which is called with the id for a new challenge, or the one that was given before.

    Raises InvalidRequest, IdempotencyKeyReused, RequestInProgress, or what ``send`` raises.
    """
    key = request.META.get(_META)
    if key is None:
        return _answer(send(""))
    if not _KEY.fullmatch(key):
        raise InvalidRequest({HEADER: [_("This must be 1 to 255 printable ASCII characters.")]})
    held = _hold(request, key)
    if held.answer is not None:
        return _loaded(held.answer)
    try:
        grant = send(held.challenge.hex)
    except Exception as error:
        _let_go(held, sent_nothing=isinstance(error, OtpError) and not isinstance(error, Unavailable))
        raise
    answer = _answer(grant)
    with suppress(DatabaseError):  # the message is on its way: who asks again will be answered by the challenge
        _keep(held, answer, grant.challenge.expires_at)
    return answer


def _hold(request: Request, key: str) -> KeptAnswer:
    """The row of a key: ours from now on, or with the answer."""
    asked: Any = request.data
    wanted = asked.get("challenge_id", "")
    now = stores.current().now()
    values: dict[str, Any] = {
        "body": UUID(ledger_id("idempotent body", _digest(asked))),
        "challenge": UUID(wanted if is_id(wanted) else random_id()),
        "answer": None,
        "expires_at": now + _LONGEST,
    }
    name = UUID(ledger_id("idempotency key", f"{client_of(request.META)} {key}"))
    ours, row = KeptAnswer(key=name, **values), _rows().filter(key=name).first()
    if row is None:
        alias = router.db_for_write(KeptAnswer)  # of many at once one writes its row; no error in the database's log
        if writes.run(alias, writes.merging(alias, KeptAnswer, [{"key": name, **values}], ["key"])):
            return ours
        row = _rows().filter(key=name).first()
    if row is None:  # it was held when we tried, and let go of when we looked
        raise RequestInProgress
    if row.expires_at > now and _is_answered(row, values["body"], now):
        return row
    # Too old, or left behind: of many who see that, one takes it over.
    if not _as_seen(row).update(**values):
        raise RequestInProgress
    return ours


def _is_answered(row: KeptAnswer, body: UUID, now: int) -> bool:
    """Whether a row that still counts has an answer, maybe found now. False when the request is to be done anew."""
    if row.body != body:
        raise IdempotencyKeyReused
    if row.answer is None:
        if _held_since(row) + (conf.PROVIDER_DEADLINE + _GRACE) * 1000 > now:
            raise RequestInProgress
        _recall(row)
    return row.answer is not None


def _recall(row: KeptAnswer) -> None:
    """Nobody is at work on it. If its send is in the challenge, it was committed.

    Then a worker will deliver it, or whoever took it on with the send has. If nobody has, as when the store's answer
    was lost, it is *unknown*, and the person sends again.
    """
    challenge = stores.current().get(row.challenge.hex)
    if not challenge or not challenge.sent_at or challenge.sent_at[-1] < _held_since(row):
        return
    if not queues.current().at_once:  # else it was taken on with the send, and is not begun twice
        records.insert_queued(challenge)
    with suppress(InvalidOrExpiredCode):
        state = services.state(challenge_id=challenge.id)
        answer = sent_answer(challenge.id, state.expires_in, state.resend_in)
        _keep(row, answer, challenge.expires_at)
        row.answer = _dumped(answer)


def _keep(row: KeptAnswer, answer: Json, expires_at: int) -> None:
    _as_seen(row).update(answer=_dumped(answer), expires_at=expires_at)


def _let_go(row: KeptAnswer, *, sent_nothing: bool) -> None:
    """A refusal frees the key. After any other error nobody knows: whoever asks next looks for the challenge."""
    with suppress(DatabaseError):  # then the lease ends by itself
        if sent_nothing:
            _as_seen(row).delete()
        else:
            _as_seen(row).update(expires_at=F("expires_at") - (conf.PROVIDER_DEADLINE + _GRACE) * 1000)


def _held_since(row: KeptAnswer) -> int:
    """Of a row in flight: since when; after an error, by as much earlier as its lease is long."""
    return row.expires_at - _LONGEST


def _as_seen(row: KeptAnswer) -> QuerySet[KeptAnswer]:
    """The row if nobody has touched it meanwhile."""
    return _rows().filter(key=row.key, challenge=row.challenge, expires_at=row.expires_at)


def _rows() -> QuerySet[KeptAnswer]:
    return KeptAnswer.objects.using(router.db_for_write(KeptAnswer))


def _digest(asked: Json) -> str:
    """Return what a body is named by: names are remembered for a while, and a body may be long."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _answer(grant: Grant) -> Json:
    return sent_answer(grant.challenge.id, grant.expires_in, grant.resend_in)


def _dumped(answer: Json) -> str:
    """As text: PostgreSQL's JSON forgets in which order the members stood."""
    return json.dumps(answer)


def _loaded(text: str) -> Json:
    answer: Json = json.loads(text)
    return answer
