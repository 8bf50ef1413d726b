"""Read, judge and write what one call to the SQLite store needs."""

from dataclasses import dataclass, field
from typing import Any

from ...challenges import Challenge, Increment
from ...counters import MONTH_MS, rings
from ...limits import windows
from ...limits.values import Counts, Limit, RequestLimits, Usage
from ...limits.windows import Answered
from .. import wire
from ..wire import Document
from . import rows
from .rows import Counter


@dataclass
class Call:
    """Hold what a call has read, and what it will write unless it is refused."""

    alias: str
    asked: Document
    request_limits: RequestLimits
    now: int
    past: list[Challenge] = field(default_factory=list)  # the phone's challenges, in the lane of the request
    failures: list[tuple[Any, ...]] = field(default_factory=list)  # failed checks of purged challenges: instant, number
    counters: dict[str, Counter] = field(default_factory=dict)  # by key, with the increments of this call
    counted: set[str] = field(default_factory=set)  # the keys of those that have any
    usages: list[Usage] = field(default_factory=list)  # of each limit, without the increments of this call
    increments: list[Increment] = field(default_factory=list)
    histories: dict[str, Answered] = field(default_factory=dict)  # of the buckets, by key
    known: bool = False  # the network of the request is no stranger
    suspect: bool = False  # a limit asks for a proof of work

    def read(self) -> None:
        """Read what the limits count, and add the call's increments to the counters in memory."""
        if "lane" in self.asked:
            self._read_phone()
        keys = {limit.key for limit in self.request_limits.limits if limit.key}
        found = rows.counters(self.alias, keys)
        self.counters = {key: found.get(key) or Counter(key, [], []) for key in keys}
        for limit in self.request_limits.limits:
            if limit.counts is Counts.ANSWERED:
                self._read_history(limit, self.counters[limit.key])
            elif limit.counts is Counts.KEY:
                self._count(limit, self.counters[limit.key])
            else:
                self.usages.append(windows.phone_usage(limit, self.past, self.failures, self.now))

    def _read_phone(self) -> None:
        month = self.now - MONTH_MS
        past = rows.challenges(self.alias, "phone = %s AND created_at > %s", [self.asked["number"], month])
        self.past = [each for each in past if wire.lane(each.device) == self.asked["lane"]]
        failures = "SELECT at, checks FROM otp_app_failure WHERE phone = %s AND at > %s"
        self.failures = rows.run(self.alias, failures, [self.asked["ledger"], month])

    def _read_history(self, limit: Limit, counter: Counter) -> None:
        """Read how many messages of a bucket were answered; a success gives back −1, which is one more."""
        slot = rings.advance(counter, limit.ring, self.now // rings.width(limit.period))
        history = self.histories[limit.key] = windows.answered(rings.slots(counter, limit.ring), slot)
        self.known = self.known or windows.vouches(limit, history.week)
        self.usages.append(Usage(limit, history.week, 0, limit.amount))
        self.increments.append(Increment(limit.key, limit.ring, slot, -1, limit.shared, limit.converts))

    def _count(self, limit: Limit, counter: Counter) -> None:
        """Add the cost of a limit to its key counter, in memory, and judge the limit by what was there before."""
        if limit.strangers and self.known:
            self.usages.append(Usage(limit, 0, 0, limit.amount))
            return
        self.counted.add(limit.key)
        slot, before = rings.count(counter, limit.ring, limit.period, self.now, limit.cost)
        history = self.histories.get(limit.key, Answered())
        self.usages.append(usage := windows.key_counter_usage(limit, before, history, self.now))
        self.suspect = self.suspect or windows.needs_proof(usage)
        if not limit.kept:
            self.increments.append(Increment(limit.key, limit.ring, slot, limit.cost, limit.shared, limit.converts))

    def refusal(self) -> Document | None:
        """Return the refusal of a limit, or None. A refusal writes nothing."""
        usages = [(usage.used, usage.wait, usage.amount) for usage in self.usages]
        if any(usage.wait > 0 for usage in self.usages):
            return self.answer("refused", usages=usages)
        if self.suspect and not self.asked["proven"]:
            return self.answer("proof", usages=usages)
        return None

    def write(self) -> None:
        """Write the counters that have increments to the database."""
        rows.keep_counters(self.alias, [self.counters[key] for key in self.counted])

    def answer(self, state: str, **values: Any) -> Document:
        return {"state": state, "now": self.now, **values}
