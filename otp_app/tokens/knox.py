"""Issue the tokens of django-rest-knox: one for each sign-in, of which only a hash is stored."""

from datetime import timedelta
from typing import Any, ClassVar

from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone
from knox.settings import knox_settings
from rest_framework.exceptions import AuthenticationFailed

from ..conf import conf
from ..models.tokens import session_id
from .adapters import RowTokens
from .base import Issued


class KnoxTokens(RowTokens):
    """Issue tokens that live as long as REST_KNOX says; where it says for ever, as long as OTP_TOKEN_TTL says."""

    app: ClassVar[str] = "knox"
    authentication_class: ClassVar[str] = "knox.auth.TokenAuthentication"

    def _issue(self, user: Any) -> Issued:
        life = knox_settings.TOKEN_TTL or timedelta(seconds=conf.TOKEN_TTL)
        row, token = self._rows().model.objects.create(user, expiry=life)
        return Issued(token, int(life.total_seconds()), session=session_id(row.pk.encode()))

    def _row_of(self, token: str) -> Any | None:
        from knox.auth import TokenAuthentication  # it imports the tables, which a check asks for

        try:
            return TokenAuthentication().authenticate_credentials(token.encode())[1]
        except AuthenticationFailed:
            return None

    def _rows(self) -> QuerySet[Any]:
        from knox.models import get_token_model

        model: Any = get_token_model()
        rows: QuerySet[Any] = model._base_manager.using(router.db_for_write(model))
        return rows

    def _over(self) -> Q:
        return Q(expiry__lt=timezone.now())
