"""Serve a user's second number: show it, prove a new one by a code, remove it."""

from functools import partial
from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..accounts import second_phones as kept
from ..challenges import Grant
from ..challenges.policies import REMOVE_SECOND_PHONE
from ..flows import second_phones
from ..limits.clients import client_of
from . import idempotency
from .authentication import LiveTokenAuthentication
from .confirmations import ConfirmedView
from .fields import Json
from .number_changes import asked_with
from .problems import NotFound
from .serializers import NewPhoneSerializer, SecondPhoneVerifySerializer
from .views import OtpView


class SecondPhoneView(ConfirmedView):
    purposes: ClassVar[Any] = {"DELETE": REMOVE_SECOND_PHONE}  # that of an addition is in the body: it names the number
    serializer_class = NewPhoneSerializer

    def get(self, request: Request) -> Response:
        return Response({"phone": kept.of(request.user)})

    def post(self, request: Request) -> Response:
        body = self.body(request)
        answer = idempotency.answer_once(request, partial(self._send, request, body))
        return Response(answer | {"phone": body["phone"]})  # how the number was understood

    def delete(self, request: Request) -> Response:
        if not second_phones.remove(user=request.user, request=request._request):
            raise NotFound
        return Response(status=204)

    def _send(self, request: Request, body: Json, new_id: str) -> Grant:
        told = asked_with(request, body, new_id)
        return second_phones.send(user=request.user, confirmation=body.get("confirmation", ""), **told)


class SecondPhoneVerifyView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = SecondPhoneVerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        phone = second_phones.verify(
            user=request.user,
            challenge_id=body["challenge_id"],
            code=body["otp"],
            client=client_of(request.META),
            request=request._request,
        )
        return Response({"phone": phone})
