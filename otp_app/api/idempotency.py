"""Answer a repeated request under the same Idempotency-Key with the first answer, and send no second message.

::

    acquire the key ── send ── save the answer until the challenge expires
         │              └──── refused, so nothing was sent: release the key
         ├─ answered: the same answer, byte for byte · in progress: 409 · used for another body: 422
         └─ in progress for too long, so its process has died: the challenge shows whether the send happened

A key belongs to one user, or to one client where nobody need be signed in. The database shows neither the key nor whose
it is nor the body, only keyed hashes. The id
of a new challenge is written down before the challenge exists, so nothing is lost between the challenge's commit and
the answer. Times come from the store's clock, by which challenges expire.
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

from .. import accounts, queues, services, stores
from ..challenges import Grant, is_id, random_id
from ..challenges.policies import LOGIN, MAX_TTL_SECONDS
from ..conf import conf
from ..db import writes
from ..delivery import records
from ..errors import InvalidOrExpiredCode, InvalidRequest, OtpError, Unavailable
from ..keys import ledger_id
from ..limits.clients import client_of
from ..models import KeptAnswer
from .fields import Json
from .problems import IdempotencyKeyReused, RequestInProgress
from .serializers import sent_answer

HEADER = "Idempotency-Key"
_META_NAME = "HTTP_IDEMPOTENCY_KEY"
_KEY_FORM = re.compile("[ -~]{1,255}")
_MAX_HELD_MS = MAX_TTL_SECONDS * 1000  # no challenge lives longer, so no key in progress is held longer
_GRACE_SECONDS = 5  # beyond the provider's deadline: after them no process is still at work on the request


def answer_once(request: Request, send: Callable[[str], Grant]) -> Json:
    """Return the answer of ``send``, which is called with an id for a new challenge, or the answer saved before.

    Raise InvalidRequest, IdempotencyKeyReused, RequestInProgress, or what ``send`` raises.
    """
    key = key_of(request)
    if key is None:
        return _answer(send(""))
    body: Any = request.data
    wanted = body.get("challenge_id", "")
    row = acquire(request, key, "idempotency key", wanted if is_id(wanted) else random_id())
    if row.answer is not None:
        return _decoded(row.answer)
    try:
        grant = send(row.challenge.hex)
    except Exception as error:
        release(row, sent_nothing=isinstance(error, OtpError) and not isinstance(error, Unavailable))
        raise
    answer = _answer(grant)
    with suppress(DatabaseError):  # the message is on its way: a repeated request is answered from the challenge
        save(row, _encoded(answer), grant.challenge.expires_at)
    return answer


def key_of(request: Request) -> str | None:
    """Return the key that a request names, or None; raise InvalidRequest."""
    key: str | None = request.META.get(_META_NAME)
    if key is not None and not _KEY_FORM.fullmatch(key):
        raise InvalidRequest({HEADER: [_("This must be 1 to 255 printable ASCII characters.")]})
    return key


def acquire(request: Request, key: str, use: str, challenge_id: str) -> KeptAnswer:
    """Return the row of a key: new or taken over, and then held by this request, or with the answer saved before.

    A key is one of its ``use``. When the process has died, ``challenge_id`` shows whether its send happened. Raise
    IdempotencyKeyReused or RequestInProgress.
    """
    body: Any = request.data
    now = stores.current().now()
    values: dict[str, Any] = {
        "body": UUID(ledger_id("idempotent body", _digest(body))),
        "challenge": UUID(challenge_id),
        "answer": None,
        "expires_at": now + _MAX_HELD_MS,
    }
    name = UUID(ledger_id(use, f"{_owner_of(request)} {key}"))
    ours, row = KeptAnswer(key=name, **values), _rows().filter(key=name).first()
    if row is None:
        alias = router.db_for_write(KeptAnswer)  # one of many at once writes its row; the database logs no error
        if writes.run(alias, writes.merging(alias, KeptAnswer, [{"key": name, **values}], ["key"])):
            return ours
        row = _rows().filter(key=name).first()
    if row is None:  # another request held the key during our insert, and released it before our select
        raise RequestInProgress
    if row.expires_at > now and _is_answered(row, values["body"], now):
        return row
    # The row has expired, or its process has died: one of the requests that see this takes the row over.
    if not _unchanged(row).update(**values):
        raise RequestInProgress
    return ours


def _owner_of(request: Request) -> str:
    """Return whom a key belongs to. Behind one address two users may have the same key, and bodies without a phone."""
    return f"user {request.user.pk}" if request.authenticators else client_of(request.META)


def _is_answered(row: KeptAnswer, body: UUID, now: int) -> bool:
    """Tell whether a row that has not expired has an answer, saved before or recovered now from its challenge.

    False: the send did not happen, and the request may be made anew. Raise IdempotencyKeyReused or RequestInProgress.
    """
    if row.body != body:
        raise IdempotencyKeyReused
    if row.answer is None:
        if held_since(row) + _lease_ms() > now:
            raise RequestInProgress
        _recover_answer(row)
    return row.answer is not None


def _recover_answer(row: KeptAnswer) -> None:
    """Set the answer of a row whose process has died, if the challenge shows that its send was committed.

    A worker will deliver that send, or the process that claimed it with the send has delivered it. If neither is so,
    for example because the store's answer was lost, its outcome is *unknown*, and the person sends again.
    """
    challenge = stores.current().get(row.challenge.hex)
    if not challenge or not challenge.sent_at or challenge.sent_at[-1] < held_since(row):
        return
    # Else the send was claimed with the challenge, and must not begin twice; so was a sign-in's that is withheld.
    if not queues.current().at_once and (challenge.purpose != LOGIN or accounts.are_public()):
        records.insert_queued(challenge)
    with suppress(InvalidOrExpiredCode):
        state = services.state(challenge_id=challenge.id)
        answer = sent_answer(challenge.id, state.expires_in, state.resend_in)
        row.answer = _encoded(answer)
        save(row, row.answer, challenge.expires_at)


def save(row: KeptAnswer, answer: str, expires_at: int) -> None:
    _unchanged(row).update(answer=answer, expires_at=expires_at)


def release(row: KeptAnswer, *, sent_nothing: bool) -> None:
    """Free the key after a refusal; after any other error end its lease, and the next request asks the challenge."""
    with suppress(DatabaseError):  # then the lease ends by itself
        if sent_nothing:
            _unchanged(row).delete()
        else:
            _unchanged(row).update(expires_at=F("expires_at") - _lease_ms())


def _lease_ms() -> int:
    """Return for how long a request may hold its key before its process counts as dead, in milliseconds."""
    return (conf.PROVIDER_DEADLINE + _GRACE_SECONDS) * 1000


def held_since(row: KeptAnswer) -> int:
    """Return when a row in progress was acquired (milliseconds), or one lease earlier if its request failed."""
    return row.expires_at - _MAX_HELD_MS


def _unchanged(row: KeptAnswer) -> QuerySet[KeptAnswer]:
    """Select the row unless another request has changed it since it was read."""
    return _rows().filter(key=row.key, challenge=row.challenge, expires_at=row.expires_at)


def _rows() -> QuerySet[KeptAnswer]:
    return KeptAnswer.objects.using(router.db_for_write(KeptAnswer))


def _digest(body: Json) -> str:
    """Return a short hash of a body: ``ledger_id`` remembers its arguments for a while, and a body may be long."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _answer(grant: Grant) -> Json:
    return sent_answer(grant.challenge.id, grant.expires_in, grant.resend_in)


def _encoded(answer: Json) -> str:
    """Encode an answer as text: PostgreSQL's JSON does not keep the order of members."""
    return json.dumps(answer)


def _decoded(text: str) -> Json:
    answer: Json = json.loads(text)
    return answer
