"""Count what a group of a simulation did, and what became of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class Tally:
    """Count what one group did and what became of it: all pumpers, all guessers, all ordinary people."""

    hostile: bool = True
    tries: int = 0  # requests for a message
    messages: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])  # by limit, or ``closed`` for a challenge that is over
    money: Decimal = Decimal(0)  # by the PRICE of the routes' providers, else by the assumed price
    proofs_asked: int = 0
    proofs_solved: int = 0
    comparisons: int = 0  # that failed; checks without an open challenge compare nothing
    people: int = 0  # who wanted to sign in
    lost: int = 0  # of these people, those whom a limit refused for good
    undelivered: int = 0  # of these people, those whose message no provider took at first
    met_task: int = 0  # of these people, those who had to solve a proof of work
    lost_by_hour: Counter[int] = field(default_factory=Counter[int])
    sent_by_hour: Counter[int] = field(default_factory=Counter[int])
    refused_by_hour: Counter[int] = field(default_factory=Counter[int])
    money_by_hour: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def count_sent(self, hour: int, price: Decimal) -> None:
        self.messages += 1
        self.money += price
        self.sent_by_hour[hour] += 1
        self.money_by_hour[hour] += price

    def count_lost(self, hour: int) -> None:
        self.lost += 1
        self.lost_by_hour[hour] += 1

    def count_refused(self, why: str, hour: int) -> None:
        self.refused[why] += 1
        self.refused_by_hour[hour] += 1
