"""``make torture ROUNDS=500 SEED=1``: kill -9 at named places and at random, as often as one likes."""

import os
import subprocess
import sys

from tests.__main__ import ROOT, postgresql

with postgresql() as url:
    environment = os.environ | {
        "DATABASE_URL": url,
        "TORTURE_ROUNDS": os.environ.get("ROUNDS") or "100",
        "TORTURE_SEED": os.environ.get("SEED", ""),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-s", "tests/torture"]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
sys.exit(code)
