"""Serve the two endpoints by which a signed-in person changes the own number."""

from functools import partial

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import tokens
from ..challenges import Grant
from ..flows import number_changes
from ..limits.clients import client_of
from ..phones.languages import language_of
from . import idempotency
from .authentication import LiveTokenAuthentication
from .fields import Json
from .serializers import NewPhoneSerializer, NewPhoneVerifySerializer, user_answer
from .views import OtpView


def asked_with(request: Request, body: Json, new_id: str) -> Json:
    """Return what every send of a code to a new number is asked with."""
    return {
        "phone": body["phone"],
        "challenge_id": body.get("challenge_id"),
        "client": client_of(request.META),
        "language": language_of(request, body["phone"]),
        "proof": body.get("proof"),
        "new_id": new_id,
        "request": request._request,
    }


class PhoneView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = NewPhoneSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        answer = idempotency.answer_once(request, partial(self._send, request, body))
        return Response(answer | {"phone": body["phone"]})  # how the number was understood

    def _send(self, request: Request, body: Json, new_id: str) -> Grant:
        told = asked_with(request, body, new_id)
        return number_changes.send(user=request.user, confirmation=body.get("confirmation", ""), **told)


class PhoneVerifyView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = NewPhoneVerifySerializer

    def post(self, request: Request) -> Response:
        body, asked = self.body(request), request._request
        user, phone, device = number_changes.verify(
            user=request.user,
            challenge_id=body["challenge_id"],
            code=body["otp"],
            client=client_of(request.META),
            request=asked,
        )
        if body.get("end_others"):
            tokens.sessions.end_others(user, asked)
        return Response({"user": user_answer(user, phone=phone), "device": device})
