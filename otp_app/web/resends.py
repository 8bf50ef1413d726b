"""When a person may have a code sent again, and whether it will be the same one: a button that is on works."""

from dataclasses import dataclass

from ..accounts import devices
from ..challenges import ChallengeState
from ..delivery.state import resend_in

_TOO_LATE = 60  # seconds: a code that lives no longer is not sent again, a new one is


@dataclass(frozen=True, slots=True)
class Resend:
    """Hold what the page promises, in whole seconds from now."""

    resend_in: int  # until a send works
    switch_in: int  # until one by another channel does
    same_for: int  # as long as a send brings the same code

    @property
    def renews(self) -> bool:
        """Tell whether the next send brings a new code, for that of now is of no use by then."""
        return self.resend_in >= self.same_for

    def kind(self, left: int) -> str:
        """Name the sentence that is true of the wait, for a code that lives for ``left`` seconds; 0: for none."""
        if not left:
            return "new"
        if not self.renews:
            return "again"
        return "valid" if self.resend_in < left else "sooner"

    def held(self, seconds: int) -> "Resend":
        """Return the same where the service has just refused a send for so long."""
        return Resend(max(self.resend_in, seconds), max(self.switch_in, seconds), self.same_for)


def of_open(state: ChallengeState) -> Resend:
    """Judge for a code that can still be entered."""
    same_for = max(0, state.expires_in - _TOO_LATE) if state.checks_left > 0 < state.sends_left else 0
    return Resend(state.resend_in, state.switch_in if same_for else state.resend_in, same_for)


def of_closed(phone: str, device: str | None) -> Resend:
    """Judge for a code that is of no more use. ``device`` is what the browser keeps of an earlier sign-in."""
    wait = resend_in(phone, devices.recognise(phone, device))
    return Resend(wait, wait, 0)
