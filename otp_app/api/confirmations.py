"""Serve the two endpoints of confirmation, and guard the views that want one, ours and a host project's."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import accounts
from ..accounts.confirmations import CODE, LIFE_SECONDS, SECOND_PHONE, give_back, use
from ..challenges import Grant
from ..challenges.policies import is_of_account
from ..errors import ConfirmationRequired, Unavailable
from ..flows import confirmations
from ..limits.clients import client_of
from ..phones.languages import language_of
from . import idempotency, problems
from .authentication import LiveTokenAuthentication
from .fields import Json
from .guards import Guard, View
from .serializers import ConfirmSerializer, ConfirmVerifySerializer
from .views import OtpView

HEADER = "Otp-Confirmation"
Context = Callable[[Any], Mapping[str, str]]  # takes the request, as the view gets it


class ConfirmView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = ConfirmSerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        if body.get("by", SECOND_PHONE) != SECOND_PHONE:
            asked = {"purpose": body["purpose"], "context": body.get("context", {}), "by": body["by"]}
            return Response(confirmations.begin(user=request.user, **asked))
        return Response(idempotency.answer_once(request, partial(self._send, request, body)))

    def _send(self, request: Request, body: Json, new_id: str) -> Grant:
        return confirmations.send(
            user=request.user,
            purpose=body["purpose"],
            context=body.get("context", {}),
            by=body.get("by", CODE),
            client=client_of(request.META),
            language=language_of(request, accounts.phone_of(request.user)),
            device=body.get("device"),
            proof=body.get("proof"),
            new_id=new_id,
            request=request._request,
        )


class ConfirmVerifyView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = ConfirmVerifySerializer

    def post(self, request: Request) -> Response:
        body = self.body(request)
        value = confirmations.verify(
            user=request.user,
            challenge_id=body["challenge_id"],
            code=body.get("otp", ""),
            factor=body.get("factor"),
            client=client_of(request.META),
            device=body.get("device"),
            request=request._request,
        )
        return Response({"confirmation": value, "expires_in": LIFE_SECONDS})


class Confirmed(Guard):
    """Let a request to a DRF view through if it brings a confirmation, and use that up.

    ``permission_classes = [IsAuthenticated, Confirmed("payment", context=what_is_paid)]``: ``context`` takes the
    request and returns what must have been confirmed, because a confirmed payment must not pay for another. The client
    puts the value into a header of its own, since a body may have any form and an address is written to logs. Without a
    valid one the answer is 403 ``confirmation_required``.
    """

    def __init__(self, purpose: str, context: Context | None = None) -> None:
        self.purpose, self.context = purpose, context

    def check(self, request: Any) -> None:
        value = request.headers.get(HEADER, "")
        if not value or not use(request.user, self.purpose, value, self._context_of(request)):
            raise ConfirmationRequired(self.purpose)

    def _context_of(self, request: Any) -> Mapping[str, str] | None:
        """Return what must have been confirmed: for a purpose of ours nothing else, which the message would show."""
        if self.context:
            return self.context(request)
        return {} if is_of_account(self.purpose) else None


def confirmed(purpose: str, context: Context | None = None) -> Callable[[View], View]:
    """Guard a synchronous Django view as ``Confirmed`` does a DRF view; 401 for a request without a user."""
    return Confirmed(purpose, context).guarding


class ConfirmedView(OtpView):
    """Hold what the views share of which some methods want a confirmation. Any other method leaves it unused.

    A refused request gives its confirmation back: a mistyped address must cost nobody another code.
    """

    authentication_classes = (LiveTokenAuthentication,)
    purposes: ClassVar[Mapping[str, str]] = {}  # by the method
    used = ""  # the confirmation that the request has used up

    def get_permissions(self) -> list[Any]:
        """Ask for a confirmation of what changes."""
        purpose = self.purposes.get(self.request.method or "")
        return [IsAuthenticated(), *([Confirmed(purpose)] if purpose else [])]

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if request.method in self.purposes:
            self.used = request.headers[HEADER]

    def handle_exception(self, exc: Exception) -> Response:
        error = problems.error_of(exc)
        if self.used and error and not isinstance(error, Unavailable):  # without a database nothing is given back
            give_back(self.used)
        return super().handle_exception(exc)
