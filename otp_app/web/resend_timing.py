"""Tell from when a person may have a code sent again, and for how long it will be the same code.

The page enables a button only when the send would be accepted.
"""

from dataclasses import dataclass

from ..accounts import devices
from ..challenges import ChallengeState
from ..delivery.state import resend_in

_MIN_REMAINING_SECONDS = 60  # a code that expires sooner is not sent again: the person gets a new one


@dataclass(frozen=True, slots=True)
class ResendTiming:
    """Hold what the page promises, in whole seconds from now."""

    resend_in: int  # until a send is accepted
    switch_in: int  # until a send by another channel is accepted
    same_for: int  # for as long as a send brings the same code

    @property
    def renews(self) -> bool:
        """Tell whether the next send brings a new code, because the present one cannot be sent again by then."""
        return self.resend_in >= self.same_for

    def wait_kind(self, left: int) -> str:
        """Return the key in ``texts.wait_texts`` for a code that expires in ``left`` seconds; 0: there is no code."""
        if not left:
            return "new"
        if not self.renews:
            return "again"
        return "valid" if self.resend_in < left else "sooner"

    def not_before(self, seconds: int) -> "ResendTiming":
        """Return the timing where the service has just refused a send for that many seconds."""
        return ResendTiming(max(self.resend_in, seconds), max(self.switch_in, seconds), self.same_for)


def for_open(state: ChallengeState) -> ResendTiming:
    """Return the timing while a code can still be entered."""
    same_for = 0
    if state.checks_left > 0 and state.sends_left > 0:
        same_for = max(0, state.expires_in - _MIN_REMAINING_SECONDS)
    return ResendTiming(state.resend_in, state.switch_in if same_for else state.resend_in, same_for)


def for_closed(phone: str, device: str | None) -> ResendTiming:
    """Return the timing after the code was used up or expired; ``device`` is the browser's device cookie."""
    wait = resend_in(phone, devices.recognise(phone, device))
    return ResendTiming(wait, wait, 0)
