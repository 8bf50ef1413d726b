"""The pages of the reference are what the code says, and what the code leaves out is told."""

import re

import pytest
from django.core.management.base import BaseCommand
from django.urls import get_resolver

from otp_app.conf import Conf
from tests.programs import ROOT, run
from tools.reference import checks, commands, llms, settings, tables

# Writes all pages into a folder, breaks one of them and tells which are out of date.
ELSEWHERE = """
import sys
from pathlib import Path
from tools.reference.__main__ import PAGES, check, update
root = Path(sys.argv[1])
(root / "docs").mkdir()
update(root)
assert check(root) == [] and len(list(root.rglob("*.*"))) == len(PAGES)
(root / "docs" / "errors.md").write_text("It has no errors.")
(root / "llms.txt").unlink()
print(*check(root), sep="\\n")
"""
CHECK = '''
def check_pigeons(**_):
    """Find pigeons."""
    text, hint = f"{count} pigeons.", "Open a window."
    text = f"{bird.name} is {'' if tame else 'not '}here: {text}"
    hint = f"Open {window!r}."
    return [Error(text, hint=hint, id="otp_app.E999")]
'''


def page(name):
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_committed_pages_are_what_the_code_says_whatever_the_environment_has():
    assert run("-m", "tools.reference", "check", cwd=ROOT, OTP_CODE_LENGTH="8", OTP_DEFAULT_REGION="UZ") == ""


def test_a_page_that_is_another_or_missing_is_out_of_date(tmp_path):
    assert run("-c", ELSEWHERE, str(tmp_path), cwd=ROOT).splitlines() == [
        "docs/errors.md is out of date: run python -m tools.reference update.",
        "llms.txt is out of date: run python -m tools.reference update.",
    ]


def test_it_says_how_it_is_called():
    assert run("-m", "tools.reference", cwd=ROOT, status=1) == "usage: python -m tools.reference update|check\n"


def test_every_setting_is_there_once_with_its_default():
    own = page("settings.md").partition("## In the environment")[0]
    named = re.findall(r"(?m)^\| `OTP_(\w+)` \|", own)
    assert sorted(named) == sorted(name for name in vars(Conf) if name.isupper())
    assert "| `OTP_TTL` | `int`, 30 to 600 | `300` | Seconds until a code expires |" in own
    assert "## Limits" in own


def test_every_name_of_the_example_of_the_environment_is_there_once():
    _, _, told = page("settings.md").partition("## In the environment")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(\w+)` \|", told) == re.findall(r"(?m)^#([A-Z_]+)=", example)
    assert "| `PORT` | whole number | `8000` | The port to listen on |" in told


def test_a_comment_is_the_text_of_the_settings_it_stands_at():
    source = """
class Conf:
    \"\"\"Have settings.\"\"\"

    # First
    # What they are for.
    TTL: int = 300  # beside
    # above
    SENDS: int = 3  # noqa: S105  (no text)

    # Alone, as TTL
    COLOR: str = "#1f5fd6"
"""
    (section,) = settings.sections_of(source)
    assert (section.title, section.text) == ("First", "What they are for.")
    assert [row[0] for row in section.rows] == ["`OTP_TTL`", "`OTP_SENDS`", "`OTP_COLOR`"]
    assert [row[3] for row in section.rows] == ["beside", "above", "Alone, as OTP_TTL"]
    with pytest.raises(LookupError, match="No comment above or beside `OTP_TTL`"):
        settings.sections_of(source.replace("  # beside", ""))


def test_every_check_is_there_with_its_cure():
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "otp_app" / "checks").glob("*.py"))
    ids = set(re.findall(r'id="(otp_app\.[EW]\d{3})"', source))
    told = page("checks.md").split("\n## ")[1:]
    assert [section.partition("\n")[0] for section in told] == sorted(ids)
    assert all("**Cure:** " in section for section in told)


def test_a_message_is_shown_with_its_last_texts_and_what_is_only_known_later_in_brackets(tmp_path):
    (tmp_path / "pigeons.py").write_text(CHECK)
    (found,) = checks.found(tmp_path / "pigeons.py")
    assert found.text == "<name> is here: <count> pigeons."
    assert (found.id, found.cure, found.only_for_production) == ("otp_app.E999", "Open <window>.", False)


def test_a_check_without_a_cure_is_told(tmp_path):
    (tmp_path / "pigeons.py").write_text(CHECK.replace("hint=hint, ", ""))
    with pytest.raises(LookupError, match=r"pigeons.py, line 7: otp_app.E999 has no hint that says what to do."):
        list(checks.found(tmp_path / "pigeons.py"))


def test_every_command_is_there():
    files = (ROOT / "otp_app" / "management" / "commands").glob("otp_*.py")
    assert re.findall(r"(?m)^## (\w+)", page("commands.md")) == sorted(path.stem for path in files)
    assert "| `--days DAYS` | how far back, 1 to 30 (7) |" in page("commands.md")


@pytest.mark.parametrize(
    ("help_", "option", "told"),
    [("", {"help": "how high"}, "coo has no help."), ("Coos.", {}, "coo --height HEIGHT has no help.")],
)
def test_a_command_or_an_option_without_help_is_told(help_, option, told):
    command = BaseCommand()
    command.help = help_
    command.add_arguments = lambda parser: parser.add_argument("--height", **option)
    with pytest.raises(LookupError, match=told):
        commands._section("coo", command)


def test_no_text_of_the_code_is_taken_for_markdown():
    assert tables.plain('a <name>, "*", __str__ and OTP_TTL') == r'a \<name>, "\*", \_\_str\_\_ and OTP_TTL'
    assert tables.table(("a|b",), [("c|d",)]).count(r"\|") == 1


def test_the_two_requests_of_llms_txt_are_those_of_the_api():
    text = llms.page()
    addresses = re.findall(r"`POST (/\S+)` with `(\{.*?\})`", text)
    assert [address for address, _ in addresses] == ["/api/send-otp/", "/api/verify-otp/"]
    assert all(get_resolver().resolve(address) for address, _ in addresses)
    assert all((ROOT / name).is_file() for name in re.findall(r"\]\((\S+?)\)", text))
