"""Serve the way back into an account by its e-mail address, for whoever has lost the number."""

from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ..accounts.recoveries import USE_SECONDS
from ..challenges import Grant
from ..conf import conf
from ..factors.mailed_codes import LIFE_SECONDS
from ..flows import recovery
from ..limits.clients import client_of
from . import idempotency
from .emails import EmailField
from .fields import Json, NewPhoneCodeField, PhoneField, ProofField, TextField
from .number_changes import asked_with
from .problems import NotFound
from .serializers import StrictSerializer
from .views import OtpView


class RecoverySerializer(StrictSerializer):
    phone = PhoneField()
    email = EmailField()


class RecoveryVerifySerializer(StrictSerializer):
    challenge_id = TextField()
    otp = TextField()


class RecoveryPhoneSerializer(StrictSerializer):
    recovery = TextField()
    phone = PhoneField()
    challenge_id = TextField(required=False)
    proof = ProofField(required=False)


class RecoveryPhoneVerifySerializer(StrictSerializer):
    recovery = TextField()
    challenge_id = TextField()
    otp = NewPhoneCodeField()


class RecoveryRoomView(OtpView):
    """Hold what the views share: without a waiting period there is no such way."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not conf.RECOVERY_WAIT and request.method in self.allowed_methods:
            raise NotFound
        super().initial(request, *args, **kwargs)


class RecoveryView(RecoveryRoomView):
    serializer_class = RecoverySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        challenge_id = recovery.ask(**body, client=client_of(request.META), request=request._request)
        return Response({"challenge_id": challenge_id, "expires_in": LIFE_SECONDS})


class RecoveryVerifyView(RecoveryRoomView):
    serializer_class = RecoveryVerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        value = recovery.begin(challenge_id=body["challenge_id"], code=body["otp"], request=request._request)
        wait = conf.RECOVERY_WAIT
        return Response({"recovery": value, "retry_after": wait, "expires_in": wait + USE_SECONDS})


class RecoveryPhoneView(RecoveryRoomView):
    serializer_class = RecoveryPhoneSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        answer = idempotency.answer_once(request, partial(self._send, request, body))
        return Response(answer | {"phone": body["phone"]})  # how the number was understood

    def _send(self, request: Request, body: Json, new_id: str) -> Grant:
        return recovery.send(value=body["recovery"], **asked_with(request, body, new_id))


class RecoveryPhoneVerifyView(RecoveryRoomView):
    serializer_class = RecoveryPhoneVerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        phone = recovery.finish(
            value=body["recovery"],
            challenge_id=body["challenge_id"],
            code=body["otp"],
            client=client_of(request.META),
            request=request._request,
        )
        return Response({"phone": phone})
