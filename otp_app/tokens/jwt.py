"""Issue short access tokens that other services verify by themselves (JWT), with rotating refresh tokens.

::

    issue ──────── the row of a session, its first refresh token, an access token
    authenticate ─ the signature and the claims of the access token, no query; the user is read when a view wants it
    refresh ────── one conditional statement replaces the refresh token; a reuse of a replaced one ends the session

For some seconds a refresh token that was replaced gets the same successor again, because a reply may be lost and two
tabs may ask at once (RFC 9700 §4.14.2 asks for rotation, or for tokens that are bound to their client).
"""

from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .. import accounts, staff
from ..accounts import events
from ..accounts.clients import described
from ..challenges import is_id
from ..conf import conf
from ..db import clock, writes
from ..db.transactions import send_after_commit
from ..errors import NotAuthenticated, RefreshReused
from ..models import RefreshToken
from ..signals import signed_out
from . import access_tokens, lives, refresh_tokens, signing_keys
from .base import Issued, Issuing, Session
from .bearer import token_of
from .refresh_tokens import PlainToken

_REPLACED_KEPT = 16  # of how many replaced refresh tokens a session knows when that was


class JwtTokens:
    """Issue a JWT and a refresh token for each sign-in. OTP_JWT_* are its settings; the extra ``jwt`` is needed."""

    ambient: ClassVar[bool] = False

    def issue(self, user: Any, request: HttpRequest | None) -> Issued:
        prepared, alias = _prepared(), _rows().db
        values = {**prepared.row, **described(request), "user_id": user.pk}
        writes.run(alias, writes.inserting(alias, RefreshToken, values))
        return prepared.issued_to(user)

    def issuing(self) -> Issuing | None:
        """Prepare the session, whose access token is signed when its user is known."""
        if type(self).issue is not JwtTokens.issue:  # a subclass's own ``issue`` may do more than insert the row
            return None
        return _prepared()

    def authenticate(self, request: HttpRequest) -> Any | None:
        """Return the user of the access token, unread, without a query: not even a deactivated one is noticed."""
        claims = access_tokens.claims_of(token_of(request))
        return _UnreadUser(claims["sub"]) if claims else None

    def authenticate_live(self, request: HttpRequest) -> Any | None:
        """Return the active user of the access token if its session has not been ended, by one query."""
        claims = access_tokens.claims_of(token_of(request))
        row = _live(claims["sid"]) if claims else None
        return staff.without_rights(row.user) if row else None

    def auth_time(self, request: HttpRequest, user: Any) -> datetime | None:
        claims = access_tokens.claims_of(token_of(request)) or {}
        is_own = claims.get("sub") == str(user.pk)
        return lives.instant_of(claims["auth_time"]) if is_own else None

    def is_live(self, sid: str) -> bool:
        """Return whether a session has neither been ended nor expired, and its user is active."""
        return is_id(sid) and _live(sid) is not None

    def refresh(self, refresh_token: str, request: HttpRequest | None) -> Issued:
        """Replace a refresh token, and return its successor with a new access token.

        A token that was replaced up to OTP_REFRESH_GRACE seconds ago gets the same successor. Raise RefreshReused for
        one that was replaced earlier, after ending the session; NotAuthenticated for any other.
        """
        text = refresh_tokens.read(refresh_token)
        if text is None:
            raise NotAuthenticated
        row = _row_of(text)
        if text.number == row.number and not _replace(row):
            row = _row_of(text)  # another request was faster, or has ended the session
        if not _was_replaced_just_now(row, text):
            _end_reused(row, request)
            raise RefreshReused
        accounts.record_use(row.user)
        began_at: datetime = row.began_at  # type: ignore[assignment]  # no release has left it out
        return _issued(row.user_id, began_at, text.successor())

    def revoke(self, request: HttpRequest) -> None:
        if claims := access_tokens.claims_of(token_of(request)):
            _rows().filter(sid=claims["sid"]).delete()

    def revoke_all(self, user: Any) -> None:
        _rows().filter(user=user.pk).delete()

    def sessions(self, user: Any, request: HttpRequest | None) -> list[Session]:
        claims = access_tokens.claims_of(token_of(request)) if request else None
        own = claims["sid"] if claims else ""
        return [_session(row, own) for row in _rows().filter(user=user.pk).exclude(lives.over())]

    def purge(self) -> int:
        signing_keys.purge()
        return lives.purge(RefreshToken)


