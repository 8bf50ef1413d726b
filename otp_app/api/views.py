"""The HTTP API. A view parses, calls one service and shapes the answer."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import override
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from .. import accounts, services, tokens
from ..challenges import Grant
from ..limits.clients import client_of
from ..phones.languages import language_of
from . import idempotency, problems
from .authentication import TokenAuthentication
from .parsers import MOST, StrictJSONParser
from .serializers import ExchangeSerializer, SendSerializer, VerifySerializer

ViewClass = TypeVar("ViewClass", bound=type[APIView])


class OnlyJSON(BaseContentNegotiation):
    """Reads JSON alone. Every answer is JSON as well, whatever a client accepts: a refusal unread helps nobody."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:  # type: ignore[override]
        return parsers[0] if request.content_type.partition(";")[0].strip().lower() == parsers[0].media_type else None


_renderer = JSONRenderer()  # one for all requests: it keeps nothing


class OtpView(APIView):
    """What all views share. Every class is named here, so that a host project's DRF settings change nothing."""

    authentication_classes: Sequence[type[BaseAuthentication]] = ()
    permission_classes: Sequence[type[BasePermission]] = ()
    throttle_classes = ()
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = OnlyJSON
    versioning_class = None
    metadata_class = None
    serializer_class: ClassVar[type[Serializer[Any]]] = Serializer

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with override(language_of(request)):
            response = super().dispatch(request, *args, **kwargs)
            response["Cache-Control"] = "no-store"
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask who it is and what they may. Formats, versions and throttles, which DRF looks at here, no view has."""
        request.accepted_renderer, request.accepted_media_type = _renderer, _renderer.media_type
        self.perform_authentication(request)
        self.check_permissions(request)

    def get_exception_handler(self) -> Any:
        return problems.handle

    def body(self, request: Request) -> dict[str, str]:
        """The checked body. Its length is looked at first: a body that is too large is not even read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isascii() and length.isdigit() and int(length) > MOST:
            raise problems.TooLarge
        checked: dict[str, str] = _serializer(self.serializer_class).run_validation(request.data)
        return checked


@cache
def _serializer(serializer_class: type[Serializer[Any]]) -> Serializer[Any]:
    """One for all requests: it keeps nothing of what it checks, and copying its fields costs more than checking."""
    return serializer_class()


class SendView(OtpView):
    serializer_class = SendSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        return Response(idempotency.once(request, partial(self._send, request, body)))

    def _send(self, request: Request, body: dict[str, str], new_id: str) -> Grant:
        return services.send_code(
            phone=body["phone"],
            client=client_of(request.META),
            language=language_of(request, body["phone"]),
            channel=body.get("channel", ""),
            challenge_id=body.get("challenge_id"),
            device=body.get("device"),
            proof=body.get("proof"),
            new_id=new_id,
        )


class ChallengeView(OtpView):
    """For who holds the id, which is as long as a key; so there is nothing to guess and no limit."""

    def get(self, request: Request, challenge_id: str) -> Response:
        return Response(asdict(services.state(challenge_id=challenge_id)))


class VerifyView(OtpView):
    serializer_class = VerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        done = services.sign_in(
            phone=body["phone"],
            code=body["otp"],
            client=client_of(request.META),
            challenge_id=body.get("challenge_id"),
            device=body.get("device"),
            request=request._request,
        )
        return Response(
            {
                "message": "OTP verified successfully",
                "token": done.issued.token,
                "expires_in": done.issued.expires_in,
                "user": {"id": done.user.pk, "phone": body["phone"], "is_new": done.is_new},
                "device": done.device,
            }
        )


class ExchangeView(OtpView):
    """For sites that sent a person to the hosted page. 256 bits cannot be guessed, so there is no limit."""

    serializer_class = ExchangeSerializer

    def post(self, request: Request) -> Response:
        user, issued = services.exchange(**self.body(request), request=request._request)
        shown = {"id": user.pk, "phone": accounts.phone_of(user)}
        return Response({"token": issued.token, "expires_in": issued.expires_in, "user": shown})


class MeView(OtpView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        user = request.user
        return Response({"id": user.pk, "phone": accounts.phone_of(user)})


class LogoutView(OtpView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        tokens.current().revoke(request._request)
        return Response(status=204)


class LogoutEverywhereView(OtpView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user=request.user)
        return Response(status=204)
