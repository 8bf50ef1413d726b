"""Describe the JSON that requests and answers hold: the parts that the OpenAPI document is put together from."""

from django.contrib.auth import get_user_model
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import append_meta

from .. import tokens
from ..accounts import adapter, profiles
from ..delivery.state import SHOWN_STATUSES
from ..providers.base import Channel
from . import confirmations, idempotency, problems
from .fields import Json

STRING: Json = {"type": "string"}
ID = STRING | {"pattern": "^[0-9a-f]{32}$"}
IDEMPOTENCY_KEY = STRING | {"pattern": "^[!-~](?:[ -~]{0,253}[!-~])?$"}  # a header's value has no space at its ends
HEADERS = {idempotency.HEADER: IDEMPOTENCY_KEY, confirmations.HEADER: STRING}  # of requests
CHANNEL = STRING | {"enum": [channel.value for channel in Channel]}
MESSAGE_STATE = STRING | {"enum": list(SHOWN_STATUSES)}
PROBLEM_CODE = STRING | {"enum": list(problems.TITLES)}
_SECONDS: Json = {"type": "integer", "minimum": 0, "description": "Seconds."}


def problem() -> Json:
    """Describe the problem details of RFC 9457 with our members."""
    members = described(
        type=STRING | {"format": "uri-reference", "description": "The code's place on the page of errors."},
        title=STRING | {"description": "In the client's language."},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail=STRING | {"description": "In the client's language; may be shown to the person."},
        code={"$ref": "#/components/schemas/ProblemCode"},
    )
    texts = {"type": "array", "items": STRING}
    members["properties"] |= {
        "retry_after": {"type": "integer", "minimum": 1, "description": "Seconds."},
        "altcha": {"$ref": "#/components/schemas/OtpTask"},
        "channels": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/OtpChannel"},
            "minItems": 1,
            "description": "Channels that would serve the number now, without a proof of work.",
        },
        "purpose": STRING | {"description": "What confirmation_required wants confirmed."},
        "max_age": {"type": "integer", "description": "Seconds: how long ago the sign-in may be for sign_in_again."},
        "factors": {
            "type": "array",
            "items": {"type": "object", "properties": {"by": STRING}, "required": ["by"]},
            "description": "The factors that the account has, and what a client needs for the answer of each.",
        },
        "since": {"type": "integer", "description": "The year in which the account of is_this_you began."},
        "errors": {"type": "object", "additionalProperties": texts, "description": "What is wrong with each field."},
    }
    return members


def task() -> Json:
    """Describe the task of a proof of work: ALTCHA's, version 2, as :mod:`..limits.proof_of_work` makes it."""
    octets = STRING | {"pattern": "^(?:[0-9a-f]{2})+$"}
    parameters = described(
        algorithm=STRING | {"const": "PBKDF2/SHA-256"},
        cost={"type": "integer", "minimum": 1, "description": "Iterations for each key."},
        expiresAt={"type": "integer", "description": "Seconds since 1970."},
        keyLength={"type": "integer", "minimum": 1, "maximum": 32, "description": "Bytes of a key."},
        keyPrefix=octets | {"description": "A key that begins so solves the task."},
        nonce=octets | {"description": "With the counter, the password of a key."},
        salt=octets,
    )
    parameters["additionalProperties"] = False
    told = {"description": "Derive keys of nonce and counter (4 bytes, big-endian) until one begins with keyPrefix."}
    return described(parameters=parameters, signature=octets) | told


def answers(schema: AutoSchema) -> dict[str, Json]:
    """Describe the bodies of success, by name. A user's id is whatever the project's user model has for a key."""
    key = schema._map_model_field(get_user_model()._meta.pk, "response")  # type: ignore[no-untyped-call]  # noqa: SLF001
    key = {name: value for name, value in key.items() if name not in ("readOnly", "title")}
    phone = STRING | {"description": "E.164; empty for a user without a phone."}
    user = described(id=key, phone=phone, is_new={"type": "boolean"})
    token = append_meta(STRING, {"nullable": tokens.current().ambient})
    own = {} if profiles.serializer_class() else dict.fromkeys(adapter.own_members(get_user_model()()), STRING)
    return {
        "OtpState": _challenge_state(),
        "OtpToken": _refreshable(token=token, expires_in=_SECONDS, user=described(id=key, phone=phone)),
        "OtpRefreshed": described(token=STRING, expires_in=_SECONDS, refresh_token=STRING),
        "OtpSent": described(
            message=STRING,
            challenge_id=STRING,
            expires_in=_SECONDS,
            resend_in=_SECONDS,
            phone=STRING | {"description": "E.164: how the number was understood."},
        ),
        "OtpVerified": _refreshable(message=STRING, token=token, expires_in=_SECONDS, user=user, device=STRING),
        "OtpPhoneChanged": described(user=described(id=key, phone=phone), device=STRING),
        "OtpMe": described(id=key, phone=phone, **own, optional=tuple(own)),
        "OtpErased": described(
            message=STRING, kept=described(what=STRING, days={"type": "integer", "description": "At most."})
        ),
        "OtpEvents": described(events={"type": "array", "items": _event()}),
        "OtpExport": described(user=described(id=key, phone=phone)) | {"description": "A list for each kind of data."},
        "OtpConfirming": _confirming(),
        "OtpFactors": described(
            added_at=append_meta(STRING | {"format": "date-time"}, {"nullable": True}),
            recovery_codes_left={"type": "integer", "minimum": 0},
        ),
        "OtpEmail": described(email=STRING | {"description": "Empty: there is none."}),
        "OtpSecondPhone": described(phone=STRING | {"description": "Empty: there is none."}),
        "OtpEmailSent": described(challenge_id=STRING, expires_in=_SECONDS),
        "OtpRecovery": described(
            recovery=STRING | {"description": "Shown this once; kept by the client for the steps after the wait."},
            retry_after=_SECONDS,
            expires_in=_SECONDS,
        ),
        "OtpRecovered": described(phone=STRING),
        "OtpAuthenticator": described(
            secret=STRING | {"description": "In base32, for an app into which the person types it."},
            uri=STRING | {"description": "For a link, or as a QR code."},
            expires_in=_SECONDS,
        ),
        "OtpRecoveryCodes": described(
            recovery_codes={"type": "array", "items": STRING, "description": "Shown this once."}
        ),
        "OtpConfirmed": described(confirmation=STRING, expires_in=_SECONDS),
        "OtpCountries": _countries(),
        "OtpPasskeyOptions": described(options=_passkey_options()),
        "OtpPasskey": _passkey(),
        "OtpPasskeys": described(passkeys={"type": "array", "items": _passkey()}),
        "OtpSignedIn": _refreshable(token=token, expires_in=_SECONDS, user=user, device=STRING, optional=("device",)),
        "OtpSessions": described(sessions={"type": "array", "items": _session()}),
    }


