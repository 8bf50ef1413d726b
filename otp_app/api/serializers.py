"""The shape of requests and answers. Content is checked by those whose business it is (phones, services)."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .. import phones
from ..accounts import authorization_codes, devices
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..limits import proof_of_work
from ..providers.base import Channel

Json = dict[str, Any]

LONGEST = 64  # characters of an id; a channel has no more


class TextField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    """A JSON string and nothing that could be made into one: a number has lost its leading zeros already."""

    longest = LONGEST

    default_error_messages = {  # noqa: RUF012  (DRF's own way to declare them)
        "required": _("This field is required."),
        "not_text": _("This must be a JSON string."),
        "length": _("This must have 1 to {longest} characters."),
        "null": _("This must be a JSON string."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        if not 0 < len(data) <= self.longest:
            self.fail("length", longest=self.longest)
        return data


class PhoneField(TextField):
    """Becomes E.164. Raises InvalidPhone or RegionNotAllowed, which have codes of their own."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return phones.parse(data)


class CodeField(TextField):
    """Exactly the policy's number of ASCII digits: a slip of the form must not cost a check."""

    default_error_messages = {"digits": _("This must be {length} digits.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        length = policy_for(LOGIN).length
        if len(text) != length or not re.fullmatch("[0-9]+", text):
            self.fail("digits", length=length)
        return text


class ChannelField(TextField):
    default_error_messages = {"channel": _("This channel is not offered.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in set(Channel):
            self.fail("channel")
        return text


class DeviceField(TextField):
    """What verify-otp gave. One that is not known, or not any more, counts as none."""

    longest = devices.MAX_VALUE_CHARACTERS


class ProofField(TextField):
    """A solved task, in base64. One that is not good counts as none: then the next task comes."""

    longest = proof_of_work.MAX_CHARACTERS


class VerifierField(TextField):
    """RFC 7636 §4.1 has up to 128 characters."""

    longest = 128


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]  # not generic at run time
    """Refuses fields it does not know: a typed-in ``challengeid`` would otherwise be ignored in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if unknown := sorted(set(data) - set(self.fields)):
            text = str(_("This field is unknown."))
            raise serializers.ValidationError({_printable(name): [text] for name in unknown[:5]})
        return super().to_internal_value(data)


def _printable(name: str) -> str:
    """JSON can spell half of a surrogate pair, UTF-8 cannot: it would break the answer that quotes it."""
    return name[:LONGEST].encode("utf-8", "replace").decode()


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

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        if conf.REQUIRE_CHALLENGE_ID and "challenge_id" not in attrs:
            raise serializers.ValidationError({"challenge_id": [str(_("This field is required."))]})
        return attrs


class AddressField(TextField):
    longest = authorization_codes.MAX_ADDRESS_CHARACTERS


class ExchangeSerializer(StrictSerializer):
    client = TextField()
    redirect_uri = AddressField()
    code = TextField()
    code_verifier = VerifierField()


def sent_answer(challenge_id: str, expires_in: int, resend_in: int) -> Json:
    """The answer to a send that happened."""
    return {
        "message": "OTP sent successfully",
        "challenge_id": challenge_id,
        "expires_in": expires_in,
        "resend_in": resend_in,
    }
