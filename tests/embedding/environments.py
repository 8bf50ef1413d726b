"""Make environments that hold the wheel, a Django and the app's neighbours, and nothing of this checkout."""

import os
import shutil
import subprocess
from itertools import chain
from pathlib import Path

from tests.programs import PATIENCE, ROOT

# Django, and the Python that it needs at least
DJANGOS = {"5.2": (3, 11), "6.1": (3, 12)}
NEIGHBOURS = [
    "dj-rest-auth==7.2.0",
    "django-allauth==65.22.1",
    "django-phonenumber-field==9.0.0",
    "djangorestframework-simplejwt==5.5.1",
]


def find_python(oldest):
    """Return the path of a Python of this version or newer; "" if there is none. Some of those in PATH do not start."""
    named = map(shutil.which, ("python3.13", "python3.12", "python3.11", "python3"))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin/python3")
    return next((str(path) for path in chain(named, pyenv) if path and _is_python(path, oldest)), "")


def make(folder, wheel, django, python):
    """Install the wheel with this Django and the neighbours, and return the Python of the new environment."""
    _uv("venv", "--quiet", "--python", python, folder)
    _uv("pip", "install", "--quiet", "--python", folder, wheel, f"django=={django}.*", *NEIGHBOURS)
    return str(folder / "bin" / "python")


def _is_python(path, oldest):
    program = f"import sys; sys.exit(sys.version_info < {oldest})"
    return subprocess.run([path, "-c", program], capture_output=True, check=False).returncode == 0


def _uv(*words):
    """Run the uv that has installed this checkout, with what the shell says of index, proxy and certificates."""
    uv = shutil.which("uv") or ROOT / ".uv" / "bin" / "uv"
    done = subprocess.run(
        [uv, *words],
        env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout
