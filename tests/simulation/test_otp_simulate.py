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
    arguments = ["--profile", "honest", "--world", "ordinary", "--people", "10"]
    first, second = (printed(*arguments, "--html", str(page)) for page in pages)
    assert first == second
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert printed(*arguments, "--seed", "2").splitlines()[2:] != first.splitlines()[2:]


def test_the_page_fetches_nothing_runs_nothing_and_is_for_both_kinds_of_screen(tmp_path):
    printed("--profile", "bombing", "--tries", "100", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import|\son\w+=", page)
    assert "prefers-color-scheme: dark" in page
    assert page.count("<svg") == 2
    assert page.count("<rect") > 10
    assert "<td>bombing</td>" in page


def test_money_is_counted_at_the_price_that_is_named():
    out = printed("--profile", "bombing", "--tries", "100", "--price", "2")
    assert "A message is assumed to cost 2.0 USD." in out
    assert "| 200.00 |" in out


def test_what_their_proofs_would_have_cost_the_attackers_is_told(settings):
    settings.OTP_CONVERSION_LEAST = 5  # so that proofs are asked for early
    settings.OTP_HOME_REGIONS = ["UZ"]
    out = printed("--profile", "pumping", "--world", "solving proofs", "--tries", "150")
    assert re.search(r"; the attackers' [\d,]+ proofs would have cost [\d,]+ s of a browser's time$", out, re.MULTILINE)


def test_a_violated_invariant_makes_the_command_fail(monkeypatch):
    def violated(*_):
        raise Violated("I4: 11 messages")

    monkeypatch.setattr(Ledger, "check_invariants", violated)
    with pytest.raises(CommandError, match="A limit does not hold: I4: 11 messages"):
        printed("--profile", "bombing", "--tries", "100")


@pytest.mark.parametrize("wrong", [["--tries", "99"], ["--days", "0"], ["--people", "0"], ["--world", "no such"]])
def test_a_simulation_of_nothing_is_refused(wrong):
    with pytest.raises(CommandError):
        printed("--profile", "bombing", *wrong)


@pytest.mark.parametrize(("profile", "world"), [("bombing", "one phone"), ("honest", "ordinary"), ("honest", "office")])
def test_the_documented_rows_are_those_that_the_command_prints(profile, world):
    text = DOCUMENTED.read_text(encoding="utf-8")
    command = re.search(rf"otp_simulate (--profile {profile} .*)$", text, re.MULTILINE)[1]
    # In a process of its own: these are thousands of sends, and measuring coverage takes longer than they do.
    environment = {"SECRET_KEY": "abcde" * 10, "ENV_FILE": "none", "DATABASE_URL": "sqlite:///none"}
    shown = run("manage.py", "otp_simulate", *split(command), "--world", world, cwd=ROOT, patience=600, **environment)
    rows = [line for line in shown.splitlines() if line.startswith(f"| {profile} |")]
    assert rows
    assert [row for row in rows if row not in text] == []
