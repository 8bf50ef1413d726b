"""Validate the members of requests, each by its type and form. Rooms below validate the content."""

import json
import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from .. import phones
from ..accounts import authorization_codes, clients, contexts, devices
from ..challenges.policies import LOGIN, NEW_PHONE, policy_for
from ..limits import proof_of_work
from ..providers.base import Channel

Json = dict[str, Any]
NEW_ACCOUNT = "new"
MAX_ID_CHARACTERS = 64  # of an id or a channel


class TextField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    """Take a JSON string and convert nothing into one: a JSON number has lost its leading zeros."""

    max_characters = MAX_ID_CHARACTERS

    default_error_messages = {  # noqa: RUF012  (DRF's own way to declare them)
        "required": _("This field is required."),
        "not_text": _("This must be a JSON string."),
        "length": _("This must have 1 to {longest} characters."),
        "null": _("This must be a JSON string."),
    }

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        if not 0 < len(data) <= self.max_characters:
            self.fail("length", longest=self.max_characters)
        return data


class PhoneField(TextField):
    """Convert a number to E.164. Raise InvalidPhone or RegionNotAllowed, which have codes of their own."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return phones.parse(data)


class CodeField(TextField):
    """Take exactly the policy's number of ASCII digits: a mistyped code must not cost a check."""

    purpose = LOGIN
    default_error_messages = {"digits": _("This must be {length} digits.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        length = policy_for(self.purpose).length
        if len(text) != length or not re.fullmatch("[0-9]+", text):
            self.fail("digits", length=length)
        return text


class NewPhoneCodeField(CodeField):
    """Take the code of a change of the number."""

    purpose = NEW_PHONE


class FlagField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    """Take true or false, as JSON has them."""

    default_error_messages = {  # noqa: RUF012
        "null": _("This must be true or false."),
        "not_bool": _("This must be true or false."),
    }

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("not_bool")
        return data


class ChannelField(TextField):
    default_error_messages = {"channel": _("This channel is not offered.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text not in set(Channel):
            self.fail("channel")
        return text


class DeviceField(TextField):
    """Take the ``device`` that verify-otp answered. An unknown or expired one counts as none."""

    max_characters = devices.MAX_VALUE_CHARACTERS


class ClientNameField(TextField):
    """Take a name for the list of sessions or of passkeys; no control characters, nothing invisible."""

    max_characters = clients.MAX_NAME_CHARACTERS
    default_error_messages = {"printable": _("This must be printable text.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data).strip()
        if not text or not contexts.is_visible(text):
            self.fail("printable")
        return text


class ProofField(TextField):
    """Take a solved task, in base64. A wrong one counts as none, so the answer is a new task."""

    max_characters = proof_of_work.MAX_CHARACTERS


class ObjectField(serializers.Field):  # type: ignore[type-arg]  # not generic at run time
    """Take a JSON object. The service validates its members.

    Refuse half of a surrogate pair: errors may quote it, the accounts may show it, and UTF-8 cannot encode it.
    """

    default_error_messages = {  # noqa: RUF012
        "null": _("This must be a JSON object."),
        "not_object": _("This must be a JSON object."),
        "surrogate": _("This is not valid JSON."),
    }

    def to_internal_value(self, data: Any) -> Json:
        if not isinstance(data, dict):
            self.fail("not_object")
        try:
            json.dumps(data, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            self.fail("surrogate")
        return data


class ProfileField(ObjectField):
    """Take the members of a sign-up, which the serializer that the accounts name validates."""


class ContextField(ObjectField):
    """Take what is to be confirmed."""


class FactorField(ObjectField):
    """Take the proof of a factor: ``by`` names it, ``answer`` is what was typed, or for a passkey an object."""

    default_error_messages = {"members": _("This must have the members by and answer.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> Json:
        factor = super().to_internal_value(data)
        if set(factor) != {"by", "answer"} or not isinstance(factor["by"], str):
            self.fail("members")
        return factor


class AccountField(TextField):
    """Take the wish for a new account in place of one that was idle for long."""

    default_error_messages = {"account": _("This can only be new.")}  # noqa: RUF012

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text != NEW_ACCOUNT:
            self.fail("account")
        return text


class CredentialField(ObjectField):
    """Take the answer of an authenticator, as ``PublicKeyCredential.toJSON()`` writes it."""


class AddressField(TextField):
    max_characters = authorization_codes.MAX_ADDRESS_CHARACTERS


class VerifierField(TextField):
    """Take a PKCE verifier of up to 128 characters (RFC 7636 §4.1)."""

    max_characters = 128


class RefreshTokenField(TextField):
    max_characters = 2048  # a token backend may take JWTs
