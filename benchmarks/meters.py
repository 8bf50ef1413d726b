"""What processes have used: processor time and memory, of a process with all its descendants."""

from contextlib import suppress

import psutil


def family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu(pid: int) -> float:
    """Seconds of processor time, of those that have ended too."""
    total = 0.0
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory(pid: int) -> list[int]:
    """MB that each process has for itself, the largest first."""
    sizes = [process.memory_full_info().uss >> 20 for process in family(pid)]
    return sorted(sizes, reverse=True)
