"""Whatever dies, and whenever it dies: no message is lost or doubled, and the invariants hold."""

import os
import random

from .rounds import play

ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "10"))  # of another seed each time; who looks for more: make torture
SEED = int(os.environ.get("TORTURE_SEED") or random.SystemRandom().randrange(10**6))


def test_processes_die_and_the_invariants_hold(tmp_path):
    print(f"seed {SEED}")
    found, dead = play(tmp_path, SEED, ROUNDS)
    assert found == []
    assert dead >= ROUNDS // 4  # or it has tortured nobody
