"""Show the page that takes the code: what became of the message, the time left, and the buttons that send again."""

from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from .. import errors, phones, services
from ..challenges import ChallengeState
from ..challenges.policies import LOGIN, extended_ttl, policy_for
from ..errors import InvalidOrExpiredCode, OtpError
from ..models import Delivery
from . import account, pages, phone_and_code, resend_timing, texts
from .destinations import Destination
from .forms import CodeForm
from .resend_timing import ResendTiming
from .sign_ins import BegunSignIn

_MINUTE_SECONDS = 60
_LOADING_SECONDS = 5  # which pass while the page is loaded


def show(
    request: HttpRequest, destination: Destination, begun: BegunSignIn, form: CodeForm, error: OtpError | None = None
) -> HttpResponse:
    """Render the page of a sign-in that was begun: for its code, or for a new one where the challenge is closed."""
    state = state_of(begun)
    live = None if is_closed(state) else state
    device = request.COOKIES.get(account.DEVICE_COOKIE)
    resend = resend_timing.for_open(live) if live else resend_timing.for_closed(begun.phone, device)
    resend = resend.not_before(begun.held)
    offered = getattr(error, "channels", ())  # with the error
    values: dict[str, Any] = {
        "begun": begun,
        "form": form,
        "state": state,
        "closed": live is None,
        "elsewhere": phone_and_code.is_offered(),
        "alert": _alert(error, form, live),
        "ways": [way for way in texts.other_channels(begun.phone, state) if way[0] not in offered],
        "length": policy_for(LOGIN).length,
        "tried": isinstance(error, InvalidOrExpiredCode),
        "refused": form.is_bound and error is not None and not isinstance(error, InvalidOrExpiredCode),
        "resend": resend,
        "pause": _wait_text(resend, live.expires_in if live else 0),
        "waits": texts.wait_texts(),
        "terminal": pages.codes_are_in_the_terminal(),
    }
    if state:
        values |= {
            "lead": texts.sent_to(state, phones.spaced(begun.phone)),
            "told": texts.message_state(state, resend.switch_in),
            "left": errors.describe_duration(_rounded(state.expires_in)),
            "extendable": not begun.extended and extended_ttl(LOGIN) > policy_for(LOGIN).ttl,
        }
    return pages.show(request, "code", destination, error=error, **values)


def state_of(begun: BegunSignIn) -> ChallengeState | None:
    """Return the state of the sign-in's challenge, or None when it has expired."""
    with suppress(InvalidOrExpiredCode):
        return services.state(challenge_id=begun.challenge_id)
    return None


def is_closed(state: ChallengeState | None) -> bool:
    """Tell whether no code can be entered any more."""
    return state is None or not state.checks_left


def _alert(error: OtpError | None, form: CodeForm, live: ChallengeState | None) -> str | Promise:
    """Return what the alert says of an error: nothing that the page says elsewhere, as the wait of a send."""
    if error is None or form.is_bound or not error.retry_after:
        return error.detail if error else ""
    return "" if live is None or live.state == Delivery.Status.FAILED else type(error).detail


def _wait_text(resend: ResendTiming, left: int) -> str:
    """Return the sentence about the wait, for a code that expires in ``left`` seconds; empty without a wait."""
    times = {"wait": errors.describe_duration(resend.resend_in), "left": errors.describe_duration(_rounded(left))}
    return texts.wait_texts(**times)[resend.wait_kind(left)] if resend.resend_in else ""


def _rounded(seconds: int) -> int:
    """Round a minute or more down to whole minutes, but forgive the seconds that loading the page takes."""
    return seconds if seconds < _MINUTE_SECONDS else (seconds + _LOADING_SECONDS) // _MINUTE_SECONDS * _MINUTE_SECONDS
