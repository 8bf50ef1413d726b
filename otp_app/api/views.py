"""Serve the endpoints of the API. A view parses the request, calls one service and shapes the answer."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, partial
from typing import Any, ClassVar, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import override
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from .. import accounts, bodies, phones, services, tokens
from ..accounts import clients
from ..challenges import Grant
from ..limits.clients import client_of
from ..phones.languages import language_of, regions_of
from . import countries, idempotency, problems, sign_in_answers
from .authentication import LiveTokenAuthentication
from .fields import Json
from .parsers import StrictJSONParser
from .serializers import (
    ExchangeSerializer,
    RefreshSerializer,
    SendSerializer,
    VerifySerializer,
    issued_answer,
    user_answer,
)

ViewClass = TypeVar("ViewClass", bound=type[APIView])


class OnlyJSON(BaseContentNegotiation):
    """Read JSON only, and answer in JSON whatever the client accepts: a 406 would hide the reason of a refusal."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:  # type: ignore[override]
        return parsers[0] if request.content_type.partition(";")[0].strip().lower() == parsers[0].media_type else None


_renderer = JSONRenderer()  # shared by all requests: it keeps no state


class OtpView(APIView):
    """Hold what all views share. It names every DRF class, so that a host project's DRF settings change nothing."""

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
            response.setdefault("Cache-Control", "no-store")
            return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, if the view does, and check permissions. No view has DRF's formats, versions and throttles."""
        request.accepted_renderer, request.accepted_media_type = _renderer, _renderer.media_type
        if self.authentication_classes:
            self.perform_authentication(request)
        self.check_permissions(request)

    def get_exception_handler(self) -> Any:
        return problems.handle

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        checked: dict[str, Any] = _serializer(self.serializer_class).run_validation(self.json(request))
        return checked

    def json(self, request: Request) -> Any:
        """Return the body as it came. Refuse one that is declared as too large without reading it."""
        if bodies.is_declared_longer(request.META, bodies.MAX_API_BYTES):
            raise bodies.BodyTooLarge
        return request.data


@cache
def _serializer(serializer_class: type[Serializer[Any]]) -> Serializer[Any]:
    """Return one serializer for all requests: it keeps no state, and copying its fields costs more than validating."""
    return serializer_class()


class CountriesView(OtpView):
    """List the served countries. The answer is the same for all who read the same language, so caches may keep it."""

    def get(self, request: Request) -> Response:
        listed = countries.listed(language_of(request))
        wanted = (*regions_of(request), phones.assumed_region())
        default = next((region for region in wanted if region in listed), "")
        response = Response({"default": default, "countries": list(listed.values())})
        response["Cache-Control"] = f"public, max-age={countries.MAX_AGE}"
        patch_vary_headers(response, ("Accept-Language", "Cookie"))  # a cookie may hold the language
        return response


class SendView(OtpView):
    serializer_class = SendSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        answer = idempotency.answer_once(request, partial(self._send, request, body))
        return Response(answer | {"phone": body["phone"]})  # how the number was understood; no answer is kept with it

    def _send(self, request: Request, body: dict[str, Any], new_id: str) -> Grant:
        return services.send_code(
            phone=body["phone"],
            client=client_of(request.META),
            language=language_of(request, body["phone"]),
            channel=body.get("channel", ""),
            challenge_id=body.get("challenge_id"),
            device=body.get("device"),
            proof=body.get("proof"),
            new_id=new_id,
            request=request._request,
        )


class ChallengeView(OtpView):
    """Show a challenge to whoever knows its id. It has no limit, because 128 bits cannot be guessed."""

    def get(self, request: Request, challenge_id: str) -> Response:
        return Response(asdict(services.state(challenge_id=challenge_id)))


class VerifyView(OtpView):
    serializer_class = VerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        return Response(sign_in_answers.answer_once(request, body["phone"], partial(self._sign_in, request, body)))

    def _sign_in(self, request: Request, body: dict[str, Any]) -> Json:
        if "client_name" in body:
            clients.name(request._request, body["client_name"])
        done = services.sign_in(
            phone=body["phone"],
            code=body["otp"],
            client=client_of(request.META),
            challenge_id=body.get("challenge_id"),
            device=body.get("device"),
            request=request._request,
            profile=body.get("profile"),
            factor=body.get("factor"),
            anew="account" in body,
        )
        return {
            "message": "OTP verified successfully",
            **issued_answer(done.issued),
            "user": user_answer(done.user, phone=body["phone"], is_new=done.is_new),
            "device": done.device,
        }


class ExchangeView(OtpView):
    """Give a site a token for the code that a person brought from the hosted page.

    It has no limit, because 256 bits cannot be guessed.
    """

    serializer_class = ExchangeSerializer

    def post(self, request: Request) -> Response:
        user, issued = services.exchange(**self.body(request), request=request._request)
        shown = user_answer(user, phone=accounts.phone_of(user))
        return Response(issued_answer(issued) | {"user": shown})


class RefreshView(OtpView):
    """Replace a refresh token. It has no limit, because 256 bits cannot be guessed."""

    serializer_class = RefreshSerializer

    def post(self, request: Request) -> Response:
        return Response(issued_answer(tokens.refresh(self.body(request)["refresh_token"], request._request)))


class LogoutView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        tokens.revoke(request._request, request.user)
        return Response(status=204)


class LogoutEverywhereView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def post(self, request: Request) -> Response:
        services.sign_out_everywhere(user=request.user, request=request._request)
        return Response(status=204)
