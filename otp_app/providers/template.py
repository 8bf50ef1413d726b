"""Send by any gateway with a plain HTTP API, whose requests and answers the operator describes.

A template is filled by replacing ``{name}`` in its strings, once; nothing is evaluated, no attribute is read. A path
leads into JSON by names and places: ``data.0.id``. Whatever cannot work is refused when the provider is made.
"""

import json as js
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from .base import (
    REPORT_STATUSES,
    Blocked,
    Channel,
    Event,
    Message,
    NotAccepted,
    Provider,
    Receipt,
    Rejected,
    Report,
    Unreachable,
    Unsuited,
)
from .http import Http, refusal, require_secret

NAMES = frozenset({"to", "digits", "body", "code", "id", "callback", "expires_in", "language"})
ERRORS = {"rejected": Rejected, "unreachable": Unreachable, "blocked": Blocked, "not_accepted": NotAccepted}
HOLE = re.compile(r"\{([^{}]*)\}")
# What may be stored and logged as an error code: a word or a short number, so neither a sentence nor a phone number.
CODE = re.compile(r"-?\d{1,6}|[A-Za-z][A-Za-z_.-]{0,31}\d{0,6}")


class TemplateProvider(Provider):
    """Take the options of docs/providers/template.md. Raises TypeError or ValueError for wrong ones."""

    title: ClassVar[str] = "Any HTTP gateway"
    channels = frozenset(Channel)
    signed: ClassVar[str] = "secret"

    def __init__(  # noqa: PLR0913  (each is a line of the operator's settings, by name)
        self,
        url: str,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        auth: Sequence[str] | None = None,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        accepted: Mapping[str, Any] | None = None,
        reference: str = "",
        errors: Mapping[str, Any] | None = None,
        channels: Collection[str] = (Channel.SMS,),
        reports: Mapping[str, Any] | None = None,
    ) -> None:
        dicts = {"headers": headers, "query": query, "form": form, "accepted": accepted, "errors": errors}
        for name, option in (dicts | {"reports": reports}).items():
            if not isinstance(option, Mapping | None):
                raise TypeError(f"{name} must be a dict.")
        self._accepted = _keys("accepted", accepted, {"status", "path", "values"})
        self._errors = _keys("errors", errors, {"path", *ERRORS})
        self._reports = _keys("reports", reports, {"secret", "status", "words", "reference", "id", "error"})
        self._secret = self._reports.get("secret", "")
        self._method, self._reference, self.channels = method, reference, frozenset(channels)
        self._templates = {"params": query, "json": json, "data": form}
        host = "://".join(urlsplit(url)[:2])
        self._path = url[len(host) :]
        self._refuse_what_cannot_work(url, auth)
        self._http = Http(host, headers=headers, auth=(auth[0], auth[1]) if auth else None)

    def send(self, message: Message) -> Receipt:
        if not message.code and "body" not in _holes([*self._templates.values()]):
            raise Unsuited("no_text")  # the gateway's own text would be one about a code
        report_to = f"{message.callback}&secret={quote(self._secret, safe='')}" if message.callback else ""
        values = {name: getattr(message, name) for name in NAMES - {"digits", "callback"}}
        values |= {"digits": message.to.lstrip("+"), "callback": report_to}
        order = {kind: _fill_in(template, values) for kind, template in self._templates.items() if template is not None}
        reply = self._http.request(self._method, self._path, **order)

        code = _text_at(reply.data, self._errors.get("path", ""))
        reason = code if CODE.fullmatch(code) else str(reply.status)
        for kind, error in ERRORS.items():
            if code and code in map(str, self._errors.get(kind, ())):
                raise error(reason)
        reference = _text_at(reply.data, self._reference)
        if not self._takes(reply.status, reply.data) or (self._reference and not reference):
            raise refusal(reply.status, reason)
        # Where reports do not tell their id, the delivery stays under ours, which the address of the report quotes.
        told = not self._reports or self._reports.get("reference")
        return Receipt(reference[:64] if told else "")

    def events(self, report: Report) -> Sequence[Event]:
        require_secret(report, self._secret)
        data = _read(report)
        word, reference, ours, code = (
            _text_at(data, self._reports.get(name, "")) for name in ("status", "reference", "id", "error")
        )
        if not word:
            raise ValueError("no status where reports.status says it is")
        status = {str(theirs): status for theirs, status in self._reports["words"].items()}.get(word)
        if status is None:  # a step on the way that we have no word for
            return []
        code = code if CODE.fullmatch(code) else ""
        raw = {"status": word, "reference": reference, "error": code}
        return [Event(status, reference=reference[:64], id=ours or report.query.get("id", ""), error=code, raw=raw)]

    def _takes(self, status: int, data: Any) -> bool:
        """Return whether the gateway accepted the message."""
        path, statuses = self._accepted.get("path"), self._accepted.get("status", range(200, 300))
        return status in statuses and (not path or _text_at(data, path) in map(str, self._accepted["values"]))

    def _refuse_what_cannot_work(self, url: str, auth: Sequence[str] | None) -> None:
        """Raise ValueError for the first wrong option, with a sentence for the operator."""
        query, json, form = self._templates.values()
        flat = [*(query or {}).values(), *(form or {}).values()]
        holes = set(_holes([query, json, form]))
        lists = [option[name] for option in (self._accepted, self._errors) for name in option if name != "path"]
        words = self._reports.get("words") or {}
        sentences = {
            "url must begin with http:// or https://, without placeholders: those go into query.": HOLE.search(url)
            or not re.match(r"https?://[^/?#\s]", url),
            "method must be POST, PUT or GET.": self._method not in {"POST", "PUT", "GET"},
            "auth must be [user, password]; a bearer token goes into headers.": isinstance(auth, str)
            or (auth and len(auth) != 2),  # noqa: PLR2004  (Basic has two parts)
            "Give json or form, not both.": json is not None and form is not None,
            "The values of form and query must be texts or numbers.": any(not isinstance(v, str | int) for v in flat),
            f"Nobody fills in {sorted(holes - NAMES)}; there are {sorted(NAMES)}.": holes - NAMES,
            "Put {to} or {digits} into json, form or query: whom is it for?": not holes & {"to", "digits"},
            "Put {body} or {code} into json, form or query: what is there to read?": not holes & {"body", "code"},
            "{callback} needs reports with a secret, or anybody could report.": "callback" in holes
            and not self._secret,
            "What accepted and errors compare with must be lists.": any(isinstance(v, str | int) for v in lists),
            "accepted needs path and values together.": ("path" in self._accepted) != ("values" in self._accepted),
            "errors needs a path.": self._errors and not self._errors.get("path"),
            f"channels must be some of {', '.join(Channel)}.": not self.channels or self.channels - set(Channel),
            "reports needs secret, status and words.": self._reports
            and not (self._secret and self._reports.get("status") and words),
            f"words must be a dict from theirs to {sorted(REPORT_STATUSES)}.": not isinstance(words, Mapping)
            or set(words.values()) - REPORT_STATUSES,
        }
        for sentence in (sentence for sentence, holds in sentences.items() if holds):
            raise ValueError(sentence)


