"""Guard views by the age of the sign-in, and tell clients so as RFC 9470 has it.

Only a sign-in counts, not a confirmation since: that is of one purpose and context and no proof for another, and it is
of the user and not of the session, so the owner's would open the view to whoever has stolen an old token.
"""

from collections.abc import Callable
from typing import Any

from .. import tokens
from ..db import clock
from ..errors import SignInAgain
from .guards import Guard, View


class SignedInWithin(Guard):
    """Let a request to a DRF view through if its user has signed in at most so many seconds ago.

    ``permission_classes = [IsAuthenticated, SignedInWithin(300)]``. Else the answer is 401 ``sign_in_again``, as it is
    where nobody knows when the sign-in was.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def check(self, request: Any) -> None:
        at = tokens.auth_time(request)
        if at is None or clock.instant().timestamp() - at.timestamp() > self.seconds:
            raise SignInAgain(self.seconds)


def signed_in_within(seconds: int) -> Callable[[View], View]:
    """Guard a synchronous Django view as ``SignedInWithin`` does a DRF view; 401 for a request without a user."""
    return SignedInWithin(seconds).guarding
