"""The named places at which tests of faults let a process die."""

import re
from pathlib import Path

import pytest

from otp_app import faults, services
from otp_app.providers.base import NotAccepted
from tests.factories import new_phone
from tests.remote import remotes

ROOT = Path(faults.__file__).parent
NAMED = re.findall(r"^    (\w+\.\w+) ", faults.__doc__, re.MULTILINE)


def test_every_place_that_is_named_is_in_the_code_and_no_other():
    code = "".join(path.read_text() for path in ROOT.rglob("*.py") if path.name != "faults.py")
    used = [name for call in re.findall(r"faults\.point\(([^)]*)\)", code) for name in re.findall(r'"([^"]+)"', call)]
    assert len(NAMED) == 11
    assert sorted(used) == sorted(NAMED)


def test_nobody_has_a_hook_but_tests():
    assert faults.hook is None


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_passes_them_in_order(monkeypatch):
    passed = []
    monkeypatch.setattr(faults, "hook", passed.append)
    with remotes("one", "two") as remote:
        remote.fail(NotAccepted("503"), "one")
        phone = new_phone()
        services.send_code(phone=phone)
        services.sign_in(phone=phone, code=remote.sent[-1][1].code)
    assert passed == [
        "send.committed",
        "handover.claimed",
        "handover.passed_on",
        "handover.answered",
        "handover.ended",
        "send.queued",
        "check.spent",
        "challenge.closed",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_send_that_the_first_provider_takes_is_written_down_with_others_and_passes_that(monkeypatch):
    passed = []
    monkeypatch.setattr(faults, "hook", passed.append)
    with remotes():
        services.send_code(phone=new_phone())
    written = ["handover.answered", "outcomes.written", "handover.ended"]
    assert passed == ["send.committed", "handover.claimed", *written, "send.queued"]
