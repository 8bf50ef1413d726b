"""Describe the views in OpenAPI, where drf-spectacular is installed. Importing this module registers the extensions.

The views do not know this module, so a host project that wants no OpenAPI need not install drf-spectacular. What the
views do not show by themselves (answers, errors, examples) stands in one table, :mod:`.operations`. The code that makes
the errors also makes their examples, so the examples cannot differ from what is sent.
"""
# ruff: noqa: SLF001  (the underscored methods of AutoSchema are drf-spectacular's documented way to extend it)

from itertools import groupby
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
    OpenApiViewExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from .. import errors, tokens
from ..accounts import profiles
from ..challenges.policies import LOGIN, policy_for
from ..conf import conf
from . import components, fields, me, problems, request_components, serializers, views
from .authentication import TokenAuthentication
from .fields import Json
from .operations import OPERATIONS, Operation
from .parsers import StrictJSONParser


class OtpSchema(AutoSchema):
    """Describe one view by its row of ``OPERATIONS``. Settings are read when a document is made."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self._operation = operation

    @property
    def operation(self) -> Operation:
        return self._operation.others.get(self.method, self._operation)

    def is_excluded(self) -> bool:
        return not self.path.endswith("/")  # without the slash it is a second address of the same view

    def get_operation_id(self) -> str:
        return self.operation.id

    def get_summary(self) -> str:
        return self.operation.summary

    def get_description(self) -> str:  # type: ignore[override]
        return ""

    def get_tags(self) -> list[str]:
        return ["Sign-in"]

    def get_operation(self, *args: Any) -> Json | None:
        described: Json | None = super().get_operation(*args)
        if described and self.operation.links:
            described["responses"][str(self.operation.answer[0])]["links"] = dict(self.operation.links)
        return described

    def get_request_serializer(self) -> Any:
        if self.operation.request is None:
            return None
        example = dict(self.operation.request)
        if "otp" in example:
            example["otp"] = "1234567890"[: policy_for(LOGIN).length]
        examples = [OpenApiExample("request", value=example, request_only=True)]
        serializer: Any = self.view.serializer_class  # type: ignore[attr-defined]  # every view of ours has one
        return {StrictJSONParser.media_type: OpenApiRequest(serializer, examples=examples)}

    def get_response_serializers(self) -> Any:
        status, name, example = self.operation.answer
        if example is None:
            answers: dict[Any, Any] = {status: OpenApiResponse(description="Done; no body.")}
        else:
            if "token" in example and tokens.current().ambient:
                example = example | {"token": None}
            examples = [OpenApiExample("answer", value=example, response_only=True)]
            schema = self._component(name, components.answers(self)[name])
            answers = {(status, "application/json"): OpenApiResponse(schema, description="Done.", examples=examples)}
        self._component("OtpChannel", components.CHANNEL, fields.ChannelField)
        self._component("OtpMessageState", components.MESSAGE_STATE)
        self._component("ProblemCode", components.PROBLEM_CODE)
        self._component("OtpTask", components.task())
        problem = self._component("Problem", components.problem())
        for status, group in groupby(self._refusals(), key=lambda refusal: refusal.status):
            bodies = [problems.body(refusal) for refusal in group]
            examples = [OpenApiExample(body["code"], value=body, response_only=True) for body in bodies]
            description = " / ".join(body["title"] for body in bodies)
            answers[status, problems.MEDIA_TYPE] = OpenApiResponse(problem, description=description, examples=examples)
        return answers

    def get_override_parameters(self) -> list[Any]:
        by_status = groupby(self._refusals(), key=lambda refusal: refusal.status)
        retriable = [status for status, group in by_status if all(each.retry_after is not None for each in group)]
        documented = [
            ("Retry-After", retriable, {"type": "integer", "minimum": 1}, "Seconds to wait, as retry_after says."),
            ("WWW-Authenticate", [401], components.STRING, "Always Bearer."),
        ]
        answer_headers = [
            OpenApiParameter(name, type=schema, location="header", required=True, description=text, response=statuses)
            for name, statuses, schema, text in documented
            if statuses  # without any, drf-spectacular takes the header for one of the request
        ]
        request_headers = [
            OpenApiParameter(name, type=components.HEADERS[name], location="header", description=text)
            for name, text in self.operation.headers.items()
        ]
        if "{" not in self.path:
            return answer_headers + request_headers
        name = self.path.partition("{")[2].partition("}")[0]
        return [*answer_headers, *request_headers, OpenApiParameter(name, type=components.ID, location="path")]

    def _refusals(self) -> list[errors.OtpError]:
        """Return the errors by status; CSRF can be refused too, where browsers send a cookie by themselves."""
        refusals = self.operation.refusals
        if self.method != "GET" and self.view.authentication_classes and tokens.current().ambient:
            refusals = (*refusals, problems.PermissionDenied())
        return sorted(refusals, key=lambda refusal: refusal.status)

    def _component(self, name: str, schema: Json, of: Any = "") -> Json:
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, object=of or name)  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(component)
        return component.ref


class OtpViewExtension(OpenApiViewExtension):  # type: ignore[no-untyped-call]
    """Return the view with our description on it."""

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
        schema.pop("description", None)  # the docstring is for programmers of the server
        if conf.REQUIRE_CHALLENGE_ID and isinstance(self.target, serializers.VerifySerializer):
            schema["required"] = ["challenge_id", *schema["required"]]
        if not profiles.serializer_class():
            schema["properties"].pop("profile", None)
        return schema | {"additionalProperties": False}


class ChangesSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describe the members that a person may change by the serializer that the accounts name, or by ours."""

    target_class = me.ChangesSerializer

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> Json:
        make = me.changing_class()
        fields = make().fields if make else {}
        names = profiles.changeable(make) if make else []
        members = {name: auto_schema._map_serializer_field(fields[name], direction) for name in names}  # type: ignore[no-untyped-call]
        return {"type": "object", "properties": members, "additionalProperties": False}


class TextFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.TextField
    match_subclasses = True

    def get_name(self) -> str | None:
        return "OtpChannel" if isinstance(self.target, fields.ChannelField) else None

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        return request_components.text_field(self.target)


class FlagFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.FlagField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        return {"type": "boolean"}


class ProfileFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describe the members of a sign-up by the serializer that the accounts name."""

    target_class = fields.ProfileField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        named = profiles.serializer_class()
        return auto_schema.resolve_serializer(named, direction).ref if named else {}


class ContextFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.ContextField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        return request_components.context()


class FactorFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.FactorField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        return request_components.factor()


class CredentialFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    target_class = fields.CredentialField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Any) -> Json:
        return request_components.credential()


class TokenAuthenticationExtension(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the credentials of the token backend in force: a bearer token, or the session's cookie."""

    target_class = TokenAuthentication
    match_subclasses = True
    name = "otpToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> Json:
        if tokens.current().ambient:
            return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
        return {"type": "http", "scheme": "bearer", "description": "The token that verify-otp answers."}
