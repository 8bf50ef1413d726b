"""The table of providers is what the classes say, and what the maintenance script says about a broken one."""

import shutil
import subprocess
import sys
import textwrap

import pytest

from otp_app import providers as package
from tests.programs import ROOT
from tools import providers

NEW = '''
    from .base import Channel, Event, Provider, Receipt
    from .console import ConsoleProvider  # of another module


    class _Shared(Provider):
        """No provider for itself."""


    class Pigeons:
        """Neither."""


    class PigeonProvider(_Shared):
        """New."""

        title = "Apigeon"
        channels = frozenset({Channel.CALL, Channel.SMS})
        signed = "signature"

        def send(self, message):
            return Receipt("reference")

        def check(self):
            return "It is well."
'''

PROGRAM = """
import runpy, sys
sys.argv = ["tools/providers.py", "check"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    sys.exit(end.code or {"boto3", "twilio", "rest_framework"} & set(sys.modules) or None)
"""


@pytest.fixture
def root(tmp_path):
    """What the script reads and writes beside the modules, to be broken."""
    for folder in (providers.DOCS, providers.TESTS):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Adds a module to the package, for one test."""
    folder = tmp_path / "added"
    folder.mkdir()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    yield lambda source: (folder / "pigeons.py").write_text(textwrap.dedent(source))
    sys.modules.pop("otp_app.providers.pigeons", None)
    vars(package).pop("pigeons", None)


def row():
    (line,) = [line for line in providers.table().splitlines() if "(pigeons.md)" in line]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_committed_table_and_pages_have_no_problem():
    assert providers.check() == []


def test_update_leaves_the_committed_page_as_it_is(root):
    providers.update(root)
    assert (root / providers.DOCS / "README.md").read_text() == (ROOT / providers.DOCS / "README.md").read_text()


def test_every_provider_is_found_and_those_that_reach_no_phone_stand_last():
    titles = [each.provider.title for each in providers.found()]
    assert {"Amazon SNS", "Any HTTP gateway", "Twilio"} <= set(titles)
    assert titles[-3:] == ["Console", "File", "Memory"]
    assert titles[:-3] == sorted(titles[:-3], key=str.lower)


def test_a_row_says_what_the_class_does(add):
    add(NEW)
    assert [each.provider.__name__ for each in providers.found() if each.module == "pigeons"] == ["PigeonProvider"]
    assert row() == ["[Apigeon](pigeons.md)", "sms, call", "signature", "yes", "no", ""]


@pytest.mark.parametrize(
    ("old", "new", "column", "cell"),
    [
        ('signed = "signature"', "", 2, "none come"),
        ("def check", "def other", 3, "no"),
        ('Receipt("reference")', 'Receipt("reference", 2)', 4, "yes"),
        ('Receipt("reference")', 'Receipt("reference", segments=2)', 4, "yes"),
        ('Receipt("reference")', 'Event("sent", segments=2)', 4, "yes"),
    ],
)
def test_a_row_follows_the_class(add, old, new, column, cell):
    assert old in NEW
    add(NEW.replace(old, new))
    assert row()[column] == cell


def test_an_extra_is_named_as_its_module():
    rows = {each.module: providers._row(each) for each in providers.found()}
    assert rows["sns"][-1] == "`otp-app[sns]`"
    assert rows["template"][-1] == ""


def test_check_asks_for_the_page_the_tests_and_the_row_of_a_new_provider(root, add):
    add(NEW)
    assert providers.check(root) == [
        "docs/providers/pigeons.md is missing.",
        "tests/providers/test_pigeons.py is missing.",
        "docs/providers/README.md is out of date: run python tools/providers.py update.",
    ]
    (root / providers.DOCS / "pigeons.md").write_text("Coo.")
    (root / providers.TESTS / "test_pigeons.py").write_text("")
    providers.update(root)
    assert providers.check(root) == []
    assert "(pigeons.md)" in (root / providers.DOCS / "README.md").read_text()


@pytest.mark.parametrize(
    ("old", "new"), [('"Apigeon"', '""'), ('title = "Apigeon"', ""), ("{Channel.CALL, Channel.SMS}", "")]
)
def test_check_finds_a_class_that_does_not_say_what_it_is(root, add, old, new):
    add(NEW.replace(old, new))
    assert "pigeons.PigeonProvider has no title or no channels." in providers.check(root)


def test_check_finds_a_page_about_nobody(root):
    (root / providers.DOCS / "doves.md").write_text("Coo.")
    assert providers.check(root) == ["docs/providers/doves.md is about no provider."]


def test_providers_that_reach_no_phone_share_a_page(root):
    (root / providers.DOCS / "local.md").unlink()
    assert providers.check(root) == ["docs/providers/local.md is missing."]


@pytest.mark.parametrize("mark", [providers.BEGIN, providers.END])
def test_a_page_without_its_marks_is_left_alone_and_found(root, mark):
    page = root / providers.DOCS / "README.md"
    page.write_text(broken := page.read_text().replace(mark, ""))
    providers.update(root)
    assert page.read_text() == broken
    (problem,) = providers.check(root)
    assert problem.startswith("docs/providers/README.md has lost the marks of its table")


def test_update_repairs_the_table_and_nothing_else(root):
    page = root / providers.DOCS / "README.md"
    right = page.read_text()
    page.write_text(right.replace("| [Amazon SNS]", "| [Amazing SNS]"))
    assert providers.check(root) == ["docs/providers/README.md is out of date: run python tools/providers.py update."]
    providers.update(root)
    assert page.read_text() == right


def test_it_runs_as_a_program_and_loads_no_sdk():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_says_how_it_is_called():
    done = subprocess.run([sys.executable, "tools/providers.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "usage: python tools/providers.py update|check\n")
