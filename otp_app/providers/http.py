"""Call a provider's REST API: one pooled session, timeouts on every request, no retries, no logging."""

import hmac
import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import Any

import requests
from requests import exceptions
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from .base import Forged, NotAccepted, ProviderError, Report, Unknown, Unsuited

CONNECT_TIMEOUT = 3  # seconds
READ_TIMEOUT = 7
_NOT_ACCEPTED_STATUSES = (
    401,
    402,
    403,
    404,
    429,
    503,
)  # credentials, credit, permission, address, too many, overloaded
MAX_REPLY_BYTES = 1_000_000  # bytes of a reply; theirs have some hundred
POOLED_CONNECTIONS = 32  # connections kept to a host
Timeouts = tuple[float, float]  # seconds to connect, and to wait for each part of the reply


logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # at DEBUG it writes addresses down, parameters too


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold a reply: ``data`` is the JSON object or list of the body, {} if the body holds neither."""

    status: int
    data: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004


class Adapter(HTTPAdapter):
    """Apply both timeouts to every request and bound every reply, so that no caller can forget to."""

    def __init__(self, *, timeouts: Timeouts | None = None, **how: Any) -> None:
        self._timeouts = timeouts
        super().__init__(**how)

    def send(self, request: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        timeouts = self._timeouts or (CONNECT_TIMEOUT, READ_TIMEOUT)
        until = time.monotonic() + sum(timeouts)
        how = kwargs | {"timeout": timeouts, "stream": True}
        answer = super().send(request, **how)
        body = b""
        try:
            while part := answer.raw.read1(MAX_REPLY_BYTES, decode_content=True):
                body += part
                if (
                    len(body) > MAX_REPLY_BYTES or time.monotonic() > until
                ):  # a timeout of a socket bounds no reply that drips
                    answer.close()
                    raise exceptions.ReadTimeout
        except HTTPError:
            raise exceptions.ChunkedEncodingError from None
        answer._content = body  # noqa: SLF001  (where requests looks for what has been read)
        return answer


class Http:
    """Send requests to one host over a pooled session; ``timeouts`` replaces the two that all providers have."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = pooled(requests.Session(), timeouts)
        self._session.headers.update(headers or {})
        # Without anything here requests takes what a .netrc of the machine says, in place of the header that we set.
        self._session.auth = auth or (lambda request: request)

    def request(self, method: str, path: str = "", **how: Any) -> Reply:
        """Send with the options of requests (json, data, …). Raises NotAccepted or Unknown without an answer."""
        with translated():
            answer = self._session.request(method, self._base_url + path, allow_redirects=False, **how)
        return Reply(answer.status_code, _json(answer.content))

    def post(self, path: str = "", **how: Any) -> Reply:
        return self.request("POST", path, **how)

    def get(self, path: str = "", **how: Any) -> Reply:
        return self.request("GET", path, **how)

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()


def pooled(session: requests.Session, timeouts: Timeouts | None = None) -> requests.Session:
    """Mount our adapter on the session and return it."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter(timeouts=timeouts, pool_maxsize=POOLED_CONNECTIONS))
    return session


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of requests into NotAccepted if nothing can have been sent, else into Unknown.

    A connection that was made and stays silent is Unknown: it may have carried the message.
    """
    try:
        yield
    except (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema, exceptions.InvalidHeader):
        raise NotAccepted("misconfigured") from None
    except exceptions.ConnectTimeout:
        raise NotAccepted("connect_timeout") from None
    except exceptions.SSLError as error:
        # Only a certificate is surely looked at before anything is sent; the rest may have happened to the reply.
        raise (NotAccepted if _is_of_certificate(error) else Unknown)("tls") from None
    except exceptions.ConnectionError as error:
        cause = error.args[0] if error.args else None
        never_made = isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
        raise (NotAccepted("no_connection") if never_made else Unknown("connection_lost")) from None
    except exceptions.Timeout:
        raise Unknown("timeout") from None
    except (exceptions.RequestException, OSError):
        raise Unknown("connection_lost") from None


def _is_of_certificate(error: exceptions.SSLError) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, Exception) and isinstance(reason.args[0], SSLCertVerificationError)


def refusal(status: int, reason: str = "") -> Exception:
    """Return the error for an HTTP status, if the API's own code says no more: 4xx and 503 precede acceptance.

    A status about our account or about all requests is NotAccepted. Others may concern this message: Unsuited.
    """
    kind: type[ProviderError] = Unknown
    if status in _NOT_ACCEPTED_STATUSES:
        kind = NotAccepted
    elif 400 <= status < 500 and status != 408:  # noqa: PLR2004
        kind = Unsuited
    return kind((reason or str(status))[:64])


def require_secret(report: Report, secret: str) -> None:
    """Raise Forged unless the query string holds our secret, for companies that do not sign."""
    given = report.query.get("secret", "")
    if not secret or not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        raise Forged


def _json(body: bytes) -> Any:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict | list) else {}
