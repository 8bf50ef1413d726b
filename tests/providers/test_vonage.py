"""Vonage's SMS API as its documentation describes it."""

import hashlib
import hmac
import json
import time
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlencode

import pytest

from otp_app.providers.base import Event, Forged, NotAccepted, ProviderError, Rejected, Report, Unknown, Unsuited
from otp_app.providers.vonage import VonageProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

REPORT = {
    "msisdn": "998901234567",
    "to": "Shop",
    "network-code": "43404",
    "messageId": "0C00-1",
    "price": "0.03330000",
    "status": "delivered",
    "scts": "2610010936",
    "err-code": "0",
    "client-ref": MESSAGE.id,
}
OURS = {"id": MESSAGE.id}  # what the callback address holds already


def answer(*statuses, **changes):
    """Theirs, with one entry for each segment."""
    entries = [
        {"to": "998901234567", "message-id": f"0C00-{place}", "status": status, "message-price": "0.0333"} | changes
        for place, status in enumerate(statuses, 1)
    ]
    return 200, {"message-count": str(len(entries)), "messages": entries}


def report(params=None, query=None, body=b"", **changes):
    """What comes to the address that we gave them: a GET, unless there is a body."""
    params = REPORT | changes if params is None else params
    query = OURS if query is None else query
    return Report(MESSAGE.callback, {}, query if body else query | params, body)


