"""manage.py otp_keys lists the keys that sign access tokens, makes the next one, and replaces one that leaked."""

import io

import pytest
from django.core.management import CommandError, call_command

from otp_app.models import SigningKey

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def keys(clock):
    def keys(*options):
        out = io.StringIO()
        call_command("otp_keys", *options, stdout=out)
        return [line.split() for line in out.getvalue().splitlines()]

    return keys


def test_without_a_key_it_lists_none_and_says_so(keys, capsys):
    assert keys() == []
    assert "no key yet" in capsys.readouterr().err


def test_a_rotation_is_seen_from_the_first_key_to_the_last(keys, clock):
    ((state, old, algorithm, *since),) = keys("--rotate")
    assert (state, algorithm, since[:2], since[-1]) == ("current", "ES256", ["signs", "from"], "UTC")
    assert [line[0] for line in keys("--rotate")] == ["next", "current"]
    clock.advance(DAY)
    lines = keys()
    assert [line[0] for line in lines] == ["current", "retired"]
    assert lines[1][1] == old
    clock.advance(3600)
    assert [line[0] for line in keys()] == ["current"]


def test_a_second_next_key_is_refused(keys):
    keys("--rotate")
    keys("--rotate")
    with pytest.raises(CommandError, match="a next key already"):
        keys("--rotate")
    assert SigningKey.objects.count() == 2


def test_a_leaked_key_is_replaced_at_once(keys):
    ((_, old, *_),) = keys("--rotate")
    keys("--rotate")
    ((state, new, *_),) = keys("--replace")
    assert (state, new != old, SigningKey.objects.count()) == ("current", True, 1)
