"""Programs that the tests use where there are some, from Debian."""

import os
import shutil
import subprocess

_PATIENCE = 600  # seconds for an installation


def install(package):
    """Whether the package was installed: where there is apt-get, and we may."""
    if os.geteuid() or not shutil.which("apt-get"):
        return False
    commands = (["update"], ["install", "-y", "--no-install-recommends", package])
    return all(succeeds(["apt-get", "-qq", *command]) for command in commands)


def succeeds(command):
    """Whether a command that asks nobody anything ends well, in time."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
