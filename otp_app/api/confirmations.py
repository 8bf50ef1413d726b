"""Serve the two endpoints of confirmation, and guard the views that want one, ours and a host project's."""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from .. import accounts
from ..accounts.confirmations import CODE, LIFE_SECONDS, SECOND_PHONE, use
from ..challenges import Grant
from ..errors import ConfirmationRequired, NotAuthenticated, OtpError
from ..flows import confirmations
from ..limits.clients import client_of
from ..phones.languages import language_of
from . import idempotency, problems
from .authentication import LiveTokenAuthentication
from .fields import Json
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


class Confirmed(BasePermission):
    """Let a request to a DRF view through if it brings a confirmation, and use that up.

    ``permission_classes = [IsAuthenticated, Confirmed("payment", context=what_is_paid)]``: ``context`` takes the
    request and returns what must have been confirmed, because a confirmed payment must not pay for another. The client
    puts the value into a header of its own, since a body may have any form and an address is written to logs. Without a
    valid one the answer is 403 ``confirmation_required``.
    """

    def __init__(self, purpose: str, context: Context | None = None) -> None:
        self.purpose, self.context = purpose, context

    def __call__(self) -> "Confirmed":
        """Return this permission: DRF makes one of what it takes for a class."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        try:
            _use(request, self.purpose, self.context)
        except OtpError as error:
            raise problems.Refused(error) from None
        return True


def confirmed(purpose: str, context: Context | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard a synchronous Django view as ``Confirmed`` does a DRF view; 401 for a request without a user."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            try:
                if not request.user.is_authenticated:
                    raise NotAuthenticated
                _use(request, purpose, context)
            except OtpError as error:
                return problems.answer(request, error)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def _use(request: Any, purpose: str, context: Context | None) -> None:
    """Use up the confirmation in the header of a request; raise ConfirmationRequired."""
    value = request.headers.get(HEADER, "")
    if not value or not use(request.user, purpose, value, context(request) if context else None):
        raise ConfirmationRequired(purpose)
