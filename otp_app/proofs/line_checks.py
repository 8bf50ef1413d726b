"""Ask a company, at a doubtful sign-in, whether the number has another SIM or owner since the account was last used.

The code was right, and no transaction is open: nobody else makes us pay, and no row waits for the company. Whoever
cannot be asked has no say: an outage of the company must not keep everybody out.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from .. import counters, phones, providers
from ..accounts import lines
from ..conf import conf
from ..db import clock
from ..delivery import circuit_breaker, executor, prices
from ..notices import warn
from ..phones import Phone
from ..providers.base import NotAccepted, ProviderError, Rejected, Unsuited
from ..providers.line_checks import Line

logger = logging.getLogger("otp_app.lines")

DEADLINE_SECONDS = 2
CIRCUIT = "line check"  # names its circuit breaker; the blank keeps it from being the alias of a provider


def have_moved(user: Any, phone: Phone) -> bool:
    """Return whether the number of a user has moved since the user was last there; False if nobody can tell.

    Only a number that is doubtful and not yet asked about costs a question.
    """
    since = lines.doubtful_since(user)
    if since is None:
        return False
    if (lines.kept(phone, since) or _ask(phone, since)) not in lines.MOVED:
        return False
    logger.info("%s has another SIM or owner since its account was used: whoever came is asked", phones.mask(phone))
    return True


def _ask(phone: Phone, since: int) -> str:
    """Ask the company, unless its circuit is open, keep the answer, and return the finding; "" without an answer."""
    alias, at = counters.database(), clock.milliseconds()
    blocked = counters.blocks(alias, [circuit_breaker.key_of(CIRCUIT)]).get(circuit_breaker.key_of(CIRCUIT), 0)
    if not circuit_breaker.may_carry(CIRCUIT, clock.read_now(alias), blocked):
        return ""
    try:
        line = _call(phone, since)
    except ProviderError as error:
        _record_failure(error, probing=bool(blocked))
        return ""
    if blocked:
        circuit_breaker.close(CIRCUIT)
    if line.error:
        warn(logger, "the line check could not tell: error %s; signing in goes on", line.error)
    return lines.keep(phone, line, at, prices.amount((conf.LINE_CHECK or {}).get("PRICE"), phone.region))


def _call(phone: Phone, since: int) -> Line:
    try:
        company = providers.made(conf.LINE_CHECK or {})
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
    """Tell the operator, and count what may be the company's fault, as deliveries do.

    Neither a number that the company does not know nor a process without a place for the call opens the circuit.
    """
    warn(logger, "the line check has no answer (%s): signing in goes on without it", error.reason)
    if isinstance(error, Unsuited | Rejected):
        if probing:
            circuit_breaker.close(CIRCUIT)
    elif not isinstance(error, executor.NotTried):
        circuit_breaker.record_failure(CIRCUIT)
