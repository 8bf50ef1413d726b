"""Serve a user's own e-mail address for notices: show it, prove a new one by a code, remove it."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ..challenges.policies import ADD_EMAIL, REMOVE_EMAIL
from ..factors import emails
from ..proofs import enrolments
from .authentication import LiveTokenAuthentication
from .confirmations import ConfirmedView
from .fields import TextField
from .problems import NotFound
from .serializers import StrictSerializer
from .views import OtpView


class EmailField(TextField):
    max_characters = 254  # RFC 5321, and what Django's model field holds
    default_error_messages = {"email": _("This must be an e-mail address.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        try:
            validate_email(text)
        except ValidationError:
            self.fail("email")
        if not text.isascii():  # Django also takes half of a surrogate pair, which UTF-8 cannot encode
            self.fail("email")
        return text


class EmailSerializer(StrictSerializer):
    email = EmailField()


class EmailVerifySerializer(StrictSerializer):
    challenge_id = TextField()
    otp = TextField()


class EmailView(ConfirmedView):
    purposes: ClassVar[Any] = {"POST": ADD_EMAIL, "DELETE": REMOVE_EMAIL}
    serializer_class = EmailSerializer

    def get(self, request: Request) -> Response:
        return Response({"email": emails.find(request.user)})

    def post(self, request: Request) -> Response:
        challenge_id = emails.begin(request.user, self.body(request)["email"])
        return Response({"challenge_id": challenge_id, "expires_in": emails.LIFE_SECONDS})

    def delete(self, request: Request) -> Response:
        if not enrolments.remove_email(request.user, request._request):
            raise NotFound
        return Response(status=204)


class EmailVerifyView(OtpView):
    authentication_classes = (LiveTokenAuthentication,)
    permission_classes = (IsAuthenticated,)
    serializer_class = EmailVerifySerializer

    def post(self, request: Request) -> Response:
        enrolments.add_email(request.user, request=request._request, **self.body(request))
        return Response({"email": emails.find(request.user)})
