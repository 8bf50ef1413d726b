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
    wheel = functools.cache(lambda: build_wheel(tmp_path_factory.mktemp("wheel")))

    @functools.cache
    def made(django):
        oldest = environments.DJANGOS[django]
        if not (found := environments.find_python(oldest)):
            pytest.skip(f"Django {django} needs a Python {'.'.join(map(str, oldest))}")
        return environments.make(tmp_path_factory.mktemp("environment"), wheel(), django, found)

    return made


@pytest.fixture(scope="session")
def told(python, tmp_path_factory):
    """Return, for a project and a Django, what its story has told."""

    @functools.cache
    def play(project, django):
        folder = tmp_path_factory.mktemp(project)
        for name in ("base", project):
            shutil.copytree(PROJECTS / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        settings = {"DJANGO_SETTINGS_MODULE": f"{project}.settings"}
        return json.loads(run("-m", "base.story", cwd=folder, python=python(django), **settings))

    return play