def _keys(name: str, option: Mapping[str, Any] | None, keys: set[str]) -> Mapping[str, Any]:
    if unknown := set(option or {}) - keys:
        raise ValueError(f"{name} has no {sorted(unknown)}; there are {sorted(keys)}.")
    return option or {}


def _holes(template: Any) -> Iterator[str]:
    """Yield the names of all placeholders."""
    if isinstance(template, str):
        yield from HOLE.findall(template)
    elif isinstance(template, Mapping):
        yield from _holes([*template, *template.values()])
    elif isinstance(template, list | tuple):
        yield from (name for each in template for name in _holes(each))


def _fill_in(template: Any, values: Mapping[str, Any]) -> Any:
    """Fill a template. A string that is only a placeholder becomes the value: {expires_in} is a number in JSON."""
    if isinstance(template, Mapping):
        return {_fill_in(key, values): _fill_in(value, values) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [_fill_in(each, values) for each in template]
    if not isinstance(template, str):
        return template
    if whole := HOLE.fullmatch(template):
        return values[whole[1]]
    return HOLE.sub(lambda hole: str(values[hole[1]]), template)


def _text_at(data: Any, path: str) -> str:
    """Return the single value at a path as text, "" if there is none."""
    for step in path.split(".") if path else ():
        if isinstance(data, list):
            data = data[int(step)] if step.isdecimal() and int(step) < len(data) else None
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
    return "" if data is None or isinstance(data, Mapping | list) else str(data)


def _read(report: Report) -> Any:
    """Parse a report's JSON or form; a report without a body is read from its address."""
    if report.body.lstrip()[:1] in {b"{", b"["}:
        return js.loads(report.body)
    return dict(parse_qsl(report.body.decode())) or report.query
