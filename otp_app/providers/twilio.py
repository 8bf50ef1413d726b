"""Send by Twilio's API: SMS, WhatsApp by approved templates, and calls that read the code out.

Sending is not idempotent: whatever is not a clear answer is *unknown*. The requests are those of
https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/voice/api/call-resource.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from .base import Channel, Event, Message, NotAccepted, Provider, Receipt, Report, Unknown, Unsuited
from .http import Http, Reply
from .twilio_codes import refused
from .twilio_reports import authentic, event_of, segments_of
from .twilio_voice import VOICES, spoken

LONGEST_VALIDITY = 36_000  # seconds; Twilio takes 1 to 36,000
RINGING = 25  # seconds, about five rings; soon after that a voicemail would answer and keep the code
WHATSAPP = "whatsapp:"  # before a number: its account there


class TwilioProvider(Provider):
    """Send from ``sender``: number, name or messaging service (``MG…``); ``base_url`` replaces api.twilio.com.

    Calls are made when ``voice_sender`` is set, a number of yours that can call. That the SMS sender is a number is not
    taken for leave: not every number can call, a call costs several messages, and paid numbers are pumped by calls too.
    WhatsApp is used when there are ``whatsapp_sender`` and ``whatsapp_templates``, which maps our languages to the
    SIDs of approved content templates (``HX…``), ``"*"`` standing for the rest.
    ``voices`` maps languages to pairs of a language and a voice of Twilio's, beside or instead of ours.
    """

    title: ClassVar[str] = "Twilio"
    channels = frozenset({Channel.SMS, Channel.CALL, Channel.WHATSAPP})
    signed: ClassVar[str] = "signature"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        sender: str,
        base_url: str = "",
        voice_sender: str = "",
        whatsapp_sender: str = "",
        whatsapp_templates: Mapping[str, str] | None = None,
        voices: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._account = f"/2010-04-01/Accounts/{account_sid}"
        self._http = Http(base_url or "https://api.twilio.com", auth=(account_sid, auth_token))
        self._senders = {Channel.SMS: _sender(sender), Channel.WHATSAPP: _sender(whatsapp_sender, WHATSAPP)}
        self._voice_sender = voice_sender
        self._templates = whatsapp_templates or {}
        self._voices = {**VOICES, **(voices or {})}
        has = {Channel.SMS: True, Channel.CALL: voice_sender, Channel.WHATSAPP: whatsapp_sender and self._templates}
        self.channels = frozenset(channel for channel, is_set_up in has.items() if is_set_up)

    def send(self, message: Message) -> Receipt:
        if message.channel not in self.channels:
            raise NotAccepted("no_such_channel")
        if message.channel == Channel.CALL:
            return self._call(message)
        return self._write(message)

    def events(self, report: Report) -> Sequence[Event]:
        event = event_of(authentic(report, self._auth_token), report.query.get("id", ""))
        return [event] if event else []

    def check(self) -> str:
        account = _told(self._http.get(f"{self._account}.json"))
        if account.get("status") != "active":
            raise NotAccepted(str(account.get("status"))[:64])
        is_trial = account.get("type") == "Trial"
        trial = ", on trial, so it reaches only the numbers that you have verified" if is_trial else ""
        if account.get("owner_account_sid") not in (None, self._account_sid):
            return f"The account is active{trial}; its balance is that of its parent account."
        told = _told(self._http.get(f"{self._account}/Balance.json"))
        return f"The account is active{trial}; its balance is {told.get('balance')} {told.get('currency')}."

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _write(self, message: Message) -> Receipt:
        """Send a text message or a WhatsApp message.

        Left out on purpose: RiskCheck, whose default is to check; SmartEncoded, which would change texts that are in
        the cheap alphabet already, and which a messaging service can switch on.
        """
        is_whatsapp = message.channel == Channel.WHATSAPP
        order = {
            "To": WHATSAPP + message.to if is_whatsapp else message.to,
            # What still waits in Twilio's queue when the code expires is not sent any more.
            "ValidityPeriod": str(min(max(message.expires_in, 1), LONGEST_VALIDITY)),
            **self._senders[Channel(message.channel)],
            **(self._template(message) if is_whatsapp else {"Body": message.body}),
        }
        if message.callback:
            order["StatusCallback"] = message.callback
        return self._hand_over("Messages", order)

    def _template(self, message: Message) -> dict[str, str]:
        """Return the approved template's fields: WhatsApp takes codes only in these, never as text."""
        template = self._templates.get(message.language) or self._templates.get("*")
        if not template:
            raise Unsuited("no_template")
        return {"ContentSid": template, "ContentVariables": json.dumps({"1": message.code})}

    def _call(self, message: Message) -> Receipt:
        order = {"To": message.to, "From": self._voice_sender, "Timeout": str(RINGING)}
        order["Twiml"] = spoken(message.body, message.language, self._voices)
        if message.callback:
            # "completed" is the event of every end, also of busy and no answer; those before it would tell nothing new.
            order |= {"StatusCallback": message.callback, "StatusCallbackEvent": "completed"}
            order["StatusCallbackMethod"] = "POST"  # or nothing would be signed but the address
        return self._hand_over("Calls", order)

    def _hand_over(self, resource: str, order: Mapping[str, str]) -> Receipt:
        told = _told(self._http.post(f"{self._account}/{resource}.json", data=order))
        if not told.get("sid"):
            raise Unknown("no_id")
        # A messaging service has not yet counted ("0") when it answers, and calls have no segments.
        return Receipt(str(told["sid"])[:64], max(1, segments_of(str(told.get("num_segments")))))


def _sender(sender: str, before: str = "") -> dict[str, str]:
    """Return the sender's field; a messaging service has its own. A name may begin with MG too."""
    if re.fullmatch(r"MG[0-9a-fA-F]{32}", sender):
        return {"MessagingServiceSid": sender}
    return {"From": before + sender.removeprefix(before)}


def _told(reply: Reply) -> Mapping[str, Any]:
    """Return the object of a good reply. Raises the error of a refusal, Unknown for what is no reply of Twilio's."""
    told = reply.data if isinstance(reply.data, dict) else {}
    if not reply.ok:
        raise refused(reply.status, told.get("code"))
    if not told:
        raise Unknown("unreadable")
    return told
