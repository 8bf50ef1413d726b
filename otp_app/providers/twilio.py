"""Send by Twilio's SDK: SMS, WhatsApp by approved templates, and calls that read the code out.

The SDK has no timeout by default and imports slowly, so the client is made once, with timeouts, when the app starts.
Sending is not idempotent: whatever is not a clear answer is *unknown*. The requests are those of
https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/voice/api/call-resource.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from .base import Channel, Event, Message, NotAccepted, Provider, Receipt, Report, Unknown, Unsuited
from .http import pooled, translated
from .twilio_codes import refused
from .twilio_reports import authentic, event_of
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
        from twilio.request_validator import RequestValidator

        self._account_sid = account_sid
        self._senders = {Channel.SMS: _sender(sender), Channel.WHATSAPP: _sender(whatsapp_sender, WHATSAPP)}
        self._voice_sender = voice_sender
        self._templates = whatsapp_templates or {}
        self._voices = {**VOICES, **(voices or {})}
        has = {Channel.SMS: True, Channel.CALL: voice_sender, Channel.WHATSAPP: whatsapp_sender and self._templates}
        self.channels = frozenset(channel for channel, is_set_up in has.items() if is_set_up)
        self._client = _client(account_sid, auth_token, base_url)
        self._validator = RequestValidator(auth_token)

    def send(self, message: Message) -> Receipt:
        if message.channel not in self.channels:
            raise NotAccepted("no_such_channel")
        if message.channel == Channel.CALL:
            return self._call(message)
        return self._write(message)

    def events(self, report: Report) -> Sequence[Event]:
        event = event_of(authentic(report, self._validator), report.query.get("id", ""))
        return [event] if event else []

    def check(self) -> str:
        with _answered():
            context = self._client.api.v2010.accounts(self._account_sid)
            account = context.fetch()
            if account.status != "active":
                raise NotAccepted(str(account.status)[:64])
            trial = (
                ", on trial, so it reaches only the numbers that you have verified" if account.type == "Trial" else ""
            )
            if account.owner_account_sid not in (None, self._account_sid):
                return f"The account is active{trial}; its balance is that of its parent account."
            balance = context.balance.fetch()
            return f"The account is active{trial}; its balance is {balance.balance} {balance.currency}."

    def close(self) -> None:
        """Give the connections back."""
        self._client.http_client.session.close()

    def _write(self, message: Message) -> Receipt:
        """Send a text message or a WhatsApp message.

        Left out on purpose: RiskCheck, whose default is to check; SmartEncoded, which would change texts that are in
        the cheap alphabet already, and which a messaging service can switch on.
        """
        order = self._template(message) if message.channel == Channel.WHATSAPP else {"body": message.body}
        if message.callback:
            order["status_callback"] = message.callback
        with _answered():
            sent = self._client.messages.create(
                to=WHATSAPP + message.to if message.channel == Channel.WHATSAPP else message.to,
                # What still waits in Twilio's queue when the code expires is not sent any more.
                validity_period=min(max(message.expires_in, 1), LONGEST_VALIDITY),
                **self._senders[Channel(message.channel)],
                **order,
            )
            # A messaging service has not yet counted ("0") when it answers.
            return _receipt(sent.sid, max(1, int(sent.num_segments or 1)))

    def _template(self, message: Message) -> dict[str, str]:
        """Return the approved template's fields: WhatsApp takes codes only in these, never as text."""
        template = self._templates.get(message.language) or self._templates.get("*")
        if not template:
            raise Unsuited("no_template")
        return {"content_sid": template, "content_variables": json.dumps({"1": message.code})}

    def _call(self, message: Message) -> Receipt:
        order: dict[str, Any] = {"twiml": spoken(message.body, message.language, self._voices)}
        if message.callback:
            # "completed" is the event of every end, also of busy and no answer; those before it would tell nothing new.
            order |= {"status_callback": message.callback, "status_callback_event": ["completed"]}
            order["status_callback_method"] = "POST"  # or nothing would be signed but the address
        with _answered():
            call = self._client.calls.create(to=message.to, from_=self._voice_sender, timeout=RINGING, **order)
            return _receipt(call.sid)


def _sender(sender: str, before: str = "") -> dict[str, str]:
    """Return the sender's field; a messaging service has its own. A name may begin with MG too."""
    if re.fullmatch(r"MG[0-9a-fA-F]{32}", sender):
        return {"messaging_service_sid": sender}
    return {"from_": before + sender.removeprefix(before)}


def _receipt(sid: str | None, segments: int = 1) -> Receipt:
    if not sid:
        raise Unknown("no_id")
    return Receipt(str(sid)[:64], segments)


@contextmanager
def _answered() -> Iterator[None]:
    """Turn the SDK's exceptions into ours, without the request or the reply in the traceback."""
    from twilio.base.exceptions import TwilioException

    try:
        with translated():
            yield
    except TwilioException as error:
        raise refused(getattr(error, "status", None), getattr(error, "code", None)) from None
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):  # no reply of theirs
        raise Unknown("unreadable") from None


def _client(account_sid: str, auth_token: str, base_url: str) -> Any:
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    silent = logging.getLogger("otp_app.providers.twilio.sdk")  # the SDK logs requests; none of it is ours to keep
    silent.disabled = True
    http = TwilioHttpClient(logger=silent)
    pooled(http.session)
    client = Client(account_sid, auth_token, http_client=http)
    if base_url:
        client.api.base_url = base_url
    return client
