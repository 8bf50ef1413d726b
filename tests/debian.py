"""Install optional programs of the tests from Debian."""

import os
import shutil
import subprocess

_MAX_SECONDS = 600  # for an installation


def install(*packages):
    """Install packages if there is apt-get and we are root. Return whether that succeeded."""
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    commands = (["update"], ["install", "-y", "--no-install-recommends", *packages])
    return all(succeeds(["apt-get", "-qq", *command]) for command in commands)


def succeeds(command):
    """Run a command without input. Return whether it ended successfully, in time."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=_MAX_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
