"""Serve what a person may do with their own account: see and change it, copy its data, end it."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import accounts, person, stores
from ..accounts import adapter, events, profiles
from ..accounts.events import Kind
from ..errors import NotAuthenticated
from ..models import SecurityEvent
from ..phones.languages import LANGUAGES
from ..users import AbstractPhoneUser
from .authentication import LiveTokenAuthentication
from .confirmations import HEADER
from .fields import Json, ObjectField, TextField
from .serializers import user_answer
from .views import OtpView

_DAY_MS = 24 * 3600 * 1000
_NOT_TEXT: Any = TextField.default_error_messages["not_text"]


class NameField(serializers.CharField):
    """Take a JSON string and convert nothing into one."""

    default_error_messages = {  # noqa: RUF012  (DRF has no texts in Uzbek)
        "invalid": _NOT_TEXT,
        "null": _NOT_TEXT,
        "max_length": gettext_lazy("This must have at most {max_length} characters."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class LanguageField(serializers.ChoiceField):
    default_error_messages = {  # noqa: RUF012
        "invalid_choice": gettext_lazy("This value is not possible."),
        "null": _NOT_TEXT,
    }


class OwnMembersSerializer(serializers.Serializer):  # type: ignore[type-arg]  # not generic at run time
    """Take what a user of ours may change, where the accounts name no serializer of their own."""

    full_name = NameField(max_length=150, allow_blank=True)
    language = LanguageField(LANGUAGES, allow_blank=True)


class ChangesSerializer(serializers.Serializer):  # type: ignore[type-arg]  # not generic at run time
    """Describe the body of a change: the schema fills in the members of ``changing_class``."""


def changing_class() -> Any | None:
    """Return the serializer of the members that may be changed, or None if there is nothing to change."""
    ours = OwnMembersSerializer if issubclass(get_user_model(), AbstractPhoneUser) else None
    return profiles.serializer_class() or ours


class MeView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = ChangesSerializer

    def get(self, request: Request) -> Response:
        return Response(_answer(request.user))

    def patch(self, request: Request) -> Response:
        given = ObjectField().run_validation(self.json(request))
        members = profiles.changes(changing_class(), given, request.user, request._request)
        user = profiles.change(request.user, members)
        if user is None:
            raise NotAuthenticated
        return Response(_answer(user))

    def delete(self, request: Request) -> Response:
        """End the account, with the confirmation in the header, and say what is kept."""
        confirmation = request.headers.get(HEADER, "")
        person.erase(user=request.user, request=request._request, confirmation=confirmation)
        kept = _("A keyed hash of your number, by which the limits against abuse go on counting.")
        return Response({"message": "Account deleted", "kept": {"what": kept, "days": person.KEPT_DAYS}})


class ExportView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        # Once a day, or it would drive other events out of the list; first, so that the copy has it, too.
        if Kind.DATA_EXPORTED not in events.kinds_since(request.user, stores.current().now() - _DAY_MS):
            events.record(request.user, Kind.DATA_EXPORTED, request._request)
        return Response(person.copy_of(request.user))


class EventsView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response({"events": [_event(each) for each in events.of(request.user)]})


def _answer(user: Any) -> Json:
    own = {} if profiles.serializer_class() else adapter.own_members(user)
    return {**own, **user_answer(user, phone=accounts.phone_of(user))}


def _event(event: SecurityEvent) -> Json:
    return {
        "kind": event.kind,
        "text": str(events.TEXTS.get(event.kind, event.kind)),
        "at": datetime.fromtimestamp(event.at / 1000, UTC),
        "client": event.client_name,
        "network": event.network,
    }
