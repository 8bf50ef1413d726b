"""The OpenAPI description of the views, where drf-spectacular is installed. Registered by being imported.

The views know nothing of it: a host project that wants no OpenAPI need not install it. What the views cannot tell by
themselves (answers, errors, examples) stands in one table, :mod:`.operations`; the examples of errors are made by the
code that makes the errors, so they cannot differ from what is sent.
"""
# ruff: noqa: SLF001  (the underscored methods of AutoSchema are drf-spectacular's documented way to extend it)

from itertools import groupby
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from .. import errors, tokens
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from ..delivery.state import SHOWN_STATUSES
from ..providers.base import Channel
from . import problems, serializers, views
from .authentication import TokenAuthentication
from .operations import OPERATIONS, Operation
from .parsers import StrictJSONParser
from .serializers import Json

# What phones.parse lets through to the library, in ECMA's dialect; without a default region "+" begins every number.
_ANY_PHONE = r"^(?:\+?[0-9](?:[0-9 .()-]*[0-9])?|\+?\([0-9][0-9 .()-]*[0-9])$"
_FULL_PHONE = r"^\+(?:[0-9](?:[0-9 .()-]*[0-9])?|\([0-9][0-9 .()-]*[0-9])$"

_STRING: Json = {"type": "string"}
_ID = _STRING | {"pattern": "^[0-9a-f]{32}$"}
_KEY = _STRING | {"pattern": "^[!-~](?:[ -~]{0,253}[!-~])?$"}  # a header's value has no space at its ends
_CHANNEL = _STRING | {"enum": [channel.value for channel in Channel]}
_TEXTS: Json = {"type": "array", "items": _STRING}
_SECONDS: Json = {"type": "integer", "minimum": 0, "description": "Seconds."}


