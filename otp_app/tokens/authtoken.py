"""Issue the tokens of Django REST framework's authtoken: one for each user, so a sign-in ends the one before it."""

from datetime import timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework.authentication import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from ..conf import conf
from ..models.tokens import session_id
from .adapters import RowTokens
from .base import Issued


class AuthTokens(RowTokens):
    """Issue a new key at each sign-in. It ends after OTP_TOKEN_TTL, because the library knows of no end."""

    app: ClassVar[str] = "rest_framework.authtoken"
    authentication_class: ClassVar[str] = "rest_framework.authentication.TokenAuthentication"

    def _issue(self, user: Any) -> Issued:
        key = self._rows().model.generate_key()
        if not self._rows().filter(user=user).update(key=key, created=timezone.now()):
            # Of two first sign-ins at once both get the key of the one that was faster.
            key = self._rows().get_or_create(user=user, defaults={"key": key})[0].key
        return Issued(key, conf.TOKEN_TTL, session=session_id(key.encode()))

    def _row_of(self, token: str) -> Any | None:
        try:
            row = TokenAuthentication().authenticate_credentials(token)[1]
        except AuthenticationFailed:
            return None
        return row if row.created > _oldest() else None

    def _rows(self) -> QuerySet[Any]:
        model = apps.get_model("authtoken", "Token")
        return model._base_manager.using(router.db_for_write(model))

    def _over(self) -> Q:
        return Q(created__lte=_oldest())


def _oldest() -> Any:
    return timezone.now() - timedelta(seconds=conf.TOKEN_TTL)
