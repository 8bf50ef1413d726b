"""Define the tables, one module for each kind. Import them from this room, not from its modules."""

from ..users import AbstractPhoneUser
from .answers import KeptAnswer
from .authorizations import AuthorizationClient, AuthorizationCode
from .blocks import BlockRow
from .challenges import ChallengeRow
from .confirmations import Confirmation
from .counters import Counter, Failure
from .deliveries import Delivery, EventRow
from .devices import DevicesEnd
from .emails import EmailAddress
from .events import SecurityEvent
from .factors import Authenticator, RecoveryCode
from .line_lookups import LineLookup
from .notifications import Notification
from .number_changes import NumberChange
from .passkeys import Passkey
from .recoveries import Recovery
from .released_numbers import ReleasedNumber
from .second_phones import SecondPhone
from .tokens import RefreshToken, SigningKey, Token, UserSession, session_id
from .users import User

__all__ = [
    "AbstractPhoneUser",
    "Authenticator",
    "AuthorizationClient",
    "AuthorizationCode",
    "BlockRow",
    "ChallengeRow",
    "Confirmation",
    "Counter",
    "Delivery",
    "DevicesEnd",
    "EmailAddress",
    "EventRow",
    "Failure",
    "KeptAnswer",
    "LineLookup",
    "Notification",
    "NumberChange",
    "Passkey",
    "Recovery",
    "RecoveryCode",
    "RefreshToken",
    "ReleasedNumber",
    "SecondPhone",
    "SecurityEvent",
    "SigningKey",
    "Token",
    "User",
    "UserSession",
    "session_id",
]