def _confirming() -> Json:
    sent = described(message=STRING, challenge_id=STRING, expires_in=_SECONDS, resend_in=_SECONDS)
    sent["properties"] |= {
        "by": STRING | {"description": "The factor that will answer; then no message was sent."},
        "options": _passkey_options(),
    }
    return sent | {"required": ["challenge_id", "expires_in"]}


def _session() -> Json:
    moment = append_meta(STRING | {"format": "date-time"}, {"nullable": True})
    return described(
        id=ID,
        began_at=moment | {"description": "Null: before this was written down."},
        used_at=moment | {"description": "Last use, exact to an hour; null: not known, as of a browser's session."},
        client=STRING | {"description": "As Firefox, Windows; may be empty."},
        network=STRING | {"description": "Where it signed in: an IPv4 /24 or IPv6 /48; may be empty."},
        current={"type": "boolean", "description": "Whether it is the session of this request."},
    )


def _event() -> Json:
    return described(
        kind=STRING,
        text=STRING | {"description": "In the client's language."},
        at=STRING | {"format": "date-time"},
        client=STRING | {"description": "As Firefox, Windows; may be empty."},
        network=STRING | {"description": "An IPv4 /24 or IPv6 /48; may be empty."},
    )


def _passkey_options() -> Json:
    told = "For PublicKeyCredential.parseCreationOptionsFromJSON() or parseRequestOptionsFromJSON()."
    return {"type": "object", "properties": {"challenge": STRING}, "required": ["challenge"], "description": told}


def _passkey() -> Json:
    moment = STRING | {"format": "date-time"}
    return described(
        id=ID,
        name=STRING | {"description": "As the app called it, else the client: Firefox, Windows; may be empty."},
        backed_up={"type": "boolean", "description": "Whether the person has a copy of it, as of its last use."},
        created_at=moment,
        used_at=append_meta(dict(moment), {"nullable": True}),
    )


def _countries() -> Json:
    region = STRING | {"pattern": "^[A-Z]{2}$", "description": "ISO 3166."}
    country = described(
        region=region,
        name=STRING | {"description": "In the client's language."},
        calling_code=STRING | {"pattern": "^\\+[1-9][0-9]{0,2}$"},
        channels={"type": "array", "items": {"$ref": "#/components/schemas/OtpChannel"}, "minItems": 1},
        example=STRING | {"description": "A mobile number as people write it."},
    )
    default = region | {"pattern": "^(?:[A-Z]{2})?$", "description": "Where to begin for this caller; may be empty."}
    return described(default=default, countries={"type": "array", "items": country})


def _challenge_state() -> Json:
    channel = {"$ref": "#/components/schemas/OtpChannel"}
    return described(
        challenge_id=STRING,
        state={"$ref": "#/components/schemas/OtpMessageState"},
        channel=channel,
        channels={"type": "array", "items": channel, "description": "The others on offer."},
        checks_left={"type": "integer", "minimum": 0},
        sends_left={"type": "integer", "minimum": 0},
        expires_in=_SECONDS,
        resend_in=_SECONDS,
        switch_in=_SECONDS | {"description": "Until another channel may be asked for."},
    )


def _refreshable(*, optional: tuple[str, ...] = (), **properties: Json) -> Json:
    """Describe an object that has these members, and a refresh token where the token backend has refresh tokens."""
    token = STRING | {"description": "Only from a token backend that has them."}
    return described(**properties, refresh_token=token, optional=("refresh_token", *optional))


def described(*, optional: tuple[str, ...] = (), **properties: Json) -> Json:
    """Describe an object that has all of these members, but for the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}
