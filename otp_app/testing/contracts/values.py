"""Make values for tests that need a phone, or a challenge but do not test how it is opened."""

import itertools

from ...challenges import Challenge, random_id
from ...challenges.codes import current_key_id

_numbers = itertools.count(1)


def new_phone():
    """Return a valid Uzbek mobile number that no other test uses, with another prefix than the numbers before it."""
    return f"+99890{next(_numbers) * 10_007 % 10**7:07d}"


def new_challenge(**values):
    defaults = {
        "id": random_id(),
        "nonce": random_id(),
        "key_id": current_key_id(),
        "phone": new_phone(),
        "purpose": "login",
        "language": "en",
        "channel": "sms",
        "length": 6,
        "ttl": 300,
        "checks": 5,
        "checks_left": 5,
        "phone_checks_left": 3,
        "sends_left": 3,
    }
    return Challenge(**(defaults | values))
