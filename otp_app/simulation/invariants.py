"""What the simulation's database says happened, and that what may never happen did not."""

from collections import defaultdict
from collections.abc import Iterable

from ..challenges import Challenge
from ..conf import conf
from ..keys import phone_key
from ..models import BlockRow, ChallengeRow, Delivery
from ..stores.rows import challenge_of

DAY = 24 * 3600 * 1000  # milliseconds
MONTH = 30 * DAY
HAND_OVERS = 2  # of one accepted send


class Violated(AssertionError):
    """An invariant does not hold: the guard has a hole."""


class Books:
    """Read from the database before each purge, so that they know of all days."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self._challenges: dict[str, Challenge] = {}
        self._sent: dict[tuple[str, int], int] = defaultdict(int)  # hand-overs by challenge and send

    def read(self) -> None:
        rows = ChallengeRow.objects.order_by("created_at")
        self._challenges |= {challenge.id: challenge for challenge in map(challenge_of, rows)}
        deliveries = Delivery.objects.filter(status=Delivery.Status.SENT)
        for challenge, sent_at in deliveries.values_list("challenge", "sent_at"):
            self._sent[challenge.hex, sent_at] += 1
        # The purge deletes them a month after their simulated sending; by the machine's own clock they are that old.
        Delivery.objects.all().delete()
        self.blocks = list(BlockRow.objects.order_by("since", "id").values_list("limit", flat=True))

    @property
    def failures(self) -> int:
        """Failed comparisons of all phones."""
        return sum(challenge.failures for challenge in self._challenges.values())

    def prove(self, messages: int) -> None:
        """Raises Violated, with the numbers. ``messages`` were seen to leave."""
        handed = sum(self._sent.values())
        _hold(handed == messages, f"I5: {messages} messages, of which {handed} belong to a committed challenge")
        _hold(all(n <= HAND_OVERS for n in self._sent.values()), "I4: a send was handed over more than twice")
        for challenge in self._challenges.values():
            spent = challenge.checks - challenge.checks_left
            _hold(0 <= spent <= challenge.checks, f"I2: {spent} of {challenge.checks} checks spent")
        self._prove_failures()
        self._prove_messages()

    def _prove_failures(self) -> None:
        failed: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for item in self._challenges.values():
            failed[phone_key(item.phone, item.device)].append((item.checked_at, item.failures))
        for key, device in self._lanes().items():
            day = conf.FAILURES_OF_DEVICES_DAY if device else conf.FAILURES_PER_PHONE_DAY
            most = most_within(failed[key], DAY)
            _hold(most <= day, f"I3: {most} failed comparisons of a phone in 24 h, {day} allowed")
            most = 0 if device else most_within(failed[key], MONTH)
            _hold(most <= conf.FAILURES_PER_PHONE_MONTH, f"I3: {most} failed comparisons of a phone in 30 days")

    def _prove_messages(self) -> None:
        sent: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for (challenge_id, at), n in self._sent.items():
            challenge = self._challenges[challenge_id]
            sent[phone_key(challenge.phone, challenge.device)].append((at, n))
        for key, device in self._lanes().items():
            allowed = conf.SENDS_OF_DEVICES_DAY if device else conf.SENDS_PER_PHONE_DAY
            most = most_within(sent[key], DAY)
            _hold(most <= allowed, f"I4: {most} messages to a phone in 24 h, {allowed} allowed")

    def _lanes(self) -> dict[str, bool]:
        """Strangers' and known devices' budgets are apart: each under its key, and whether it is devices'."""
        return {phone_key(item.phone, item.device): bool(item.device) for item in self._challenges.values()}


def most_within(events: Iterable[tuple[int, int]], span: int) -> int:
    """The most that was counted within any ``span`` milliseconds."""
    ordered = sorted(events)
    most = total = first = 0
    for at, n in ordered:
        total += n
        while ordered[first][0] <= at - span:
            total -= ordered[first][1]
            first += 1
        most = max(most, total)
    return most


def _hold(holds: bool, words: str) -> None:
    if not holds:
        raise Violated(words)
