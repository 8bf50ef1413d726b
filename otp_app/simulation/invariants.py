"""Record what the simulation's database shows, and raise Violated if an invariant does not hold."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from .. import phones
from ..challenges import Challenge, Status
from ..conf import conf
from ..keys import phone_key
from ..limits.table import QUARTER
from ..models import ChallengeRow, Delivery
from ..stores.rows import challenge_of
from .tally import Tally

DAY_MS = 24 * 3600 * 1000
WEEK_MS = 7 * DAY_MS
MONTH_MS = 30 * DAY_MS
_LAST_DAY_MS = 28 * 3600 * 1000  # that the last day may be: four sub-buckets of seven hours
_SURE_DAY_MS = 23 * 3600 * 1000  # that is counted in full, whenever in its sub-bucket the day begins
MAX_HAND_OVERS = 2  # of one accepted send


class Violated(AssertionError):
    """Signal that an invariant does not hold, so that a limit failed."""


class Ledger:
    """Collect challenges and hand-overs of all days, because each day's purge deletes some."""

    def __init__(self) -> None:
        self._challenges: dict[str, Challenge] = {}
        self._sent: dict[tuple[str, int], int] = defaultdict(int)  # hand-overs by challenge and send

    def read(self) -> None:
        """Add what the database holds now. Call this before each purge."""
        rows = ChallengeRow.objects.order_by("created_at")
        self._challenges |= {challenge.id: challenge for challenge in map(challenge_of, rows)}
        deliveries = Delivery.objects.filter(status=Delivery.Status.SENT)
        for challenge, sent_at in deliveries.values_list("challenge", "sent_at"):
            self._sent[challenge.hex, sent_at] += 1
        # The purge deletes them a month after their simulated sending; by the machine's own clock they are that old.
        Delivery.objects.all().delete()

    @property
    def failures(self) -> int:
        """Count failed comparisons of all phones."""
        return sum(challenge.failures for challenge in self._challenges.values())

    def check_invariants(self, messages: int) -> None:
        """Raise Violated, with the numbers, if an invariant does not hold. ``messages`` left in all."""
        handed = sum(self._sent.values())
        _require(handed == messages, f"I5: {messages} messages, of which {handed} belong to a committed challenge")
        _require(
            all(count <= MAX_HAND_OVERS for count in self._sent.values()), "I4: a send was handed over more than twice"
        )
        for challenge in self._challenges.values():
            spent = challenge.checks - challenge.checks_left
            _require(0 <= spent <= challenge.checks, f"I2: {spent} of {challenge.checks} checks spent")
        self._check_failures()
        self._check_messages()
        self._check_unanswered("prefix", lambda phone: phone[:-4], conf.UNCONVERTED_PER_PREFIX_DAY)
        self._check_unanswered("region", lambda phone: phones.as_phone(phone).region, conf.UNCONVERTED_PER_REGION_DAY)

    def _check_failures(self) -> None:
        failed: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for item in self._challenges.values():
            failed[phone_key(item.phone, item.device)].append((item.checked_at, item.failures))
        for key, device in self._devices_by_key().items():
            day = conf.FAILURES_OF_DEVICES_DAY if device else conf.FAILURES_PER_PHONE_DAY
            most = most_within(failed[key], DAY_MS)
            _require(most <= day, f"I3: {most} failed comparisons of a phone in 24 h, {day} allowed")
            most = 0 if device else most_within(failed[key], MONTH_MS)
            _require(most <= conf.FAILURES_PER_PHONE_MONTH, f"I3: {most} failed comparisons of a phone in 30 days")

    def _check_messages(self) -> None:
        sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (challenge_id, at), count in self._sent.items():
            challenge = self._challenges[challenge_id]
            sent[phone_key(challenge.phone, challenge.device)].append((at, count))
        for key, device in self._devices_by_key().items():
            allowed = conf.SENDS_OF_DEVICES_DAY if device else conf.SENDS_PER_PHONE_DAY
            most = most_within(sent[key], DAY_MS)
            _require(most <= allowed, f"I4: {most} messages to a phone in 24 h, {allowed} allowed")

    def _check_unanswered(self, per: str, bucket: Callable[[str], str], floor: int) -> None:
        """Compare strangers' unanswered messages to each bucket with what its history can have allowed at most."""
        unanswered: dict[str, list[tuple[int, int]]] = defaultdict(list)
        answered: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (challenge_id, at), count in self._sent.items():
            challenge = self._challenges[challenge_id]
            approved = challenge.status == Status.APPROVED
            if not challenge.device:
                (answered if approved else unanswered)[bucket(challenge.phone)].append((at, count))
        for name, events in unanswered.items():
            usual = max(most_within(answered[name], _LAST_DAY_MS), most_within(answered[name], WEEK_MS) / 7)
            allowed = floor + usual * QUARTER / 100
            most = most_within(events, _SURE_DAY_MS)
            _require(most <= allowed, f"I4: {most} unanswered messages to a {per} in a day, {allowed:.0f} allowed")

    def _devices_by_key(self) -> dict[str, bool]:
        """Map phone keys to whether they count known devices, whose budgets are apart from strangers'."""
        return {phone_key(item.phone, item.device): bool(item.device) for item in self._challenges.values()}


def check_known(tallies: Iterable[Tally]) -> None:
    """Raise Violated if people with a known device were refused by anything but the limits of the whole bill."""
    for tally in tallies:
        billed = any(name in tally.refused for name in ("budget_per_day", "device_sends_per_day"))
        _require(billed or not tally.lost, f"I14: {tally.lost} people with a known device refused")


def most_within(events: Iterable[tuple[int, int]], span: int) -> int:
    """Return the most that was counted within any ``span`` milliseconds, from pairs of instant and count."""
    ordered = sorted(events)
    most = total = first = 0
    for at, count in ordered:
        total += count
        while ordered[first][0] <= at - span:
            total -= ordered[first][1]
            first += 1
        most = max(most, total)
    return most


def _require(holds: bool, text: str) -> None:
    if not holds:
        raise Violated(text)
