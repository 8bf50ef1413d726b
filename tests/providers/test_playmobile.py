"""Play Mobile."""

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from otp_app.providers.base import Forged, NotAccepted, Receipt, Report, Unknown
from otp_app.providers.playmobile import PlayMobileProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract


def report(told, secret="s3cret"):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Report("https://login.example.com/", {}, {"secret": secret}, body)


def one(status, **more):
    return {"message-id": MESSAGE.id, "channel": "sms", "status": status, "status-date": "2026-01-02 03:04:05"} | more


class TestPlayMobile(RestContract):
    good: ClassVar = {"/send": (200, "Request is received", {"Content-Type": "text/plain"})}
    sends = "/send"
    reference = MESSAGE.id

    @pytest.fixture
    def make(self):
        return lambda url: PlayMobileProvider("login", "password", base_url=url, secret="s3cret")

    def test_the_request_is_theirs(self, provider, server):
        provider.send(MESSAGE)
        (asked,) = server.requests
        assert asked.headers["authorization"] == "Basic bG9naW46cGFzc3dvcmQ="
        assert asked.headers["content-type"] == "application/json; charset=UTF-8"
        assert asked.json == {
            "messages": [
                {
                    "recipient": "998901234567",
                    "message-id": MESSAGE.id,
                    "sms": {"originator": "3700", "content": {"text": MESSAGE.body}},
                }
            ]
        }

    def test_a_message_without_an_id_gets_one(self, provider, server):
        receipt = provider.send(replace(MESSAGE, id=""))
        assert receipt.reference == server.requests[0].json["messages"][0]["message-id"]
        assert len(receipt.reference) == 32

    @pytest.mark.parametrize("answer", ["cut", "reset", (500, {}), (502, "<html>"), (504, "")])
    def test_a_lost_reply_is_unknown(self, provider, server, answer):
        """Without the contract's "200 that cannot be read": here a success is plain text, or nothing at all."""
        super().test_a_lost_reply_is_unknown(provider, server, answer)

    @pytest.mark.parametrize("body", ["", "Request is received", "[]", "{}"])
    def test_a_200_without_an_error_code_is_their_way_to_accept(self, provider, server, body):
        server.answers["/send"] = (200, body)
        assert provider.send(MESSAGE) == Receipt(MESSAGE.id)

    @pytest.mark.parametrize(
        ("code", "reason"),
        [(102, "account_locked"), (401, "no_originator"), (405, "content_form"), (206, "206"), (999, "999")],
    )
    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize("name", ["error-code", "error_code"])
    @pytest.mark.parametrize("kind", [int, str])
    def test_a_code_is_a_refusal_wherever_it_stands(self, provider, server, code, reason, status, name, kind):
        server.answers["/send"] = (status, {name: kind(code), "error-description": f"to {MESSAGE.to}"})
        with pytest.raises(NotAccepted) as raised:
            provider.send(MESSAGE)
        assert raised.value.reason == reason

    @pytest.mark.parametrize("status", [200, 400, 500])
    def test_an_internal_error_of_theirs_may_have_happened_after_they_took_it(self, provider, server, status):
        server.answers["/send"] = (status, {"error-code": 100, "error-description": "Internal server error"})
        with pytest.raises(Unknown):
            provider.send(MESSAGE)

    def test_a_code_beside_a_servers_failure_is_no_refusal(self, provider, server):
        server.answers["/send"] = (500, {"error-code": 101})
        with pytest.raises(Unknown):
            provider.send(MESSAGE)

    @pytest.mark.parametrize("code", [f"+{MESSAGE.to}", "²", [1], "12345"])
    def test_what_is_no_code_gets_into_no_reason(self, provider, server, code):
        server.answers["/send"] = (400, {"error-code": code})
        with pytest.raises(NotAccepted) as raised:
            provider.send(MESSAGE)
        assert raised.value.reason == "400"

    @pytest.mark.parametrize(
        ("word", "status", "error"),
        [
            ("Transmitted", "sent", ""),
            ("Delivered", "delivered", ""),
            ("NotDelivered", "undelivered", "NotDelivered"),
            ("NOT_DELIVERED", "undelivered", "NOT_DELIVERED"),
            ("Expired", "undelivered", "Expired"),
            ("Rejected", "failed", "Rejected"),
            ("failed", "failed", "failed"),
        ],
    )
    def test_each_word_of_a_report_is_one_of_ours(self, provider, word, status, error):
        (event,) = provider.events(report({"messages": [one(word)]}))
        assert (event.status, event.error) == (status, error)
        assert event.id == event.reference == MESSAGE.id
        assert not event.rejected

    def test_reports_come_alone_and_in_lists(self, provider):
        other = one("Rejected") | {"message-id": "2" * 32}
        for told in ([one("Delivered"), other], {"messages": [one("Delivered"), other]}):
            assert [(event.id, event.status) for event in provider.events(report(told))] == [
                (MESSAGE.id, "delivered"),
                ("2" * 32, "failed"),
            ]
        assert len(provider.events(report(one("Delivered")))) == 1

    def test_an_unfamiliar_word_is_passed_over_and_the_rest_is_not(self, provider):
        events = provider.events(report([one("Dreamt"), one("Delivered")]))
        assert [event.status for event in events] == ["delivered"]

    def test_the_raw_report_is_without_text_and_number(self, provider):
        (event,) = provider.events(report(one("Delivered", recipient="998901234567", description="to 998901234567")))
        assert event.raw == one("Delivered")

    @pytest.mark.parametrize(
        "told",
        [
            b"",
            b"\xff",
            b"[" * 100_000,
            b"7",
            b"[7]",
            {},
            {"messages": {}},
            {"status": "Delivered"},
            {"message-id": "1"},
        ],
    )
    def test_a_report_without_sense_is_said_to_be_one(self, provider, told):
        with pytest.raises(ValueError):  # noqa: PT011 - the JSON decoder's own words count too
            provider.events(report(told))

    def test_without_a_secret_of_ours_no_report_is_believed(self):
        for secret in ("", "s3cret"):
            with pytest.raises(Forged):
                PlayMobileProvider("login", "password").events(report(one("Delivered"), secret))

    def test_its_account_cannot_be_asked(self, provider, server):
        assert provider.check() == ""
        assert not server.requests

    def test_its_connections_are_given_back(self, provider):
        provider.send(MESSAGE)
        provider.close()
        assert not provider._http._session.adapters["http://"].poolmanager.pools