def _form(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


class OtpSchema(AutoSchema):
    """Says of a view what ``OPERATIONS`` knows of it. Settings are read when a document is made."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self.operation = operation

    def is_excluded(self) -> bool:
        return not self.path.endswith("/")  # a second spelling of the same address

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        return ""

    def get_tags(self) -> list[str]:
        return ["Sign-in"]

    def get_request_serializer(self) -> Any:
        if self.operation.request is None:
            return None
        example = dict(self.operation.request)
        if "otp" in example:
            example["otp"] = "1234567890"[: policy_for(LOGIN).length]
        examples = [OpenApiExample("request", value=example, request_only=True)]
        form: Any = self.view.serializer_class  # type: ignore[attr-defined]  # every view of ours has one
        return {StrictJSONParser.media_type: OpenApiRequest(form, examples=examples)}

    def get_response_serializers(self) -> Any:
        status, name, example = self.operation.answer
        if example is None:
            answers: dict[Any, Any] = {status: OpenApiResponse(description="Done; no body.")}
        else:
            if "token" in example and tokens.current().ambient:
                example = example | {"token": None}
            examples = [OpenApiExample("answer", value=example, response_only=True)]
            schema = self._component(name, _answers(self)[name])
            answers = {(status, "application/json"): OpenApiResponse(schema, description="Done.", examples=examples)}
        self._component("OtpChannel", _CHANNEL, serializers.ChannelField)
        self._component("OtpMessageState", _STRING | {"enum": list(SHOWN_STATUSES)})
        self._component("ProblemCode", {"type": "string", "enum": list(problems.TITLES)})
        problem = self._component("Problem", _problem())
        for status, group in groupby(self._refusals(), key=lambda refusal: refusal.status):
            bodies = [problems.body(refusal) for refusal in group]
            examples = [OpenApiExample(body["code"], value=body, response_only=True) for body in bodies]
            description = " / ".join(body["title"] for body in bodies)
            answers[status, problems.MEDIA_TYPE] = OpenApiResponse(problem, description=description, examples=examples)
        return answers

    def get_override_parameters(self) -> list[Any]:
        later = [refusal.status for refusal in self._refusals() if refusal.retry_after is not None]
        stated = [
            ("Retry-After", later, {"type": "integer", "minimum": 1}, "Seconds to wait, as retry_after says."),
            ("WWW-Authenticate", [401], _STRING, "Always Bearer."),
        ]
        answered = [
            OpenApiParameter(name, type=schema, location="header", required=True, description=text, response=statuses)
            for name, statuses, schema, text in stated
        ]
        asked = [
            OpenApiParameter(name, type=_KEY, location="header", description=text)
            for name, text in self.operation.headers.items()
        ]
        named = [OpenApiParameter("challenge_id", type=_ID, location="path")] if "{" in self.path else []
        return answered + asked + named

    def _refusals(self) -> list[errors.OtpError]:
        """In the order of their status. A cookie is sent by browsers unasked, so there CSRF can be refused too."""
        refusals = self.operation.refusals
        if self.method != "GET" and self.view.authentication_classes and tokens.current().ambient:
            refusals = (*refusals, problems.PermissionDenied())
        return sorted(refusals, key=lambda refusal: refusal.status)

    def _component(self, name: str, schema: Json, of: Any = "") -> Json:
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, object=of or name)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)
        return component.ref


def _problem() -> Json:
    """RFC 9457 with our members."""
    members = _form(
        type={"type": "string", "format": "uri"},
        title=_STRING | {"description": "In the client's language."},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail=_STRING | {"description": "In the client's language; may be shown to the person."},
        code={"$ref": "#/components/schemas/ProblemCode"},
    )
    members["properties"] |= {
        "retry_after": {"type": "integer", "minimum": 1, "description": "Seconds."},
        "altcha": {"type": "object", "description": "The task to solve: https://altcha.org, version 2."},
        "errors": {"type": "object", "additionalProperties": _TEXTS, "description": "What is wrong with each field."},
    }
    return members


def _answers(schema: AutoSchema) -> dict[str, Json]:
    """The bodies of success. A user's id is whatever the project's user model has for a key."""
    key = schema._map_model_field(get_user_model()._meta.pk, "response")  # type: ignore[no-untyped-call]
    key = {name: value for name, value in key.items() if name not in ("readOnly", "title")}
    phone = _STRING | {"description": "E.164; empty for a user without a phone."}
    user = _form(id=key, phone=phone | {"description": "E.164."}, is_new={"type": "boolean"})
    token = append_meta(_STRING, {"nullable": tokens.current().ambient})
    channel = {"$ref": "#/components/schemas/OtpChannel"}
    state = _form(
        challenge_id=_STRING,
        state={"$ref": "#/components/schemas/OtpMessageState"},
        channel=channel,
        channels={"type": "array", "items": channel, "description": "The others on offer."},
        checks_left={"type": "integer", "minimum": 0},
        sends_left={"type": "integer", "minimum": 0},
        expires_in=_SECONDS,
        resend_in=_SECONDS,
        switch_in=_SECONDS | {"description": "Until another channel may be asked for."},
    )
    issued = _form(token=token, expires_in=_SECONDS, user=_form(id=key, phone=phone))
    return {
        "OtpState": state,
        "OtpToken": issued,
        "OtpSent": _form(message=_STRING, challenge_id=_STRING, expires_in=_SECONDS, resend_in=_SECONDS),
        "OtpVerified": _form(message=_STRING, token=token, expires_in=_SECONDS, user=user, device=_STRING),
        "OtpMe": _form(id=key, phone=phone),
    }


class OtpViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """The view as it is, with our description on it."""

    target_class = views.OtpView
    match_subclasses = True

    def view_replacement(self) -> Any:
        known = (operation for view, operation in OPERATIONS.items() if issubclass(self.target, view))
        if operation := next(known, None):
            return type(self.target.__name__, (self.target,), {"schema": OtpSchema(operation)})
        return self.target


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    target_class = serializers.StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Json:
        schema: Json = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # type: ignore[no-untyped-call]
        schema.pop("description", None)  # the docstring speaks to programmers of the server
        if conf.REQUIRE_CHALLENGE_ID and isinstance(self.target, serializers.VerifySerializer):
            schema["required"] = ["challenge_id", *schema["required"]]
        return schema | {"additionalProperties": False}


class TextFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = serializers.TextField
    match_subclasses = True

    def get_name(self) -> str | None:
        return "OtpChannel" if isinstance(self.target, serializers.ChannelField) else None

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        match self.target:
            case serializers.PhoneField():
                pattern = _ANY_PHONE if conf.DEFAULT_REGION else _FULL_PHONE
                return _STRING | {"minLength": 3, "maxLength": 32, "pattern": pattern}
            case serializers.CodeField():
                return _STRING | {"pattern": f"^[0-9]{{{policy_for(LOGIN).length}}}$"}
            case serializers.ChannelField():
                return _CHANNEL
        return _STRING | {"minLength": 1, "maxLength": self.target.longest}


class TokenAuthenticationExtension(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The proof that the token backend in force asks for: a token of ours, or the session's cookie."""

    target_class = TokenAuthentication
    name = "otpToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        if tokens.current().ambient:
            return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
        return {"type": "http", "scheme": "bearer", "description": "The token that verify-otp answers."}
