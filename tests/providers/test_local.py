"""The providers that reach no phone."""

import json

import pytest

from otp_app.providers import memory
from otp_app.providers.console import ConsoleProvider
from otp_app.providers.file import FileProvider
from otp_app.providers.memory import MemoryProvider
from otp_app.testing.contracts.providers import MESSAGE, ProviderContract


class TestConsole(ProviderContract):
    @pytest.fixture
    def provider(self):
        return ConsoleProvider()

    @pytest.fixture
    def carried(self, capsys):
        return lambda text=[]: text[0] if text else text.append(capsys.readouterr().out) or text[0]

    def test_the_whole_message_is_shown(self, provider, capsys):
        provider.send(MESSAGE)
        assert capsys.readouterr().out == ("\n  sms to +998901234567:\n    OTP: 987654\n    @example.com #987654\n\n")


class TestFile(ProviderContract):
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "outbox.jsonl"

    @pytest.fixture
    def provider(self, path):
        return FileProvider(str(path))

    @pytest.fixture
    def carried(self, path):
        return path.read_text

    def test_each_message_is_one_json_line_for_its_owner_only(self, provider, path, clock):
        clock.advance(86400)
        provider.send(MESSAGE)
        provider.send(MESSAGE)
        first, second = map(json.loads, path.read_text().splitlines())
        assert second["time"] >= first.pop("time") > 1_700_000_000
        assert first == {
            "phone": "+998901234567",
            "channel": "sms",
            "code": "987654",
            "body": MESSAGE.body,
            "challenge_id": "0" * 32,
        }
        assert path.stat().st_mode & 0o777 == 0o600


class TestMemory(ProviderContract):
    @pytest.fixture
    def provider(self, outbox):
        return MemoryProvider()

    @pytest.fixture
    def carried(self):
        return lambda: str(memory.outbox)
