"""Hold what the pages say of a message (its channel, its state, the wait, other channels), and name countries."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .. import phones
from ..challenges import ChallengeState
from ..delivery import routing
from ..models import Delivery
from ..phones import countries
from ..providers.base import Channel

Status = Delivery.Status

_SENT_BY: dict[str, Promise] = {
    Channel.SMS: _("We have sent a text message with a code to {phone}."),
    Channel.CALL: _("We are calling {phone}. A voice reads you a code."),
    Channel.WHATSAPP: _("We have sent a code by WhatsApp to {phone}."),
    Channel.TELEGRAM: _("We have sent a code by Telegram to {phone}."),
}
_CHANNEL_NAMES: dict[str, Promise] = {
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
_MESSAGE: dict[str, Promise] = {
    Status.QUEUED: _("The message is being sent."),
    Status.SENT: _("The message is on its way."),
    Status.DELIVERED: _("The message has reached your phone."),
    Status.UNDELIVERED: _("The message did not reach your phone. Try another way, or check the number."),
    Status.FAILED: _("The message could not be sent. Try again, or another way."),
}
_MESSAGE_BY_ONLY_CHANNEL: dict[str, Promise] = {
    Status.UNDELIVERED: _("The message did not reach your phone. Try again, or check the number."),
    Status.FAILED: _("The message could not be sent. Try again, or check the number."),
}
_CALL: dict[str, Promise] = {
    Status.QUEUED: _("We are about to call."),
    Status.SENT: _("We are calling."),
    Status.DELIVERED: _("The call was answered."),
    Status.UNDELIVERED: _("The call was not answered. Try again, or another way."),
    Status.FAILED: _("The call did not go through. Try again, or another way."),
}
_CALL_BY_ONLY_CHANNEL: dict[str, Promise] = {
    Status.UNDELIVERED: _("The call was not answered. Try again, or check the number."),
    Status.FAILED: _("The call did not go through. Try again, or check the number."),
}


def sent_to(state: ChallengeState, phone: str) -> str:
    """Say by which channel and to which number the code was sent; the number is emphasised."""
    return format_html(str(_SENT_BY[state.channel]), phone=format_html('<strong class="number">{}</strong>', phone))


def message_state(state: ChallengeState, switch_in: int = 0) -> Promise:
    """Say what became of the newest message, and advise another channel only where one is on offer without a wait."""
    is_call = state.channel == Channel.CALL
    texts = _CALL if is_call else _MESSAGE
    if not state.channels or switch_in:
        texts = texts | (_CALL_BY_ONLY_CHANNEL if is_call else _MESSAGE_BY_ONLY_CHANNEL)
    return texts[state.state]


def wait_texts(*, wait: str = "{wait}", left: str = "{left}") -> dict[str, str]:
    """Return what can be said of a wait, by ``ResendTiming.wait_kind``; without times, for the script to fill in."""
    return {kind: str(text) % {"wait": wait, "left": left} for kind, text in _WAITS.items()}


def other_channels(phone: str, state: ChallengeState | None) -> list[tuple[str, Promise]]:
    """Return the other channels on offer, each with its name; for a challenge that is gone, all but the first."""
    offered = state.channels if state else routing.channels(phones.as_phone(phone))[1:]
    return named(offered)


def named(channels: Iterable[str]) -> list[tuple[str, Promise]]:
    """Return the channels, each with its name."""
    return [(channel, _CHANNEL_NAMES[channel]) for channel in channels]


def number_field() -> dict[str, Any]:
    """Return what the field for a number shows: the country it begins with, an example, and the names of countries."""
    return {"home": phones.assumed_region(), "example": phones.example_number(), "names": _country_names()}


def _country_names() -> dict[str, str]:
    """Return the names of the served countries for the script in Uzbek, which Chromium has no names in."""
    return countries.names(phones.served_regions()) if get_language() == "uz" else {}
