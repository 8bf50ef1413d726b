"""Write the options of WebAuthn's two ceremonies as JSON, and check the answers, by the extra ``passkeys``."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..conf import conf
from ..errors import InvalidOrExpiredCode
from ..models import Passkey
from . import relying_party

if TYPE_CHECKING:
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor
    from webauthn.registration.verify_registration_response import VerifiedRegistration

logger = logging.getLogger("otp_app.passkeys")

_TIMEOUT = relying_party.TTL_SECONDS * 1000  # milliseconds


def creation_options(handle: bytes, shown_name: str, known: Sequence[Passkey], challenge: bytes) -> dict[str, Any]:
    """Return from what a client makes a passkey, unless its authenticator has one of the ``known`` ones."""
    from webauthn import generate_registration_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    wanted = AuthenticatorSelectionCriteria(
        resident_key=ResidentKeyRequirement.REQUIRED,
        require_resident_key=True,  # for clients of level 1 of the standard
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    options = generate_registration_options(
        rp_id=relying_party.rp_id(),
        rp_name=conf.BRAND,
        user_id=handle,
        user_name=shown_name,
        challenge=challenge,
        timeout=_TIMEOUT,
        authenticator_selection=wanted,
        exclude_credentials=_described(known),
    )
    return options_to_json_dict(options)


def request_options(known: Sequence[Passkey], challenge: bytes) -> dict[str, Any]:
    """Return from what a client signs by one of the ``known`` passkeys, or if there are none, by any of the person."""
    from webauthn import generate_authentication_options
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=relying_party.rp_id(),
        challenge=challenge,
        timeout=_TIMEOUT,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def checked_creation(answer: Mapping[str, Any], challenge: bytes) -> "VerifiedRegistration":
    """Return what an answer says of the passkey that it made. Raise InvalidOrExpiredCode."""
    from webauthn import verify_registration_response

    made: VerifiedRegistration = _checked(verify_registration_response, answer, challenge)
    return made


def checked_signature(answer: Mapping[str, Any], challenge: bytes, passkey: Passkey) -> "VerifiedAuthentication":
    """Return what an answer says that this passkey has signed. The caller compares the counter.

    Raise InvalidOrExpiredCode.
    """
    from webauthn import verify_authentication_response

    known = {"credential_public_key": bytes(passkey.public_key), "credential_current_sign_count": 0}
    seen: VerifiedAuthentication = _checked(verify_authentication_response, answer, challenge, **known)
    return seen


def may_be_copied(said: Any) -> bool:
    """Return whether the authenticator may give copies of the passkey to other devices of the person."""
    return bool(said.credential_device_type == "multi_device")


def _checked(verify: Callable[..., Any], answer: Mapping[str, Any], challenge: bytes, **known: Any) -> Any:
    ours = {"expected_rp_id": relying_party.rp_id(), "expected_origin": relying_party.origins()}
    asked = {"expected_challenge": challenge, "require_user_verification": True}
    try:
        return verify(credential=dict(answer), **asked, **ours, **known)
    except Exception as error:  # noqa: BLE001  (parsers of CBOR, keys and certificates read what a stranger writes)
        logger.info("refused a passkey: %.200r", str(error))
        raise InvalidOrExpiredCode from None


def _described(known: Sequence[Passkey]) -> list["PublicKeyCredentialDescriptor"]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            bytes(row.credential_id), transports=[AuthenticatorTransport(each) for each in row.transports]
        )
        for row in known
    ]
