"""Read, judge and write what one call to the SQLite store needs."""

from dataclasses import dataclass, field
from typing import Any

from ...challenges import Challenge, Increment
from ...counters import MONTH_MS, block, rings
from ...limits import refusals, windows
from ...limits.values import Conversion, Counts, Limit, RequestLimits, Usage
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
    usages: list[Usage] = field(default_factory=list)  # of each limit, without the increments of this call
    increments: list[Increment] = field(default_factory=list)

    def read(self) -> None:
        """Read what the limits count, and add the call's increments to the counters in memory."""
        if "lane" in self.asked:
            self._read_phone()
        keys = {limit.key for limit in self.request_limits.limits if limit.key}
        found = rows.counters(self.alias, keys)
        self.counters = {key: found.get(key) or Counter(key, [], []) for key in keys}
        for limit in self.request_limits.limits:
            if limit.counts is Counts.KEY:
                self._count(limit, self.counters[limit.key])
            else:
                self.usages.append(windows.phone_usage(limit, self.past, self.failures, self.now))

    def _read_phone(self) -> None:
        month = self.now - MONTH_MS
        past = rows.challenges(self.alias, "phone = %s AND created_at > %s", [self.asked["number"], month])
        self.past = [each for each in past if wire.lane(each.device) == self.asked["lane"]]
        failures = "SELECT at, checks FROM otp_app_failure WHERE phone = %s AND at > %s"
        self.failures = rows.run(self.alias, failures, [self.asked["ledger"], month])

    def _count(self, limit: Limit, counter: Counter) -> None:
        """Add the cost of a limit to its key counter, in memory, and judge the limit by what was there before."""
        slot, before = rings.count(counter, limit.ring, limit.period, self.now, limit.cost)
        self.usages.append(windows.key_counter_usage(limit, before, counter.blocked_until, self.now))
        if not limit.kept:
            self.increments.append(Increment(limit.key, limit.ring, slot, limit.cost, limit.shared, limit.converts))

    def refusal(self) -> Document | None:
        """Return the refusal of a limit or of the region, or None; begin the block to which the refusal leads."""
        if any(usage.wait > 0 for usage in self.usages):
            begun = next((n for n, usage in enumerate(self.usages, 1) if refusals.begins_block(usage)), None)
            if begun:
                limit = self.request_limits.limits[begun - 1]
                self._block(limit.key, limit.blocks)
            usages = [(usage.used, usage.wait, usage.blocked_until) for usage in self.usages]
            return self.answer("refused", usages=usages, begun=begun)
        verdict = ""
        if judged := self.request_limits.conversion:
            sends, unconverted, fresh = self._converted(judged)
            verdict = windows.judge(judged, sends, unconverted, fresh)
            if verdict == "block":
                self._block(judged.key, judged.blocks)
                return self.answer("conversion", sends=sends, converted=sends - unconverted)
        wrong = verdict or any(windows.needs_proof(each.limit, each.used + each.limit.cost) for each in self.usages)
        return self.answer("proof") if wrong and not self.asked["proven"] else None

    def _converted(self, judged: Conversion) -> tuple[int, int, int]:
        """Return a region's sends and unconverted sends since its last block, and its fresh sends."""
        counter = self.counters[judged.key]
        limits = {usage.limit.ring: usage.limit for usage in self.usages if usage.limit.key == judged.key}

        def since(ring: int) -> int:
            first = counter.blocked_until // rings.width(limits[ring].period)
            return sum(n for slot, n in rings.slots(counter, ring).items() if slot >= first) - limits[ring].cost

        fresh = sum(rings.slots(counter, judged.fresh).values()) - limits[judged.fresh].cost
        return since(judged.sends), since(judged.unconverted), fresh

    def _block(self, key: str, seconds: int) -> None:
        block(self.alias, key, self.now + seconds * 1000)

    def write(self) -> None:
        """Write the counters to the database."""
        rows.keep_counters(self.alias, self.counters.values())

    def answer(self, state: str, **values: Any) -> Document:
        return {"state": state, "now": self.now, **values}
