"""Serve a user's own authenticator and recovery codes: show what there is, add, remove, renew."""

from importlib.util import find_spec
from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import accounts
from ..challenges.policies import ADD_AUTHENTICATOR, RECOVERY_CODES, REMOVE_AUTHENTICATOR
from ..factors import authenticators, recovery_codes
from ..proofs import enrolments
from .authentication import LiveTokenAuthentication
from .confirmations import ConfirmedView
from .fields import TextField
from .problems import NotFound
from .serializers import StrictSerializer
from .views import OtpView


class AuthenticatorVerifySerializer(StrictSerializer):
    code = TextField()


class AuthenticatorView(ConfirmedView):
    purposes: ClassVar[Any] = {"POST": ADD_AUTHENTICATOR, "DELETE": REMOVE_AUTHENTICATOR}

    def get(self, request: Request) -> Response:
        kept = authenticators.find(request.user)
        added_at = kept.created_at if kept else None
        return Response({"added_at": added_at, "recovery_codes_left": recovery_codes.left(request.user)})

    def post(self, request: Request) -> Response:
        if not find_spec("pyotp"):  # the extra "staff" is not installed
            raise NotFound
        begun = authenticators.begin(request.user)
        uri = authenticators.uri_of(begun, request.user.get_username() or accounts.phone_of(request.user))
        answer = {"secret": authenticators.secret_of(begun), "uri": uri, "expires_in": authenticators.PENDING_SECONDS}
        return Response(answer)

    def delete(self, request: Request) -> Response:
        if not enrolments.remove_authenticator(request.user, request._request):
            raise NotFound
        return Response(status=204)


class AuthenticatorVerifyView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = AuthenticatorVerifySerializer

    def post(self, request: Request) -> Response:
        codes = enrolments.add_authenticator(request.user, self.body(request)["code"], request._request)
        return Response({"recovery_codes": codes})


class RecoveryCodesView(ConfirmedView):
    purposes: ClassVar[Any] = {"POST": RECOVERY_CODES}

    def post(self, request: Request) -> Response:
        codes = enrolments.renew_recovery_codes(request.user, request._request)
        if not codes:
            raise NotFound
        return Response({"recovery_codes": codes})