class _UnreadUser(SimpleLazyObject):  # type: ignore[type-arg]  # not generic at run time
    """Stand for the user of an access token. Its key is known; everything else reads the user, once.

    Reading raises NotAuthenticated if the user is not active any more.
    """

    is_authenticated, is_anonymous = True, False

    def __init__(self, subject: str) -> None:
        key = get_user_model()._meta.pk
        pk = key.to_python(subject)
        super().__init__(partial(_read_user, pk))
        self.__dict__.update({"pk": pk, key.attname: pk})

    def __bool__(self) -> bool:
        return True


def _read_user(pk: Any) -> Any:
    user = get_user_model()._base_manager.using(accounts.database()).filter(pk=pk).first()
    if user is None or not user.is_active:
        raise NotAuthenticated
    return staff.without_rights(user)


def _prepared() -> Issuing:
    """Return a new session, without its user."""
    text, now = refresh_tokens.new(), lives.now()
    row = {"sid": text.sid.hex, "digest": text.digest, "began_at": now, "used_at": now}
    row["expires_at"] = lives.first_end(now)
    return Issuing(lambda user: _issued(user.pk, now, text), RefreshToken, row)


def _issued(pk: Any, began_at: datetime, text: PlainToken) -> Issued:
    access_token = access_tokens.sign(str(pk), text.sid.hex, began_at)
    return Issued(access_token, conf.JWT_TTL, str(text), text.sid.hex)


def _row_of(text: PlainToken) -> RefreshToken:
    """Return the row of the live session that a refresh token is of. Raise NotAuthenticated."""
    row = _live(text.sid.hex)
    if row is None or bytes(row.digest) != text.digest or text.number > row.number:
        raise NotAuthenticated
    return row


def _live(sid: str) -> RefreshToken | None:
    """Return the row of a session that has neither been ended nor expired, of an active user; ``asked_at`` is the time.

    The time is the database's, since by the clocks of two hosts a token was replaced before or long after it was.
    """
    row = _rows().select_related("user").annotate(asked_at=Now()).filter(sid=sid).first()
    if row is None or lives.is_over(row.expires_at, row.used_at, lives.now()) or not row.user.is_active:
        return None
    return row


def _replace(row: RefreshToken) -> bool:
    """Replace the refresh token of a row by its successor, in one statement; return False if it is not valid any more.

    The row is changed as the table is.
    """
    now = lives.now()
    number, replaced_at = row.number + 1, [*row.replaced_at, _asked_at(row)][-_REPLACED_KEPT:]
    values = {"number": number, "replaced_at": replaced_at, "used_at": now}
    values["expires_at"] = lives.renewed_end(row.began_at, row.expires_at, now)
    where, alias = "id = %s AND number = %s", _rows().db
    if not writes.run(alias, writes.updating(alias, RefreshToken, values, where, [row.pk, row.number])):
        return False
    row.number, row.replaced_at = number, replaced_at
    return True


def _was_replaced_just_now(row: RefreshToken, text: PlainToken) -> bool:
    ago = row.number - text.number
    return ago <= len(row.replaced_at) and _asked_at(row) - row.replaced_at[-ago] <= conf.REFRESH_GRACE * 1000


def _asked_at(row: Any) -> int:
    """Return when a row was read, in milliseconds by the database's clock and the app's offset."""
    return int(row.asked_at.timestamp() * 1000) + clock.offset()


def _end_reused(row: RefreshToken, request: HttpRequest | None) -> None:
    """End the session of a refresh token that came again, and record it, once."""
    with transaction.atomic(using=_rows().db):  # or else neither: a session must not end without a trace
        was_there = _rows().filter(pk=row.pk).delete()[0]
        if was_there:
            events.record(row.user, events.Kind.REFRESH_REUSED, request)
    if was_there:
        send_after_commit(signed_out, row.user, phone=accounts.phone_of(row.user), everywhere=False, request=request)


def _session(row: RefreshToken, own: str) -> Session:
    def end() -> bool:
        return _rows().filter(pk=row.pk).delete()[0] > 0

    return Session(row.public_id, row.began_at, row.used_at, row.client_name, row.network, row.public_id == own, end)


def _rows() -> QuerySet[RefreshToken]:
    """Return the rows of all sessions, in the database that they are written to: a replica has them late."""
    return RefreshToken.objects.using(router.db_for_write(RefreshToken))
