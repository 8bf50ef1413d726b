"""The command: what it prints is the same for the same seed, and what the documentation shows."""

import re
from io import StringIO
from shlex import split

import pytest
from django.core.management import CommandError, call_command

from otp_app.simulation.invariants import Ledger, Violated
from tests.programs import ROOT, run

DOCUMENTED = ROOT / "docs" / "abuse.md"


def printed(*arguments):
    out = StringIO()
    call_command("otp_simulate", *arguments, stdout=out)
    return out.getvalue()


def test_the_same_seed_prints_the_same_bytes_and_another_seed_others(tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    arguments = ["--profile", "honest", "--world", "ordinary", "--people", "20", "--history", "0"]
    first, second = (printed(*arguments, "--html", str(page)) for page in pages)
    assert first == second
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert printed(*arguments, "--seeds", "2").splitlines()[2:] != first.splitlines()[2:]


def test_the_page_fetches_nothing_runs_nothing_and_is_for_both_kinds_of_screen(tmp_path):
    printed("--profile", "bombing", "--tries", "100", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import|\son\w+=", page)
    assert "prefers-color-scheme: dark" in page
    assert page.count("<svg") == 2
    assert page.count("<rect") > 0
    assert "<td>bombing</td>" in page
    assert "people refused per hour" in page
    assert "money spent per hour" in page


def test_a_message_costs_what_the_command_names():
    assert "| 8.00 |" in printed("--profile", "bombing", "--tries", "100", "--price", "2")


def test_a_message_costs_the_price_of_its_provider_where_it_has_one(settings):
    settings.OTP_PROVIDERS = [settings.OTP_PROVIDERS[0] | {"PRICE": {"UZ": "0.5", "*": 1}}]
    assert "| 2.00 |" in printed("--profile", "bombing", "--tries", "100", "--price", "2")


def test_the_table_has_the_mean_and_the_worst_of_its_seeds():
    arguments = ["--profile", "lockout", "--world", "all day", "--tries", "100"]
    one, two, both = (printed(*arguments, "--seeds", seeds) for seeds in ("1", "2", "1,2"))
    tries, messages = ([int(out.splitlines()[2].split(" | ")[n]) for out in (one, two, both)] for n in (6, 7))
    for first, second, mean in (tries, messages):
        assert min(first, second) <= mean <= max(first, second)
    assert re.search(r"\| \d+\.\d\d \(\d+\.\d\d\) \|", both)


def test_the_page_tells_what_their_proofs_would_have_cost_the_attackers(settings, tmp_path):
    settings.OTP_UNCONVERTED_PER_REGION_DAY = 20
    arguments = ["--profile", "first day", "--world", "concentrated", "--tries", "150", "--people", "2"]
    printed(*arguments, "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "seconds of a browser" in page
    solved, seconds = re.search(r"<td>pumping</td>(?:<td>[^<]*</td>){5}<td>(\d+)</td><td>(\d+)</td>", page).groups()
    assert 0 < int(solved) == int(seconds)


def test_a_violated_invariant_makes_the_command_fail(monkeypatch):
    def violated(*_):
        raise Violated("I4: 11 messages")

    monkeypatch.setattr(Ledger, "check_invariants", violated)
    with pytest.raises(CommandError, match="A limit does not hold: I4: 11 messages"):
        printed("--profile", "bombing", "--tries", "100")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--tries", "99"],
        ["--days", "0"],
        ["--people", "0"],
        ["--history", "-1"],
        ["--world", "no such"],
        ["--seeds", "1,x"],
    ],
)
def test_a_simulation_of_nothing_is_refused(wrong):
    with pytest.raises(CommandError):
        printed("--profile", "bombing", *wrong)


@pytest.mark.parametrize(("profile", "world"), [("bombing", "one phone"), ("lockout", "all day")])
def test_the_documented_rows_are_those_that_the_command_prints(profile, world):
    text = DOCUMENTED.read_text(encoding="utf-8")
    command = re.search(rf"otp_simulate (--profile {profile} .*)$", text, re.MULTILINE)[1]
    # In a process of its own: these are thousands of sends, and measuring coverage takes longer than they do.
    environment = {"SECRET_KEY": "abcde" * 10, "ENV_FILE": "none", "DATABASE_URL": "sqlite:///none"}
    shown = run("manage.py", "otp_simulate", *split(command), "--world", world, cwd=ROOT, patience=600, **environment)
    rows = [line for line in shown.splitlines() if line.startswith(f"| {profile}")]
    assert rows
    assert [row for row in rows if row not in text] == []


def test_the_documented_example_of_an_attacker_of_your_own_runs(tmp_path):
    text = DOCUMENTED.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mine.py").write_text(example, encoding="utf-8")
    environment = {"SECRET_KEY": "abcde" * 10, "ENV_FILE": "none", "DATABASE_URL": "sqlite:///none"}
    environment["DJANGO_SETTINGS_MODULE"] = "otp_project.settings"
    environment["PYTHONPATH"] = str(ROOT)
    assert re.match(r"\d+ of 1,000 tries", run(tmp_path / "mine.py", cwd=tmp_path, **environment))
