"""Validate the shape of requests, and shape the answer to a send. Rooms below validate the content."""

from functools import cached_property
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .. import accounts
from ..conf import conf
from ..tokens.base import Issued
from .fields import (
    MAX_ID_CHARACTERS,
    AccountField,
    AddressField,
    ChannelField,
    ClientNameField,
    CodeField,
    ContextField,
    CredentialField,
    DeviceField,
    FactorField,
    FlagField,
    Json,
    NewPhoneCodeField,
    PhoneField,
    ProfileField,
    ProofField,
    RefreshTokenField,
    TextField,
    VerifierField,
)

_MAX_NAMED_FIELDS = 5  # unknown fields that an answer names


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]  # not generic at run time
    """Refuse unknown fields: a misspelt ``challengeid`` would otherwise be ignored in silence.

    Fields that do not come cost nothing, as they would with DRF's own loop: most requests have three of eight.
    """

    @cached_property
    def _by_name(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]  # not generic at run time
        return dict(self.fields)

    def to_internal_value(self, data: Any) -> Any:
        if unknown := sorted(data.keys() - self._by_name.keys()):
            text = str(_("This field is unknown."))
            raise serializers.ValidationError({_printable(name): [text] for name in unknown[:_MAX_NAMED_FIELDS]})
        values, errors = {}, {}
        for name, field in self._by_name.items():
            if name in data or field.required:
                try:
                    values[name] = field.run_validation(data.get(name, serializers.empty))
                except serializers.ValidationError as error:
                    errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def run_validators(self, value: Any) -> None:
        """Do nothing: no serializer of ours has validators beside those of its fields."""


def _printable(name: str) -> str:
    """Make a name safe to quote: JSON can hold half of a surrogate pair, which UTF-8 cannot encode."""
    return name[:MAX_ID_CHARACTERS].encode("utf-8", "replace").decode()


class SendSerializer(StrictSerializer):
    phone = PhoneField()
    challenge_id = TextField(required=False)
    channel = ChannelField(required=False)
    device = DeviceField(required=False)
    proof = ProofField(required=False)


class VerifySerializer(StrictSerializer):
    phone = PhoneField()
    otp = CodeField()
    challenge_id = TextField(required=False)
    device = DeviceField(required=False)
    profile = ProfileField(required=False)
    client_name = ClientNameField(required=False)
    factor = FactorField(required=False)
    account = AccountField(required=False)

    def validate(self, attrs: Json) -> Json:
        if conf.REQUIRE_CHALLENGE_ID and "challenge_id" not in attrs:
            raise serializers.ValidationError({"challenge_id": [str(_("This field is required."))]})
        return attrs


class ConfirmSerializer(StrictSerializer):
    purpose = TextField()
    by = TextField(required=False)
    context = ContextField(required=False)  # type: ignore[assignment]  # DRF moves it to where fields are declared
    device = DeviceField(required=False)
    proof = ProofField(required=False)


class ConfirmVerifySerializer(StrictSerializer):
    challenge_id = TextField()
    otp = TextField(required=False)  # the service knows how many digits the purpose's code has
    factor = FactorField(required=False)
    device = DeviceField(required=False)

    def validate(self, attrs: Json) -> Json:
        if ("otp" in attrs) == ("factor" in attrs):
            raise serializers.ValidationError({"otp": [str(_("Send otp or factor, and not both."))]})
        return attrs


class PasskeyFinishSerializer(StrictSerializer):
    credential = CredentialField()
    name = ClientNameField(required=False)


class PasskeySignInSerializer(StrictSerializer):
    credential = CredentialField()
    device = DeviceField(required=False)


class NewPhoneSerializer(StrictSerializer):
    phone = PhoneField()
    confirmation = TextField(required=False)
    challenge_id = TextField(required=False)
    proof = ProofField(required=False)


class SecondPhoneVerifySerializer(StrictSerializer):
    challenge_id = TextField()
    otp = NewPhoneCodeField()


class NewPhoneVerifySerializer(SecondPhoneVerifySerializer):
    end_others = FlagField(required=False)


class ExchangeSerializer(StrictSerializer):
    client = TextField()
    redirect_uri = AddressField()
    code = TextField()
    code_verifier = VerifierField()


class RefreshSerializer(StrictSerializer):
    refresh_token = RefreshTokenField()


def issued_answer(issued: Issued) -> Json:
    """Return what the client is given after sign-in; ``refresh_token`` only where there is one."""
    answer: Json = {"token": issued.token, "expires_in": issued.expires_in}
    return answer | ({"refresh_token": issued.refresh_token} if issued.refresh_token else {})


def user_answer(user: Any, **members: Any) -> Json:
    """Return what is shown of a user: the id, ``members``, and what the accounts add beside them."""
    ours = {"id": user.pk, **members}
    return {**ours, **accounts.current().shown(user), **ours}


def sent_answer(challenge_id: str, expires_in: int, resend_in: int) -> Json:
    """Return the answer to a send that happened; both times are in seconds."""
    return {
        "message": "OTP sent successfully",
        "challenge_id": challenge_id,
        "expires_in": expires_in,
        "resend_in": resend_in,
    }