def signed(params=REPORT, *, age=0, secret="sign&me", also=(), **changes):
    """The parameters with a signature, made by the letter of their description."""
    params = params | {"timestamp": str(int(time.time()) - age), "nonce": "n-1"} | changes
    text = ""
    for name, value in sorted((params | dict(also)).items()):
        text += "&" + name + "=" + value.translate({ord("&"): "_", ord("="): "_"})
    return params | {"sig": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


class TestVonage(RestContract):
    good: ClassVar = {"/sms/json": answer("0"), "/account/get-balance": (200, {"value": 3.14, "autoReload": False})}
    sends = "/sms/json"
    reference = "0C00-1"
    overloaded = answer("1")
    denied = answer("4")

    @pytest.fixture
    def make(self):
        return lambda url: VonageProvider("key", "s3cret", "Shop", signature_secret="sign&me", base_url=url)

    def test_it_is_asked_as_documented(self, provider, server):
        provider.send(MESSAGE)
        (asked,) = server.requests
        assert (asked.method, asked.path, asked.query) == ("POST", "/sms/json", {})
        assert asked.form == {
            "api_key": "key",
            "api_secret": "s3cret",
            "from": "Shop",
            "to": "998901234567",
            "text": MESSAGE.body,
            "type": "text",
            "ttl": "300000",
            "client-ref": MESSAGE.id,
            "status-report-req": "true",
            "callback": MESSAGE.callback,
        }

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("€5 [é]\r\nñ", "text"),
            ("Код: 987654", "unicode"),
            ("Tasdiqlash kodingiz oʻzgardi", "unicode"),
            ("`1`", "unicode"),
        ],
    )
    def test_a_text_is_sent_as_unicode_only_if_it_must(self, provider, server, body, kind):
        provider.send(replace(MESSAGE, body=body))
        assert (server.requests[0].form["text"], server.requests[0].form["type"]) == (body, kind)

    @pytest.mark.parametrize(("seconds", "ttl"), [(1, "20000"), (60, "60000"), (10**6, "604800000")])
    def test_it_is_tried_for_as_long_as_the_code_is_good_within_their_bounds(self, provider, server, seconds, ttl):
        provider.send(replace(MESSAGE, expires_in=seconds))
        assert server.requests[0].form["ttl"] == ttl

    def test_without_signatures_the_address_holds_the_secret(self, server):
        VonageProvider("key", "s3cret", "Shop", report_secret="s&cret", base_url=server.url).send(MESSAGE)
        assert server.requests[0].form["callback"] == MESSAGE.callback + "&secret=s%26cret"

    @pytest.mark.parametrize(("secret", "callback"), [("", MESSAGE.callback), ("s&cret", "")])
    def test_reports_that_could_not_come_or_be_proved_are_not_asked_for(self, server, secret, callback):
        provider = VonageProvider("key", "s3cret", "Shop", report_secret=secret, base_url=server.url)
        provider.send(replace(MESSAGE, callback=callback))
        assert server.requests[0].form["status-report-req"] == "false"
        assert "callback" not in server.requests[0].form

    def test_every_segment_counts_and_the_first_gives_the_id(self, provider, server):
        server.answers["/sms/json"] = answer("0", "0", "0")
        receipt = provider.send(MESSAGE)
        assert (receipt.reference, receipt.segments) == ("0C00-1", 3)

    @pytest.mark.parametrize(
        ("meaning", "codes"),
        [
            (NotAccepted, "1 2 4 8 9 10 11 12 15 22 23 29 32"),
            (Unsuited, "3 6"),
            (Rejected, "7 33"),
            (Unknown, "5 13 99"),
        ],
    )
    def test_a_code_means_what_the_tables_say(self, provider, server, meaning, codes):
        for code in codes.split():
            server.answers["/sms/json"] = answer(code, **{"error-text": "998901234567 is no good"})
            with pytest.raises(ProviderError) as raised:
                provider.send(MESSAGE)
            assert type(raised.value) is meaning
            assert raised.value.reason == code

    def test_segments_refused_for_one_reason_were_refused(self, provider, server):
        server.answers["/sms/json"] = answer("9", "9")
        with pytest.raises(NotAccepted, match=r"^9$"):
            provider.send(MESSAGE)

    @pytest.mark.parametrize("statuses", [("0", "1"), ("7", "0")])
    def test_a_message_taken_in_part_is_unknown(self, provider, server, statuses):
        server.answers["/sms/json"] = answer(*statuses)
        with pytest.raises(Unknown, match=r"^\d,\d$"):
            provider.send(MESSAGE)

    @pytest.mark.parametrize(
        "reply",
        [
            answer("0", **{"message-id": ""}),
            (500, answer("0")[1]),
            (200, {"messages": "0"}),
            (200, {"messages": ["0"]}),
            (200, {"messages": []}),
        ],
    )
    def test_a_success_that_is_none_is_unknown(self, provider, server, reply):
        server.answers["/sms/json"] = reply
        with pytest.raises(Unknown):
            provider.send(MESSAGE)

    @pytest.mark.parametrize("also", [{}, OURS])
    @pytest.mark.parametrize("place", ["query", "form", "json"])
    def test_a_signed_report_becomes_an_event_without_the_number(self, provider, place, also):
        """Wherever it stands, and whether or not the id in our address is under the signature."""
        params = signed(price="0.05&=", also=also)
        body = {"query": "", "form": urlencode(params), "json": json.dumps(params)}[place]
        assert provider.events(report(params, body=body.encode())) == [
            Event(
                "delivered",
                reference="0C00-1",
                id=MESSAGE.id,
                raw={
                    "network-code": "43404",
                    "messageId": "0C00-1",
                    "price": "0.05&=",
                    "status": "delivered",
                    "scts": "2610010936",
                    "err-code": "0",
                    "client-ref": MESSAGE.id,
                },
            )
        ]

    def test_an_upper_case_signature_and_an_empty_parameter_are_fine(self, provider):
        params = signed(scts="")
        params["sig"] = params["sig"].upper()
        assert provider.events(report(body=urlencode(params).encode()))

    def test_numbers_that_come_as_numbers_are_understood(self, provider, server):
        server.answers["/sms/json"] = answer(0)
        assert provider.send(MESSAGE).reference == "0C00-1"
        params = signed(status="failed", **{"err-code": "9"})
        numbers = {"err-code": 9, "timestamp": int(params["timestamp"])}
        (event,) = provider.events(report(body=json.dumps(params | numbers).encode()))
        assert (event.error, event.rejected) == ("9", True)

    def test_the_id_in_the_address_is_not_believed(self, provider):
        (event,) = provider.events(report(query={"id": "2" * 32}, body=json.dumps(signed()).encode()))
        assert event.id == MESSAGE.id

    @pytest.mark.parametrize(
        "params",
        [
            REPORT,
            signed(secret="other"),
            signed() | {"status": "failed"},
            signed() | {"sig": "é"},
            signed() | {"sig": "\ud800", "status": "\ud800"},
            signed(timestamp="soon"),
            signed(timestamp=""),
            signed(age=25 * 3600),
            signed(age=-25 * 3600),
        ],
        ids=["unsigned", "other secret", "changed", "odd", "odder", "no time", "empty time", "old", "future"],
    )
    def test_a_signature_that_is_not_theirs_or_not_fresh_is_forged(self, provider, params):
        with pytest.raises(Forged):
            provider.events(report(body=json.dumps(params).encode()))

    def test_a_report_repeated_hours_later_is_taken(self, provider):
        assert provider.events(report(signed(age=20 * 3600)))

    def test_the_account_is_checked_without_the_secret_in_the_address(self, provider, server):
        assert provider.check() == "The balance is 3.14."
        (asked,) = server.requests
        assert (asked.method, asked.path, asked.query) == ("GET", "/account/get-balance", {})
        assert asked.headers["authorization"] == "Basic a2V5OnMzY3JldA=="

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            ((401, {"value": 3.14}), NotAccepted),
            ((200, ["value"]), Unknown),
            ((200, {"error": "?"}), Unknown),
        ],
    )
    def test_a_balance_that_is_not_told_is_an_error(self, provider, server, reply, error):
        server.answers["/account/get-balance"] = reply
        with pytest.raises(error, match=str(reply[0])):
            provider.check()

    def test_a_body_nested_beyond_reason_is_forged(self, provider):
        with pytest.raises(Forged):
            provider.events(report(body=b"[" * 100_000))


