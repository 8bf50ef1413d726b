"""Medians and ratios, as tables in Markdown and a plot."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

DOCS = Path(__file__).resolve().parent.parent / "docs"
YARDSTICK = ("bare", "DRF view")
AT = 16  # connections for which processor time is told
_MARKS = "<!-- measured -->\n", "<!-- end -->"


class Sample(NamedTuple):
    """Of one phase: requests a second; milliseconds to the answer; of processor time for each request."""

    rate: float
    p50: float
    p99: float
    service: float
    postgresql: float
    valkey: float


@dataclass
class Results:
    rounds: int
    samples: dict[tuple[str, str, int], list[Sample]] = field(default_factory=lambda: defaultdict(list))
    started_in: dict[str, float] = field(default_factory=dict)
    memory: dict[str, list[int]] = field(default_factory=dict)
    counts: dict[tuple[str, str], tuple[float, float, float]] = field(default_factory=dict)

    def add(self, subject: str, step: str, connections: int, sample: Sample) -> None:
        self.samples[subject, step, connections].append(sample)

    def describe(self, subject: str, started_in: float, memory: list[int]) -> None:
        self.started_in[subject], self.memory[subject] = started_in, memory

    def count(self, subject: str, step: str, counts: tuple[float, float, float]) -> None:
        self.counts[subject, step] = counts

    def ratio(self, subject: str, step: str, connections: int, name: str) -> float:
        """To the bare DRF view, round by round: the machine is faster in one than in another."""
        ours, its = self.samples[subject, step, connections], self.samples[*YARDSTICK, connections]
        return median(getattr(one, name) / getattr(other, name) for one, other in zip(ours, its, strict=True))

    def of(self, subject: str, step: str, connections: int) -> Sample:
        return Sample(*map(median, zip(*self.samples[subject, step, connections], strict=True)))

    @property
    def steps(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((subject, step) for subject, step, _ in self.samples))

    @property
    def connections(self) -> list[int]:
        return sorted({connections for *_, connections in self.samples})


def show(results: Results, *, save: bool) -> None:
    text = "\n\n".join([_heading(results), _costs(results), _speeds(results), _processes(results)])
    print(text)
    if save:
        page = DOCS / "performance.md"
        begin, end = map(re.escape, _MARKS)
        kept = re.sub(
            f"{begin}.*?{end}", lambda _: f"{_MARKS[0]}{text}\n{_MARKS[1]}", page.read_text(), flags=re.DOTALL
        )
        page.write_text(kept)
        _plot(results)


def _heading(results: Results) -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores, {results.rounds} rounds, medians of them."


def _costs(results: Results) -> str:
    head = [
        "",
        "step",
        "service",
        "PostgreSQL",
        "Valkey",
        "× DRF view",
        "all × DRF",
        "statements",
        "with BEGIN …",
        "Valkey trips",
    ]
    rows = []
    for subject, step in results.steps:
        sample = results.of(subject, step, AT)
        total = sum(sample[3:]) / sum(results.of(*YARDSTICK, AT)[3:])
        times = [f"{value:.2f}" for value in sample[3:]]
        counts = [f"{value:.1f}".removesuffix(".0") for value in results.counts[subject, step]]
        rows.append(
            [subject, step, *times, f"{results.ratio(subject, step, AT, 'service'):.1f}", f"{total:.1f}", *counts]
        )
    return f"Processor time of a request in ms, with {AT} connections, and what it asks:\n\n{_table(head, rows)}"


def _speeds(results: Results) -> str:
    head = [
        "",
        "step",
        *(f"{what} at {n}" for n in results.connections for what in ("req/s", "p50", "p99")),
        "p99 × DRF",
    ]
    rows = []
    for subject, step in results.steps:
        cells = [
            f"{value:,.0f}" if value > 100 else f"{value:.1f}"
            for n in results.connections
            for value in results.of(subject, step, n)[:3]
        ]
        rows.append([subject, step, *cells, f"{results.ratio(subject, step, results.connections[-1], 'p99'):.1f}"])
    return f"Requests a second and milliseconds to the answer, with so many connections:\n\n{_table(head, rows)}"


def _processes(results: Results) -> str:
    rows = [
        [subject, f"{results.started_in[subject]:.1f}", " + ".join(map(str, memory))]
        for subject, memory in results.memory.items()
    ]
    return f"Start-up, and memory of each process after the run:\n\n{_table(['', 'seconds', 'MB'], rows)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *(["---:"] * (len(head) - 1))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plot(results: Results) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "otp"  # the same picture from the same numbers
    from matplotlib import pyplot as plt

    labels = [f"{subject}: {step}" for subject, step in results.steps]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(labels) + 1))
    left = [0.0] * len(labels)
    for name, color in (("service", "#1f5fd6"), ("postgresql", "#8aa9e6"), ("valkey", "#d66a1f")):
        widths = [getattr(results.of(*step, AT), name) for step in results.steps]
        axes.barh(labels, widths, left=left, color=color, label=name)
        left = [one + other for one, other in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel(f"ms of processor time for a request, {AT} connections")
    axes.legend()
    figure.tight_layout()
    figure.savefig(DOCS / "performance.svg", metadata={"Date": None})
