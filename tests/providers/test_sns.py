"""SNS as its API reference describes it: every action is a form sent to "/", every answer is XML."""

import logging
import socket
from typing import ClassVar

import pytest

from otp_app.providers import http
from otp_app.providers.base import NotAccepted, ProviderError, Rejected, Unknown, Unsuited
from otp_app.providers.sns import SnsProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

# Those that write requests and answers; what is signed, one can find the code to by trying all.
QUIET = ("botocore", "botocore.auth", "botocore.endpoint", "botocore.parsers")
SPACE = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'


def result(action, content):
    return 200, f"<{action}Response {SPACE}><{action}Result>{content}</{action}Result></{action}Response>"


def error(status, code, text="made up"):
    return status, f"<ErrorResponse {SPACE}><Error><Code>{code}</Code><Message>{text}</Message></Error></ErrorResponse>"


def attributes(**entries):
    content = "".join(f"<entry><key>{key}</key><value>{value}</value></entry>" for key, value in entries.items())
    return result("GetSMSAttributes", f"<attributes>{content}</attributes>")


def sandbox(is_in_it):
    return result("GetSMSSandboxAccountStatus", f"<IsInSandbox>{is_in_it}</IsInSandbox>")


@pytest.fixture(autouse=True)
def loggers():
    """The levels of another's loggers are given back."""
    levels = {name: logging.getLogger(name).level for name in QUIET}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """Whoever runs the tests has no credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


class TestSns(RestContract):
    good: ClassVar = {"/": result("Publish", "<MessageId>94f20ce6-13c5-43a0-9a9e-ca52d816e90b</MessageId>")}
    reference = "94f20ce6-13c5-43a0-9a9e-ca52d816e90b"
    overloaded = error(400, "Throttling")
    denied = error(403, "InvalidClientTokenId")

    @pytest.fixture
    def make(self):
        made = []

        def make(url, **options):
            keys = {"access_key_id": "AKIA", "secret_access_key": "key"}
            made.append(SnsProvider(**({"region": "eu-central-1", "endpoint_url": url} | keys | options)))
            return made[-1]

        yield make
        for provider in made:
            provider.close()

    @pytest.fixture
    def carried(self, server):
        return lambda: str([request.form for request in server.requests])

    def test_one_that_says_nothing_is_waited_for_no_longer_than_the_timeout(self, make, server, monkeypatch):
        """Its timeouts are fixed when it is made, so it is made after they are shortened."""
        monkeypatch.setattr(http, "READ_TIMEOUT", 0.2)
        super().test_one_that_says_nothing_is_waited_for_no_longer_than_the_timeout(
            make(server.url), server, monkeypatch
        )

    @pytest.mark.parametrize(
        "answer", ["overloaded", error(503, "ServiceUnavailable"), (503, "<html>no upstream</html>"), (503, "")]
    )
    def test_what_was_surely_not_accepted_may_go_elsewhere(self, provider, server, answer):
        """SNS answers in XML: the contract's 503 with JSON would be nobody's answer."""
        super().test_what_was_surely_not_accepted_may_go_elsewhere(provider, server, answer)

    def test_it_is_asked_as_documented(self, provider, server):
        provider.send(MESSAGE)
        (asked,) = server.requests
        assert asked.form == {
            "Action": "Publish",
            "Version": "2010-03-31",
            "PhoneNumber": "+998901234567",
            "Message": MESSAGE.body,
            "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
            "MessageAttributes.entry.1.Value.DataType": "String",
            "MessageAttributes.entry.1.Value.StringValue": "Transactional",
        }
        assert "Credential=AKIA/" in asked.headers["authorization"]
        assert "/eu-central-1/sns/aws4_request" in asked.headers["authorization"]

    def test_a_sender_and_a_highest_price_are_passed_on(self, make, server):
        make(server.url, sender_id="Shop", max_price="0.05").send(MESSAGE)
        asked = server.requests[0].form
        given = {
            asked[f"MessageAttributes.entry.{n}.Name"]: (
                asked[f"MessageAttributes.entry.{n}.Value.DataType"],
                asked[f"MessageAttributes.entry.{n}.Value.StringValue"],
            )
            for n in (1, 2, 3)
        }
        assert given == {
            "AWS.SNS.SMS.SMSType": ("String", "Transactional"),
            "AWS.SNS.SMS.SenderID": ("String", "Shop"),
            "AWS.SNS.SMS.MaxPrice": ("Number", "0.05"),
        }

    @pytest.mark.parametrize(
        ("answer", "meaning", "reason"),
        [
            (error(400, "OptedOut"), Rejected, "OptedOut"),
            # The text quotes the number, and the same is said of every number where a region has no SMS.
            (error(400, "InvalidParameter", "PhoneNumber Reason: +998901234567"), Unsuited, "InvalidParameter"),
            (error(403, "AuthorizationError"), NotAccepted, "AuthorizationError"),
            (error(400, "KMSDisabled"), Unsuited, "KMSDisabled"),
            (error(429, "Throttled"), NotAccepted, "Throttled"),
            (error(500, "InternalError"), Unknown, "InternalError"),
            ((500, f"<ErrorResponse {SPACE}><Error><Message>?</Message></Error></ErrorResponse>"), Unknown, "500"),
            (result("Publish", ""), Unknown, "no_message_id"),
            ((200, "no XML"), Unknown, "not_understood"),
            ("cut", Unknown, "connection_lost"),
        ],
    )
    def test_an_error_means_what_it_says_of_the_message(self, provider, server, answer, meaning, reason):
        server.answers["/"] = answer
        with pytest.raises(ProviderError) as raised:
            provider.send(MESSAGE)
        assert type(raised.value) is meaning
        assert raised.value.reason == reason

    def test_what_goes_wrong_with_tls_may_have_been_the_reply(self, make, server):
        with pytest.raises(Unknown, match="tls"):
            make(server.url.replace("http:", "https:")).send(MESSAGE)

    def test_a_proxy_that_is_not_there_has_passed_nothing_on(self, make, monkeypatch):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")
            with pytest.raises(NotAccepted, match="no_connection"):
                make("http://sns.example.com").send(MESSAGE)

    def test_both_timeouts_are_those_of_every_provider(self, make, server, monkeypatch):
        monkeypatch.setattr(http, "CONNECT_TIMEOUT", 0.3)
        monkeypatch.setattr(http, "READ_TIMEOUT", 0.7)
        config = make(server.url)._client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (0.3, 0.7)

    @pytest.mark.parametrize("keys", [{}, {"access_key_id": "", "secret_access_key": ""}])
    def test_without_keys_those_of_the_machine_are_taken(self, make, server, monkeypatch, keys):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIA")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
        make(server.url, **keys).send(MESSAGE)
        assert f"Credential={'ASIA' if keys else 'AKIA'}/" in server.requests[0].headers["authorization"]

    def test_without_any_keys_nothing_is_sent(self, make, server):
        with pytest.raises(NotAccepted, match="no_credentials"):
            make(server.url, access_key_id="", secret_access_key="").send(MESSAGE)
        assert not server.requests

    def test_logging_of_a_host_project_that_asks_for_everything_is_not_given_the_message(self, make, server, caplog):
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.DEBUG)
        super().test_nothing_of_the_message_is_logged(make(server.url), caplog)
        assert not [record for record in caplog.records if record.name.startswith("botocore.")]

    @pytest.mark.parametrize(
        ("limit", "is_in_it", "sentence"),
        [
            (attributes(MonthlySpendLimit="50"), "false", "It spends at most 50 USD a month on SMS."),
            (attributes(), "true", "It is in the sandbox: only numbers that were verified with AWS get messages."),
        ],
    )
    def test_the_account_is_checked_without_sending(self, provider, server, limit, is_in_it, sentence):
        server.answers["/"] = [limit, sandbox(is_in_it)]
        assert provider.check() == f"The account answers. {sentence}"
        actions = [request.form["Action"] for request in server.requests]
        assert actions == ["GetSMSAttributes", "GetSMSSandboxAccountStatus"]

    def test_an_account_without_the_right_says_so(self, provider, server):
        server.answers["/"] = error(403, "AuthorizationError")
        with pytest.raises(NotAccepted, match="AuthorizationError"):
            provider.check()


def test_the_sdk_is_loaded_by_the_first_instance_only():
    import subprocess
    import sys

    program = "import sys, otp_app.providers.sns; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
