"""What the pages say of a message: how it comes, how it fares, by which ways else it could; and of countries."""

from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from phonenumbers import SUPPORTED_REGIONS

from .. import phones
from ..challenges import ChallengeState
from ..delivery import routing
from ..phones import countries
from ..providers.base import Channel

_LEADS: dict[str, Promise] = {
    Channel.SMS: _("We have sent a text message with a code to {phone}."),
    Channel.CALL: _("We are calling {phone}. A voice reads you a code."),
    Channel.WHATSAPP: _("We have sent a code by WhatsApp to {phone}."),
    Channel.TELEGRAM: _("We have sent a code by Telegram to {phone}."),
}
_WAYS: dict[str, Promise] = {
    Channel.SMS: _("Text message"),
    Channel.CALL: _("Phone call"),
    Channel.WHATSAPP: _("WhatsApp"),
    Channel.TELEGRAM: _("Telegram"),
}
_WAITS: dict[str, Promise] = {
    "again": _("You can send again in %(wait)s."),
    "new": _("You can get a new code in %(wait)s."),
    "valid": _("You can get a new code in %(wait)s. Until then the one you have is valid."),
    "sooner": _("The code you have expires in %(left)s. You can get a new one in %(wait)s."),
}
_STATES: dict[str, Promise] = {
    "queued": _("The message is being sent."),
    "sent": _("The message is on its way."),
    "delivered": _("The message has reached your phone."),
    "undelivered": _("The message did not reach your phone. Try another way, or check the number."),
    "failed": _("The message could not be sent. Try again, or another way."),
}
_STATES_OF_THE_ONLY_WAY: dict[str, Promise] = {
    "undelivered": _("The message did not reach your phone. Try again, or check the number."),
    "failed": _("The message could not be sent. Try again, or check the number."),
}
_CALLS: dict[str, Promise] = {
    "queued": _("We are about to call."),
    "sent": _("We are calling."),
    "delivered": _("The call was answered."),
    "undelivered": _("The call was not answered. Try again, or another way."),
    "failed": _("The call did not go through. Try again, or another way."),
}
_CALLS_AS_THE_ONLY_WAY: dict[str, Promise] = {
    "undelivered": _("The call was not answered. Try again, or check the number."),
    "failed": _("The call did not go through. Try again, or check the number."),
}


def lead(state: ChallengeState, phone: str) -> str:
    """Where the code has gone. The number is set off, whatever its place in the sentence of a language."""
    return format_html(str(_LEADS[state.channel]), phone=format_html('<strong class="number">{}</strong>', phone))


def state(state: ChallengeState, switch_in: int = 0) -> Promise:
    """Say how the newest message fares; another way is named only where there is one that need not wait."""
    calls = state.channel == Channel.CALL
    only = _CALLS_AS_THE_ONLY_WAY if calls else _STATES_OF_THE_ONLY_WAY
    words = _CALLS if calls else _STATES
    return (words if state.channels and not switch_in else words | only)[state.state]


def waits(*, wait: str = "{wait}", left: str = "{left}") -> dict[str, str]:
    """List what can be said of a wait, by ``Resend.kind``; without times, for the script to put them in."""
    return {kind: str(text) % {"wait": wait, "left": left} for kind, text in _WAITS.items()}


def ways(phone: str, state: ChallengeState | None) -> list[tuple[str, Promise]]:
    """The other channels on offer, with their names."""
    offered = state.channels if state else routing.channels(phones.of(phone))[1:]
    return [(channel, _WAYS[channel]) for channel in offered]


def of_number_field() -> dict[str, Any]:
    """Give what the field for a number shows: the country it begins with, an example, and names of countries."""
    return {"home": phones.home(), "example": phones.example(), "names": _names()}


def _names() -> dict[str, str]:
    """Name the served countries for the script: Chromium names none in Uzbek."""
    if get_language() != "uz":
        return {}
    allowed = phones.allowed_regions()
    return countries.names(SUPPORTED_REGIONS if "*" in allowed else allowed)
