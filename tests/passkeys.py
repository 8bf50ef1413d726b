"""Answer ceremonies of WebAuthn as an authenticator does, and as one that lies."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

DOMAIN, ORIGIN = "example.com", "https://login.example.com"
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40
HONEST = PRESENT | VERIFIED


def b64(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def unb64(text):
    return base64.urlsafe_b64decode(text + "==")


@dataclass
class Authenticator:
    """Hold one passkey. ``flags`` and ``count`` are what it says at its next ceremony."""

    origin: str = ORIGIN
    domain: str = DOMAIN
    flags: int = HONEST
    count: int = 1  # of the next ceremony; None of one that does not count
    transports: object = ("internal", "hybrid")
    key: object = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: bytes = b""

    def create(self, options, **client):
        """Answer ``navigator.credentials.create``."""
        self.handle = unb64(options["user"]["id"])
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + self._public_key()
        data = self._data(ATTESTED) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", options, client)),
            "attestationObject": b64(made),
            "transports": list(self.transports) if isinstance(self.transports, tuple) else self.transports,
        }
        return self._answer(response)

    def get(self, options, **client):
        """Answer ``navigator.credentials.get``."""
        said, data = self._client("webauthn.get", options, client), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": b64(said),
            "authenticatorData": b64(data),
            "signature": b64(signature),
            "userHandle": b64(self.handle),
        }
        return self._answer(response)

    def _answer(self, response):
        return {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response}

    def _client(self, kind, options, client):
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | client).encode()

    def _data(self, more):
        count = self.count or 0
        if self.count is not None:
            self.count += 1
        return hashlib.sha256(self.domain.encode()).digest() + bytes([self.flags | more]) + count.to_bytes(4, "big")

    def _public_key(self):
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})


@pytest.fixture
def relying_party(settings):
    """Set the relying party that the authenticators here answer."""
    settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = DOMAIN, [ORIGIN]
