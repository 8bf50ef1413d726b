"""The stories of the projects: each is played once for each Django, by a process of its own."""

import functools
import json
import shutil
from pathlib import Path

import pytest

from tests.embedding import environments
from tests.programs import build_wheel, run

PROJECTS = Path(__file__).parent / "projects"
NAMES = sorted(path.parent.name for path in PROJECTS.glob("*/settings.py") if path.parent.name != "base")


def once(function):
    """Call ``function`` once for each of its arguments: what it raised, too, is raised again without another try."""

    @functools.cache
    def outcome(*arguments):
        try:
            return function(*arguments), None
        except Exception as error:  # noqa: BLE001  (a story that breaks off may raise anything)
            return None, error

    def ask(*arguments):
        result, error = outcome(*arguments)
        if error:
            raise error
        return result

    return ask


@pytest.fixture(scope="session", params=environments.DJANGOS)
def django(request):
    return request.param


@pytest.fixture(scope="session", params=NAMES)
def story(request, told, django):
    """What each project's story has told, under each Django."""
    return told(request.param, django)


@pytest.fixture(scope="session")
def python(tmp_path_factory):
    """Return, for a Django, the Python that has it."""
    wheel = once(lambda: build_wheel(tmp_path_factory.mktemp("wheel")))

    @once
    def made(django):
        oldest = environments.DJANGOS[django]
        if not (found := environments.find_python(oldest)):
            pytest.skip(f"Django {django} needs a Python {'.'.join(map(str, oldest))}")
        return environments.make(tmp_path_factory.mktemp("environment"), wheel(), django, found)

    return made


@pytest.fixture(scope="session")
def told(python, tmp_path_factory):
    """Return, for a project and a Django, what its story has told."""

    @once
    def play(project, django):
        folder = tmp_path_factory.mktemp(project)
        for name in ("base", project):
            shutil.copytree(PROJECTS / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"DJANGO_SETTINGS_MODULE": f"{project}.settings"}
        run("-m", "base.story", cwd=folder, python=python(django), **settings)
        return json.loads((folder / "told.json").read_text())

    return play
