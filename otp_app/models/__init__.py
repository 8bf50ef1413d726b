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
from .events import SecurityEvent
from .factors import RecoveryCode, StaffFactor
from .notifications import Notification
from .number_changes import NumberChange
from .tokens import RefreshToken, SigningKey, Token, UserSession, session_id
from .users import User

__all__ = [
    "AbstractPhoneUser",
    "AuthorizationClient",
    "AuthorizationCode",
    "BlockRow",
    "ChallengeRow",
    "Confirmation",
    "Counter",
    "Delivery",
    "DevicesEnd",
    "EventRow",
    "Failure",
    "KeptAnswer",
    "Notification",
    "NumberChange",
    "RecoveryCode",
    "RefreshToken",
    "SecurityEvent",
    "SigningKey",
    "StaffFactor",
    "Token",
    "User",
    "UserSession",
    "session_id",
]
