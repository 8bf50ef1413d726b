"""Describe what single members of requests hold, for the OpenAPI document."""

from .. import phones
from ..accounts import contexts
from ..challenges.policies import policy_for
from . import fields
from .components import CHANNEL, STRING, described
from .fields import Json


def text_field(field: fields.TextField) -> Json:
    """Describe what a field of a request takes, under the settings in force."""
    match field:
        case fields.PhoneField():
            pattern = phones.PATTERN if phones.national_region() else phones.INTERNATIONAL_PATTERN
            return STRING | {"minLength": phones.MIN_CHARACTERS, "maxLength": phones.MAX_CHARACTERS, "pattern": pattern}
        case fields.CodeField():
            return STRING | {"pattern": f"^[0-9]{{{policy_for(field.purpose).length}}}$"}
        case fields.ChannelField():
            return CHANNEL
        case fields.ProofField():
            solved = "The solved task of proof_required, in base64; none from a client that cannot solve one."
            return STRING | {"minLength": 1, "maxLength": field.max_characters, "description": solved}
        case fields.AccountField():
            told = "After is_this_you: the number is taken from the account that has it, and a new one begins."
            return STRING | {"const": fields.NEW_ACCOUNT, "description": told}
    return STRING | {"minLength": 1, "maxLength": field.max_characters}


def context() -> Json:
    """Describe what is confirmed."""
    text = STRING | {"minLength": 1, "maxLength": contexts.MAX_CHARACTERS}
    told = f"Shown in the message; at most {contexts.MAX_CHARACTERS} characters in all, with ', ' between the members."
    members = dict.fromkeys(contexts.MEMBERS, text)
    return {"type": "object", "properties": members, "additionalProperties": False, "description": told}


def factor() -> Json:
    """Describe the proof of a factor."""
    by = STRING | {"description": "As in factors."}
    answer = {"description": "A text; for a passkey the JSON of the credential."}
    return described(by=by, answer=answer) | {"additionalProperties": False}


def credential() -> Json:
    """Describe the answer of an authenticator; what is in it is judged by its signature."""
    text = STRING | {"minLength": 1}
    response = {"type": "object", "properties": {"clientDataJSON": text}, "required": ["clientDataJSON"]}
    told = "As PublicKeyCredential.toJSON() writes it (WebAuthn level 3)."
    return described(id=text, rawId=text, type=text, response=response) | {"description": told}
