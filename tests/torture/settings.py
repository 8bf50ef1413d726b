"""The service's settings, in processes that may die at a named place of :mod:`otp_app.faults`."""

import os
import random
import signal
from pathlib import Path

from otp_app import faults
from otp_project.settings import *  # noqa: F403

_PLAN, _DEATHS = Path(os.environ["FAULT_PLAN"]), Path(os.environ["FAULT_DEATHS"])
_chance = random.SystemRandom()  # processes that are forked from one another must not throw the same dice


def _maybe_die(name):
    """The plan is "place chance", or empty."""
    wanted, _, chance = _PLAN.read_text().partition(" ")
    if name == wanted and _chance.random() < float(chance):
        with _DEATHS.open("a") as file:
            file.write(f"{name} {os.getpid()}\n")
        os.kill(os.getpid(), signal.SIGKILL)


faults.hook = _maybe_die
