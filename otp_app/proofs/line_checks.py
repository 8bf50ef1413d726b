"""Ask a company, at a doubtful sign-in, whether the number has another SIM or owner since the account was last used.

The code was right, so no stranger makes us pay; and no transaction is open, so no row waits for the company. What the
company does not answer is taken for no: its outage must not keep everybody out. What whoever signs in could bring
about, as many requests at once, is refused instead.
"""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .. import counters, phones, providers
from ..accounts import lines
from ..conf import conf
from ..db import clock
from ..delivery import circuit_breaker, executor, prices
from ..errors import Unavailable
from ..keys import ledger_id
from ..notices import warn
from ..phones import Phone
from ..providers.base import NotAccepted, ProviderError, Rejected, Unsuited
from ..providers.line_checks import Line

logger = logging.getLogger("otp_app.lines")

DEADLINE_SECONDS = 2
CIRCUIT = "line check"  # names its circuit breaker; the blank keeps it from being the alias of a provider


def have_moved(user: Any, phone: Phone) -> bool:
    """Return whether the number of a user has moved since the user was last there; False if nobody can tell.

    Only a number that is doubtful, and not asked about since, costs a question. Raise Unavailable while another request
    asks about it, or when this process has no thread for the question.
    """
    since = lines.doubtful_since(user)
    if since is None:
        return False
    finding = lines.kept(phone, since)
    if not finding and (probing := _may_ask()) is not None:
        _take_turn(phone)
        finding = _ask(phone, since, probing=probing)
    if finding in lines.MOVED:
        logger.info("%s has another SIM or owner since its account was used", phones.mask(phone))
    return finding in lines.MOVED


def _may_ask() -> bool | None:
    """Return whether a question would try a circuit that was open; None while it is open."""
    alias, key = counters.database(), circuit_breaker.key_of(CIRCUIT)
    blocked_until = counters.blocks(alias, [key]).get(key, 0)
    if not circuit_breaker.may_carry(CIRCUIT, clock.read_now(alias), blocked_until):
        return None
    return blocked_until > 0


def _take_turn(phone: Phone) -> None:
    """Keep other requests from asking about a phone at the same time; raise Unavailable if one does.

    Many at once would cost as many questions, and whichever the company turns away would go on without an answer.
    """
    alias = counters.database()
    with counters.changing(alias, ledger_id("line check", phone)) as counter:
        now = clock.read_now(alias)
        taken = counter.blocked_until > now
        if not taken:
            counter.blocked_until = now + DEADLINE_SECONDS * 1000
            counter.expires_at = counters.expiry(counter.blocked_until)
    if taken:
        raise Unavailable(DEADLINE_SECONDS)


def _ask(phone: Phone, since: int, *, probing: bool) -> str:
    """Ask the company, keep its answer and return the finding; "" without an answer."""
    entry: Mapping[str, Any] = conf.LINE_CHECK or {}
    at = clock.milliseconds()
    try:
        line = _answer(entry, phone, since)
    except (executor.NotTried, executor.Stuck):
        raise Unavailable(DEADLINE_SECONDS) from None
    except ProviderError as error:
        _record_failure(error, probing=probing)
        return ""
    if probing:
        circuit_breaker.close(CIRCUIT)
    if line.error:
        warn(logger, "the line check cannot tell (%s): people sign in without it", line.error)
    return lines.keep(phone, line, at, prices.amount(entry.get("PRICE"), phone.region))


def _answer(entry: Mapping[str, Any], phone: Phone, since: int) -> Line:
    try:
        company = providers.made(entry)
    except Exception as error:  # noqa: BLE001
        # Whatever is wrong with its settings. Only the type is told: a text may quote a secret.
        raise NotAccepted(type(error).__name__) from None

    def question() -> Line:
        line = company.check(str(phone), last_seen=datetime.fromtimestamp(since / 1000, UTC))
        if not isinstance(line, Line):
            raise TypeError(type(line))
        return line

    return executor.ask(company, question, time.monotonic() + DEADLINE_SECONDS)


def _record_failure(error: ProviderError, *, probing: bool) -> None:
    """Tell the operator, and count what may be the company's fault: not a number that the company does not know."""
    warn(logger, "the line check does not answer (%s): people sign in without it", error.reason)
    if not isinstance(error, Unsuited | Rejected):
        circuit_breaker.record_failure(CIRCUIT)
    elif probing:
        circuit_breaker.close(CIRCUIT)
