"""A day of many sign-ins, played through boxes of given costs: ``python -m benchmarks.day --sign-ins 10000000``.

The peak hour is simulated: people come at random, each step waits in line at each box it needs. The costs are measured
ones (docs/performance.md); the table tells which box is full first.
"""

import argparse
import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass

PEAK = 3  # times as many as on average come in the busiest hour; a people that lives in one time zone
SECONDS = 120  # of the peak hour that are played
WRONG = 1.15  # sends and checks for each sign-in: some ask again, some mistype

# Milliseconds of processor time for a send with its verify, at one core of the measuring machine; see --help to change.
COSTS = {"web": 5.0, "Redis": 0.5, "PostgreSQL": 1.5}


@dataclass
class Box:
    """So many that work in parallel, and how long one of them takes for a sign-in's share of work (ms)."""

    name: str
    servers: int
    cost: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--sign-ins", type=int, default=10_000_000, help="a day")
    parser.add_argument("--web", type=float, default=COSTS["web"], help="ms for a send and its verify")
    parser.add_argument("--redis", type=float, default=COSTS["Redis"], help="the same in Redis")
    parser.add_argument("--postgresql", type=float, default=COSTS["PostgreSQL"], help="the same in PostgreSQL")
    parser.add_argument("--web-cores", type=int, default=4)
    parser.add_argument("--postgresql-cores", type=int, default=2)
    arguments = parser.parse_args()
    boxes = [
        Box("web cores", arguments.web_cores, arguments.web),
        Box("Redis, one core", 1, arguments.redis),
        Box("PostgreSQL cores", arguments.postgresql_cores, arguments.postgresql),
    ]
    rate = arguments.sign_ins / 86_400 * PEAK * WRONG
    print(f"{arguments.sign_ins:,} sign-ins a day: {rate:,.0f} sends and as many checks a second in the peak hour")
    for box in boxes:
        show(box, rate)


def show(box: Box, rate: float) -> None:
    load = rate * box.cost / 1000 / box.servers
    waits = sorted(queue(box, rate)) if load < 1 else []
    waited = f"waits {waits[len(waits) // 2]:.1f} ms, p99 {waits[len(waits) * 99 // 100]:.1f}" if waits else "overrun"
    most = box.servers / box.cost * 1000 / PEAK / WRONG * 86_400 * 0.7
    print(f"  {box.servers:>3} {box.name:<18} {load:6.0%} busy, {waited}; at 70 % it carries {most:,.0f} a day")


def queue(box: Box, rate: float) -> Iterator[float]:
    """How long each waits, in ms: first come, first served, by whoever is free first."""
    chance = random.Random(1)
    free = [0.0] * box.servers
    now = 0.0
    while now < SECONDS:
        now += chance.expovariate(rate)
        begins = max(now, heapq.heappop(free))
        heapq.heappush(free, begins + chance.expovariate(1000 / box.cost))
        yield (begins - now) * 1000


if __name__ == "__main__":
    main()
