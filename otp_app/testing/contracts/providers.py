"""Test what every provider must do: inherit ``ProviderContract``, or ``RestContract`` for one that speaks HTTP."""

import logging
import socket
import traceback
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ...providers import http
from ...providers.base import Channel, Forged, Message, NotAccepted, ProviderError, Receipt, Report, Unknown
from .gateway import gateway

MESSAGE = Message(
    to="+998901234567",
    body="OTP: 987654\n@example.com #987654",
    channel="sms",
    code="987654",
    language="en",
    expires_in=300,
    reference="0" * 32,
    id="1" * 32,
    callback=f"https://login.example.com/api/webhooks/it/?id={'1' * 32}",
)


class ProviderContract:
    """Test a provider: a subclass has the fixtures ``provider``, and ``carried``: a function, what arrived as text."""

    message = MESSAGE

    def assert_silent(self, error):
        """Assert that what may be logged of an error, its reason and its traceback, tells neither code nor number."""
        assert len(error.reason) <= 64
        shown = "".join(traceback.format_exception(error))  # with the errors before it, unless "from None" hides them
        assert self.message.code not in shown
        assert self.message.to.lstrip("+") not in shown

    def test_a_message_is_carried_and_a_receipt_given(self, provider, carried):
        receipt = provider.send(self.message)
        assert isinstance(receipt, Receipt)
        assert receipt.segments >= 1
        assert len(receipt.reference) <= 64
        everything = carried()
        assert self.message.code in everything
        assert self.message.to.lstrip("+") in everything

    def test_nothing_of_the_message_is_logged(self, provider, caplog):
        caplog.set_level(logging.DEBUG)
        provider.send(self.message)
        assert self.message.code not in caplog.text
        assert self.message.to[4:] not in caplog.text

    def test_it_says_what_it_is(self, provider):
        assert provider.title
        assert provider.channels
        assert provider.channels <= set(Channel)
        assert self.message.channel in provider.channels
        assert provider.signed in ("", "signature", "secret")
        assert type(provider).__doc__

    def test_a_report_from_nobody_knows_whom_is_forged(self, provider):
        for body in (
            b"",
            b"{}",
            b"\xff",
            b"id=1&status=delivered",
            b"[[[[",
            b'{"status": "delivered"}',
            b"[" * 100_000,
            b'{"sig": "\\ud800"}',
        ):
            for query in ({}, {"secret": ""}, {"secret": "guessed"}, {"secret": "\u0661"}):
                with pytest.raises(Forged):
                    provider.events(Report(self.message.callback, {}, query, body))


class RestContract(ProviderContract):
    """Test a provider that speaks HTTP against a server on this machine.

    A subclass has the fixture ``make``, a function from a base URL to a provider, and says what the API answers when
    all is well: ``good`` maps beginnings of paths to answers, ``sends`` is the beginning of the path that takes
    messages.
    """

    good: Mapping[str, object]
    sends = "/"
    reference: str  # what the receipt of the good answer holds
    overloaded: tuple[int, object] = (429, {})  # the API's way to say "too many requests"
    denied: tuple[int, object] = (401, {})  # and "wrong credentials"

    @pytest.fixture
    def server(self):
        with gateway() as server:
            server.answers |= self.good
            yield server

    @pytest.fixture
    def provider(self, make, server):
        return make(server.url)

    @pytest.fixture
    def carried(self, server):
        return lambda: str(server.requests)

    def test_the_receipt_holds_their_id(self, provider):
        assert provider.send(self.message).reference == self.reference

    def test_it_is_asked_once_whatever_comes(self, provider, server):
        answers: list[object] = ["cut", (500, {}), (429, {}), (302, {}, {"Location": server.url + self.sends})]
        for answer in answers:
            server.requests.clear()
            server.answers[self.sends] = answer
            with pytest.raises((Unknown, NotAccepted)):
                provider.send(self.message)
            assert len(server.asked(self.sends)) == 1

    @pytest.mark.parametrize(
        "answer", ["cut", "reset", (500, {}), (502, MESSAGE.body), (504, ""), (200, "no JSON"), (200, "[]")]
    )
    def test_a_lost_reply_is_unknown(self, provider, server, answer):
        server.answers[self.sends] = answer
        with pytest.raises(Unknown) as raised:
            provider.send(self.message)
        self.assert_silent(raised.value)

    @pytest.mark.parametrize("status", [400, 403, 422])
    def test_a_refusal_that_quotes_the_message_is_not_quoted(self, provider, server, status):
        server.answers[self.sends] = (status, f"{self.message.to}: {self.message.body}")
        with pytest.raises(ProviderError) as raised:
            provider.send(self.message)
        self.assert_silent(raised.value)

    def test_one_that_says_nothing_is_waited_for_no_longer_than_the_timeout(self, provider, server, monkeypatch):
        monkeypatch.setattr(http, "READ_TIMEOUT", 0.2)
        server.answers[self.sends] = "hang"
        with pytest.raises(Unknown, match="timeout"):
            provider.send(self.message)

    @pytest.mark.parametrize("answer", ["overloaded", (503, {}), (503, "<html>no upstream</html>")])
    def test_what_was_surely_not_accepted_may_go_elsewhere(self, provider, server, answer):
        server.answers[self.sends] = getattr(self, answer) if isinstance(answer, str) else answer
        with pytest.raises(NotAccepted) as raised:
            provider.send(self.message)
        self.assert_silent(raised.value)

    def test_wrong_credentials_are_no_fault_of_the_number(self, provider, server):
        server.answers = {"/": self.denied}
        with pytest.raises(NotAccepted):
            provider.send(self.message)

    def test_where_nobody_listens_nothing_was_sent(self, make):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(NotAccepted, match="no_connection"):
                make(f"http://127.0.0.1:{closed.getsockname()[1]}").send(self.message)

    def test_a_host_that_takes_no_connection_in_time_got_nothing(self, make, monkeypatch):
        monkeypatch.setattr(http, "CONNECT_TIMEOUT", 0.2)
        with socket.socket() as deaf, socket.socket() as one, socket.socket() as two:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            for filler in (one, two):
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
            with pytest.raises(NotAccepted, match="connect_timeout"):
                make(f"http://127.0.0.1:{deaf.getsockname()[1]}").send(self.message)

    def test_connections_are_kept(self, provider, server):
        provider.send(self.message)
        provider.send(replace(self.message, to="+998901234568"))
        assert server.connections == 1

    def test_it_sends_again_after_a_bad_day(self, provider, server):
        server.answers[self.sends] = "cut"
        with pytest.raises(Unknown):
            provider.send(self.message)
        server.answers |= self.good
        assert provider.send(self.message).reference == self.reference