class TestReports:
    """Of an account that does not sign; what they say is the same with a signature."""

    @pytest.fixture
    def provider(self):
        return VonageProvider("key", "s3cret", "Shop", report_secret="s&cret")

    @staticmethod
    def told(**changes):
        return report(query=OURS | {"secret": "s&cret"}, **changes)

    def test_the_secret_proves_them(self, provider):
        (event,) = provider.events(self.told())
        assert (event.status, event.reference, event.id) == ("delivered", "0C00-1", MESSAGE.id)
        assert "s&cret" not in str(event)
        with pytest.raises(Forged):
            provider.events(report(query=OURS | {"secret": "guessed"}))

    def test_with_no_secret_of_either_kind_all_are_forged(self):
        with pytest.raises(Forged):
            VonageProvider("key", "s3cret", "Shop").events(report(query=OURS | {"secret": ""}))

    def test_an_account_that_signs_needs_more_than_the_address(self):
        provider = VonageProvider("key", "s3cret", "Shop", signature_secret="sign&me", report_secret="s&cret")
        with pytest.raises(Forged):
            provider.events(self.told())

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("accepted", "sent"),
            ("buffered", "sent"),
            ("delivered", "delivered"),
            ("expired", "undelivered"),
            ("failed", "failed"),
            ("rejected", "failed"),
        ],
    )
    def test_their_words_become_ours(self, provider, word, status):
        (event,) = provider.events(self.told(status=word))
        assert event.status == status

    @pytest.mark.parametrize("word", ["unknown", "new"])
    def test_a_word_that_changes_nothing_is_no_event(self, provider, word):
        assert provider.events(self.told(status=word)) == []

    def test_a_number_at_fault_is_told_and_no_other(self, provider):
        at_fault = set()
        for code in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "11", "12", "13", "14", "15", "99"]:
            (event,) = provider.events(self.told(status="failed", **{"err-code": code}))
            assert event.error == code
            at_fault |= {code} if event.rejected else set()
        assert at_fault == {"3", "4", "9"}

    def test_a_report_without_a_code_or_our_id_is_understood(self, provider):
        (event,) = provider.events(self.told(params={"status": "expired", "messageId": "0C00-1"}))
        assert (event.status, event.reference, event.id, event.error) == ("undelivered", "0C00-1", "", "")

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"7", b"\xff", b"status=delivered", b"messageId=0C00-1"])
    def test_what_makes_no_sense_is_said(self, provider, body):
        with pytest.raises(ValueError, match="no report"):
            provider.events(self.told(params={}, body=body))
