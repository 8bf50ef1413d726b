"""Twilio by its SDK: what is asked of it, and which of our words its answers are."""

import socket

import pytest

from otp_app.providers import twilio
from otp_app.providers.base import NotAccepted, Receipt, Rejected, Unknown
from tests.contracts.test_providers import MESSAGE
from tests.gateway import ACCEPTED, gateway


@pytest.fixture
def server():
    with gateway() as server:
        yield server


@pytest.fixture
def make():
    made = []

    def make(url, sender="+12015550123"):
        made.append(twilio.TwilioProvider("AC" + "1" * 32, "a token", sender, url))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def provider(make, server):
    return make(server.url)


def test_the_message_is_posted_to_the_account(provider, server):
    assert provider.send(MESSAGE) == Receipt("SM" + "0" * 32, 1)
    ((path, form),) = server.requests
    assert path == f"/2010-04-01/Accounts/AC{'1' * 32}/Messages.json"
    assert form == {"To": MESSAGE.to, "From": "+12015550123", "Body": MESSAGE.body}


def test_a_messaging_service_may_send(make, server):
    make(server.url, "MG" + "2" * 32).send(MESSAGE)
    assert server.requests[0][1]["MessagingServiceSid"] == "MG" + "2" * 32


def test_twilio_itself_is_the_default_address(make):
    assert make("")._client.api.base_url == "https://api.twilio.com"


def test_a_receipt_without_a_segment_count_means_one(provider, server):
    server.answer = (201, ACCEPTED | {"num_segments": None, "sid": None})
    assert provider.send(MESSAGE) == Receipt("", 1)


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (400, 21211, Rejected),
        (400, 21610, Rejected),
        (400, 21614, Rejected),
        (400, 30003, Rejected),
        (400, 30006, Rejected),
        (403, 30450, Rejected),
        (403, 60410, Rejected),
        (429, 20429, NotAccepted),
        (401, 20003, NotAccepted),
        (400, 21606, NotAccepted),
        (503, 20503, NotAccepted),
        (500, 20500, Unknown),
        (504, 20504, Unknown),
        (502, 12345, Unknown),
    ],
)
def test_every_refusal_is_one_of_three_words_and_keeps_its_code(provider, server, status, code, word):
    server.answer = (status, {"code": code, "message": f"about {MESSAGE.body}", "status": status})
    with pytest.raises(word) as raised:
        provider.send(MESSAGE)
    assert raised.value.reason == str(code)
    assert raised.value.__suppress_context__


def test_a_refusal_without_a_code_is_known_by_its_status(provider, server):
    server.answer = (503, {"message": "busy"})
    with pytest.raises(NotAccepted, match="503"):
        provider.send(MESSAGE)


def test_a_connection_that_breaks_after_the_request_is_unknown(provider, server):
    server.drop = True
    with pytest.raises(Unknown, match="connection_lost"):
        provider.send(MESSAGE)
    assert len(server.requests) == 1  # never repeated by the client itself


def test_a_connection_that_was_never_made_carried_nothing(make):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        provider = make(f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(NotAccepted, match="no_connection"):
            provider.send(MESSAGE)


def test_a_server_that_takes_no_connection_in_time_carried_nothing(make, monkeypatch):
    monkeypatch.setattr(twilio, "CONNECT_TIMEOUT", 0.2)
    with socket.socket() as deaf, socket.socket() as one, socket.socket() as two:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for filler in (one, two):
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        provider = make(f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(NotAccepted, match="connect_timeout"):
            provider.send(MESSAGE)


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_the_timeout(provider, server, monkeypatch):
    from requests.exceptions import ReadTimeout

    monkeypatch.setattr(twilio, "READ_TIMEOUT", 0.2)
    server.delay = 1
    with pytest.raises(ReadTimeout):  # the dispatcher calls it unknown, like everything it does not know
        provider.send(MESSAGE)


def test_connections_are_kept(provider, server):
    provider.send(MESSAGE)
    provider.send(MESSAGE)
    pools = provider._client.http_client.session.get_adapter(server.url).poolmanager.pools
    (pool,) = [pools[key] for key in pools.keys()]  # noqa: SIM118  (no mapping)
    assert (pool.num_connections, pool.num_requests) == (1, 2)
