"""The example of ADDING_A_PROVIDER.md is taken from the page, and its class passes its tests."""

import re
import subprocess
import sys
from types import ModuleType

import pytest

from tests.programs import ROOT

PAGE = (ROOT / "ADDING_A_PROVIDER.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"(?ms)^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", PAGE))
PROVIDER, TESTS = "otp_app/providers/kirpi.py", "tests/providers/test_kirpi.py"


def loaded(path, name):
    """The module that this file of the page would be."""
    module = ModuleType(name)
    module.__package__ = name.rpartition(".")[0]
    # By a name in angle brackets: there is no such file for coverage to look for.
    exec(compile(FILES[path], f"<{path}>", "exec"), module.__dict__)  # noqa: S102  (our own page)
    return module


def example_tests():
    """Its test class; its imports find the provider only for as long as they run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "otp_app.providers.kirpi", loaded(PROVIDER, "otp_app.providers.kirpi"))
        return loaded(TESTS, "kirpi_tests").TestKirpi


TestKirpi = example_tests()  # pytest runs it as any other


def test_the_example_is_these_two_files():
    assert set(FILES) == {PROVIDER, TESTS}


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("command", ["check", "format --check"])
def test_the_example_is_in_the_shape_that_is_asked_for(path, command):
    ruff = [sys.executable, "-m", "ruff", *command.split(), "--quiet", "--stdin-filename", ROOT / path, "-"]
    done = subprocess.run(ruff, input=FILES[path], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
