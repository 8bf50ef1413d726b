"""Twilio's Messages API by its official SDK.

The SDK has no timeout by default and imports slowly, so the client is made once, with timeouts, when the app starts.
Sending is not idempotent: whatever is not a clear answer is *unknown*. Twilio's error codes:
https://www.twilio.com/docs/api/errors.
"""

import logging
from typing import Any, ClassVar

from .base import Message, NotAccepted, Receipt, Rejected, Unknown

CONNECT_TIMEOUT = 3  # seconds
READ_TIMEOUT = 7
POOL = 32  # connections kept to api.twilio.com

# The number is at fault: not a number, not a mobile, opted out, unreachable, unknown, or blocked as fraud.
REJECTED = {21211, 21217, 21401, 21407, 21421, 21610, 21612, 21614, 30003, 30004, 30005, 30006, 30450, 60410}
# Twilio says it could not tell or did not answer in time: the message may be on its way.
UNKNOWN = {20500, 20504}


class TwilioProvider:
    """``sender`` is a number of yours or a messaging service (``MG…``); ``base_url`` replaces api.twilio.com."""

    channels: ClassVar[frozenset[str]] = frozenset({"sms"})

    def __init__(self, account_sid: str, auth_token: str, sender: str, base_url: str = "") -> None:
        self._sender = {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        self._client = _client(account_sid, auth_token, base_url)

    def send(self, message: Message) -> Receipt:
        from requests import exceptions
        from twilio.base.exceptions import TwilioRestException

        try:
            sent = self._client.messages.create(to=message.to, body=message.body, **self._sender)
        except exceptions.ConnectTimeout:
            raise NotAccepted("connect_timeout") from None
        except exceptions.ConnectionError as error:
            raise _lost(error) from None
        except TwilioRestException as error:
            raise _sorted(error.status, error.code) from None
        return Receipt(reference=sent.sid or "", segments=int(sent.num_segments or 1))

    def close(self) -> None:
        """Give the connections back."""
        self._client.http_client.session.close()


def _sorted(status: int, code: int | None) -> Exception:
    """Which of our words a refusal is."""
    reason = str(code or status)
    if code in REJECTED:
        return Rejected(reason)
    if code in UNKNOWN or status in (500, 502, 504):
        return Unknown(reason)
    return NotAccepted(reason)


def _lost(error: Exception) -> Exception:
    """A connection that was never made carried nothing; one that broke may have."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    never_made = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    return NotAccepted("no_connection") if never_made else Unknown("connection_lost")


def _client(account_sid: str, auth_token: str, base_url: str) -> Any:
    from requests.adapters import HTTPAdapter
    from twilio.http.http_client import TwilioHttpClient
    from twilio.rest import Client

    class Adapter(HTTPAdapter):
        """Both timeouts at every request: the SDK's own setting takes one number for the two."""

        def send(self, request: Any, **kwargs: Any) -> Any:  # type: ignore[override]
            return super().send(request, **(kwargs | {"timeout": (CONNECT_TIMEOUT, READ_TIMEOUT)}))

    silent = logging.getLogger("otp_app.providers.twilio.sdk")  # the SDK logs requests; none of it is ours to keep
    silent.disabled = True
    http = TwilioHttpClient(logger=silent)
    for scheme in ("https://", "http://"):
        http.session.mount(scheme, Adapter(pool_maxsize=POOL))
    client = Client(account_sid, auth_token, http_client=http)
    if base_url:
        client.api.base_url = base_url
    return client
