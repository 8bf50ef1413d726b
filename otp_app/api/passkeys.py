"""Serve passkeys: add one, list and remove the own ones, and sign in by one."""

from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import accounts
from ..challenges.policies import ADD_PASSKEY, REMOVE_PASSKEY
from ..errors import NotAuthenticated
from ..factors import passkeys as kept
from ..factors import relying_party
from ..flows import passkeys
from ..limits.clients import client_of
from ..models import Passkey
from .authentication import LiveTokenAuthentication
from .confirmations import ConfirmedView
from .fields import Json
from .problems import NotFound
from .serializers import PasskeyFinishSerializer, PasskeySignInSerializer, issued_answer, user_answer
from .views import OtpView


class PasskeyRoomView(OtpView):
    """Hold what the views of passkeys share: where no relying party is known there are none."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not relying_party.is_on() and request.method in self.allowed_methods:
            # As the schema has it, who has not signed in is told that first.
            raise NotAuthenticated if self.authentication_classes and not request.user.is_authenticated else NotFound
        super().initial(request, *args, **kwargs)


class OwnPasskeysView(PasskeyRoomView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)


class PasskeysView(OwnPasskeysView):
    def get(self, request: Request) -> Response:
        return Response({"passkeys": [_answer(passkey) for passkey in kept.of(request.user)]})


class PasskeyView(PasskeyRoomView, ConfirmedView):
    purposes: ClassVar[Any] = {"DELETE": REMOVE_PASSKEY}

    def delete(self, request: Request, passkey_id: str) -> Response:
        """Remove a passkey. Raise NotFound for one that is gone, and alike for another user's."""
        if not passkeys.remove(user=request.user, passkey_id=passkey_id, request=request._request):
            raise NotFound
        return Response(status=204)


class PasskeyBeginView(PasskeyRoomView, ConfirmedView):
    """Want the confirmation here, before the client makes a passkey that would then be refused.

    The challenge is signed for this user, so nobody finishes what was not confirmed.
    """

    purposes: ClassVar[Any] = {"POST": ADD_PASSKEY}

    def post(self, request: Request) -> Response:
        return Response({"options": passkeys.creation_options(user=request.user)})


class PasskeyFinishView(OwnPasskeysView):
    serializer_class = PasskeyFinishSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        added = passkeys.add(
            user=request.user, answer=body["credential"], name=body.get("name", ""), request=request._request
        )
        return Response(_answer(added))


class PasskeySignInBeginView(PasskeyRoomView):
    """Have no limit: it writes nothing and reads nothing."""

    def post(self, request: Request) -> Response:
        return Response({"options": kept.sign_in_options()})


class PasskeySignInFinishView(PasskeyRoomView):
    serializer_class = PasskeySignInSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        done = passkeys.sign_in(
            answer=body["credential"],
            client=client_of(request.META),
            device=body.get("device"),
            request=request._request,
        )
        shown = user_answer(done.user, phone=accounts.phone_of(done.user), is_new=False)
        device = {"device": done.device} if done.device else {}  # without a phone there is none
        return Response(issued_answer(done.issued) | {"user": shown} | device)


def _answer(passkey: Passkey) -> Json:
    return {
        "id": passkey.pk.hex,
        "name": passkey.name,
        "backed_up": passkey.backed_up,
        "created_at": passkey.created_at,
        "used_at": passkey.used_at,
    }
