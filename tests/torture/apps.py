"""Make the fault points of a process deadly, once the app is ready."""

import os
import random
import signal
from pathlib import Path

from django.apps import AppConfig


class FaultsConfig(AppConfig):
    name = "tests.torture"

    def ready(self):
        from .fault_points import install

        plan, deaths = Path(os.environ["FAULT_PLAN"]), Path(os.environ["FAULT_DEATHS"])
        chance = random.SystemRandom()  # processes that are forked from one another must not throw the same dice

        def maybe_die(name):
            """Die where the plan says so: it is "point chance", or empty."""
            wanted, _, odds = plan.read_text().partition(" ")
            if name == wanted and chance.random() < float(odds):
                with deaths.open("a") as file:
                    file.write(f"{name} {os.getpid()}\n")
                os.kill(os.getpid(), signal.SIGKILL)

        install(maybe_die)
