"""Runs side by side: each is shown in one piece, and the first that fails ends them all."""

import sys

import pytest

from tests.lanes import NOTHING_CHOSEN, Run, play

SUMMARY = "print('== {} passed in 0.10s ==', flush=True)"


def wait_for(path):
    return f"import pathlib, time\nwhile not pathlib.Path({str(path)!r}).exists(): time.sleep(0.01)"


def run(name, *lines):
    """As if this were what pytest does."""
    made = Run(name)
    made._command = [sys.executable, "-c", "\n".join(lines)]
    return made


def test_runs_are_counted_and_shown_one_after_the_other_whichever_ends_first(capsys, tmp_path):
    released = tmp_path / "released"
    slow = run("slow", "print('slow begins', flush=True)", wait_for(released), SUMMARY.format(4))
    quick, last = run("quick", SUMMARY.format(20)), run("last", f"open({str(released)!r}, 'w')", SUMMARY.format(100))
    assert play([slow], [quick, last], chosen=False) == 124
    names = ("== slow", "slow begins", "== 4 passed", "== quick", "== 20 passed", "== last", "== 100 passed")
    out = capsys.readouterr().out
    assert [out.index(name) for name in names] == sorted(out.index(name) for name in names)


def test_a_run_that_fails_ends_the_others_and_is_shown_whole(capsys, tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    tidy = f"try: open({str(begun)!r}, 'w'); time.sleep(600)\nfinally: open({str(ended)!r}, 'w')"
    shown = run("shown", "import time", "print('at work', flush=True)", tidy)
    failing = run("failing", wait_for(begun), "print('this is why')", "raise SystemExit(3)")
    with pytest.raises(SystemExit) as end:
        play([shown], [failing, run("never", "print('never')")], chosen=False)
    assert end.value.code == 3
    assert ended.exists()  # interrupted, not killed: what it had begun it has ended
    out = capsys.readouterr().out
    assert out.index("at work") < out.index("stopped here") < out.index("== failing") < out.index("this is why")
    assert "never" not in out


@pytest.mark.parametrize("chosen", [True, False])
def test_a_run_without_tests_is_a_failure_unless_options_have_chosen_them(chosen):
    empty, other = run("empty", f"raise SystemExit({NOTHING_CHOSEN})"), run("other", SUMMARY.format(1))
    if chosen:
        assert play([empty, other], chosen=True) == 1
    else:
        with pytest.raises(SystemExit):
            play([empty, other], chosen=False)
