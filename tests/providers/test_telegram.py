"""Telegram Gateway."""

import hashlib
import hmac
import json
import time
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import pytest

from otp_app.providers.base import Forged, NotAccepted, Report, Unknown, Unreachable, Unsuited
from otp_app.providers.telegram import TelegramProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

TOKEN = "AAFhbGwgb2YgaXQ"
RESULT = {
    "request_id": "117440512",
    "phone_number": MESSAGE.to,
    "request_cost": 0.01,
    "delivery_status": {"status": "sent", "updated_at": 1767323045},
    "verification_status": {"status": "code_invalid", "code_entered": "123456", "updated_at": 1767323045},
    "payload": MESSAGE.id,
}


def signature(body, stamp, token=TOKEN):
    key = hashlib.sha256(token.encode()).digest()
    return hmac.new(key, f"{stamp}\n".encode() + body, hashlib.sha256).hexdigest()


def report(told, *, age=0, token=TOKEN, **headers):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    stamp = str(int(time.time()) - age)
    signed = {"x-request-timestamp": stamp, "x-request-signature": signature(body, stamp, token)}
    return Report(MESSAGE.callback, signed | headers, {"id": "f" * 32}, body)


def delivery(word, **more):
    return RESULT | {"delivery_status": {"status": word, "updated_at": 1767323045}} | more


def refusal(word):
    return (200, {"ok": False, "error": word})


class TestTelegram(RestContract):
    good: ClassVar = {"/sendVerificationMessage": (200, {"ok": True, "result": RESULT})}
    sends = "/sendVerificationMessage"
    reference = RESULT["request_id"]
    overloaded = refusal("FLOOD_WAIT_30")
    denied = refusal("ACCESS_TOKEN_INVALID")
    message = replace(MESSAGE, channel="telegram")

    @pytest.fixture
    def make(self):
        return lambda url: TelegramProvider(TOKEN, base_url=url)

    def test_one_request_with_our_own_code_is_all_that_is_asked(self, provider, server):
        provider.send(self.message)
        (asked,) = server.requests
        assert (asked.method, asked.path) == ("POST", "/sendVerificationMessage")
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.json == {
            "phone_number": "+998901234567",
            "code": "987654",
            "ttl": 300,
            "payload": MESSAGE.id,
            "callback_url": MESSAGE.callback,
        }

    def test_what_the_machine_knows_of_logins_does_not_replace_the_token(self, server, tmp_path, monkeypatch):
        (tmp_path / "netrc").write_text("default login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        TelegramProvider(TOKEN, server.url).send(self.message)
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"

    def test_a_channel_of_ones_own_is_named_and_no_reports_are_asked_for_without_an_address(self, server):
        provider = TelegramProvider(TOKEN, server.url, sender_username="example")
        provider.send(replace(self.message, callback=""))
        asked = server.requests[0].json
        assert asked["sender_username"] == "example"
        assert "callback_url" not in asked

    @pytest.mark.parametrize(("expires_in", "ttl"), [(1, 30), (30, 30), (31, 31), (3600, 3600), (3601, 3600)])
    def test_the_message_lives_as_long_as_the_challenge_within_what_telegram_takes(
        self, provider, server, expires_in, ttl
    ):
        provider.send(replace(self.message, expires_in=expires_in))
        assert server.requests[0].json["ttl"] == ttl

    @pytest.mark.parametrize("code", ["123", "123456789", "12345a", "١٢٣٤٥٦", "123456\n", ""])
    def test_a_code_that_telegram_does_not_carry_may_go_another_way(self, provider, server, code):
        with pytest.raises(Unsuited, match="code_length"):
            provider.send(replace(self.message, code=code))
        assert not server.requests

    @pytest.mark.parametrize("code", ["1234", "12345678"])
    def test_the_shortest_and_the_longest_code_are_carried(self, provider, code):
        assert provider.send(replace(self.message, code=code)).reference == self.reference

    @pytest.mark.parametrize("status", [200, 400, 404])
    @pytest.mark.parametrize(
        ("word", "error", "reason"),
        [
            ("PHONE_NUMBER_INVALID", Unreachable, "PHONE_NUMBER_INVALID"),
            ("PHONE_NUMBER_NOT_FOUND", Unreachable, "PHONE_NUMBER_NOT_FOUND"),
            ("PHONE_NUMBER_NOT_AVAILABLE", Unreachable, "PHONE_NUMBER_NOT_AVAILABLE"),
            ("MESSAGE_ALREADY_SENT", Unknown, "MESSAGE_ALREADY_SENT"),
            ("BALANCE_NOT_ENOUGH", NotAccepted, "BALANCE_NOT_ENOUGH"),
            ("ACCESS_TOKEN_INVALID", NotAccepted, "ACCESS_TOKEN_INVALID"),
            ("FLOOD_WAIT_3600", NotAccepted, "FLOOD_WAIT"),
            ("SOMETHING_NEW", NotAccepted, "SOMETHING_NEW"),
            (f"no {MESSAGE.to} here", NotAccepted, "refused"),
            ("987654", NotAccepted, "refused"),
        ],
    )
    def test_each_refusal_is_one_of_our_words(self, provider, server, status, word, error, reason):
        server.answers[self.sends] = (status, {"ok": False, "error": word})
        with pytest.raises(error) as raised:
            provider.send(self.message)
        assert type(raised.value) is error
        assert raised.value.reason == reason

    @pytest.mark.parametrize(
        "answer",
        [
            (500, {"ok": False, "error": "BALANCE_NOT_ENOUGH"}),
            (500, {"ok": True, "result": RESULT}),
            (200, {"ok": "true", "result": RESULT}),
            (200, {"ok": False}),
            (200, {"ok": False, "error": 7}),
            (200, {"error": "ACCESS_TOKEN_INVALID"}),
        ],
    )
    def test_neither_a_clear_yes_nor_a_clear_no_is_unknown(self, provider, server, answer):
        server.answers[self.sends] = answer
        with pytest.raises(Unknown) as raised:
            provider.send(self.message)
        assert type(raised.value) is Unknown

    @pytest.mark.parametrize("result", [{}, {"request_id": 7}, {"request_id": "1" * 65}, [], None])
    def test_a_clear_yes_without_a_usable_id_is_known_by_ours(self, provider, server, result):
        server.answers[self.sends] = (200, {"ok": True, "result": result})
        assert provider.send(self.message).reference == ""

    @pytest.mark.parametrize(
        ("word", "status", "error"),
        [
            ("sent", "sent", ""),
            ("delivered", "delivered", ""),
            ("read", "delivered", ""),
            ("expired", "undelivered", "expired"),
            ("revoked", "undelivered", "revoked"),
        ],
    )
    def test_each_word_of_a_report_is_one_of_ours(self, provider, word, status, error):
        (event,) = provider.events(report(delivery(word)))
        assert (event.status, event.error) == (status, error)
        assert (event.reference, event.price) == ("117440512", Decimal("0.01"))
        assert not event.rejected

    def test_our_id_is_what_was_signed_not_what_stands_in_the_address(self, provider):
        (event,) = provider.events(report(delivery("read")))
        assert event.id == MESSAGE.id
        (event,) = provider.events(report({key: RESULT[key] for key in ("request_id", "delivery_status")}))
        assert (event.id, event.price) == ("", None)

    def test_the_raw_report_is_without_number_and_codes(self, provider):
        (event,) = provider.events(report(delivery("read")))
        assert event.raw == {
            "status": "read",
            "request_id": "117440512",
            "request_cost": "0.01",
            "payload": MESSAGE.id,
        }

    def test_what_was_given_back_costs_nothing(self, provider):
        (event,) = provider.events(report(delivery("expired", is_refunded=True)))
        assert (event.price, event.raw["is_refunded"]) == (Decimal(0), "True")

    @pytest.mark.parametrize(
        ("cost", "price"), [(0, Decimal(0)), (1, Decimal(1)), (-0.01, None), (True, None), ("0.01", None), (None, None)]
    )
    def test_a_price_is_a_number_and_never_negative(self, provider, cost, price):
        (event,) = provider.events(report(delivery("sent", request_cost=cost)))
        assert event.price == price

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
    def test_what_is_no_number_is_no_price(self, provider, number):
        body = json.dumps(delivery("sent", request_cost=7)).replace(": 7", f": {number}").encode()
        (event,) = provider.events(report(body))
        assert event.price is None

    @pytest.mark.parametrize("told", [delivery("dreamt"), {"request_id": "1"}, delivery(["sent"])])
    def test_what_says_nothing_about_the_delivery_is_acknowledged(self, provider, told):
        assert provider.events(report(told)) == ()

    @pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"7", b"{}", b"[" * 100_000])
    def test_a_report_without_sense_is_said_to_be_one(self, provider, body):
        with pytest.raises(ValueError):  # noqa: PT011 - the JSON decoder's own words count too
            provider.events(report(body))

    @pytest.mark.parametrize("age", [-200, 3600, 80_000])
    def test_a_report_that_had_to_wait_for_us_is_believed(self, provider, age):
        assert provider.events(report(delivery("read"), age=age))

    @pytest.mark.parametrize("age", [-400, 90_000, 10 * 86400])
    def test_an_old_stamp_and_one_of_the_future_are_not(self, provider, age):
        with pytest.raises(Forged):
            provider.events(report(delivery("read"), age=age))

    def test_days_that_are_played_through_make_no_stamp_old(self, provider, clock):
        clock.advance(30 * 86400)
        assert provider.events(report(delivery("read")))

    @pytest.mark.parametrize("stamp", ["", "now", "1e9", "-1", "١", "9" * 13, "\u00e9"])
    def test_a_stamp_that_is_no_time_is_forged_though_signed(self, provider, stamp):
        body = json.dumps(delivery("read")).encode()
        headers = {"x-request-timestamp": stamp, "x-request-signature": signature(body, stamp)}
        with pytest.raises(Forged):
            provider.events(Report("", headers, {}, body))

    @pytest.mark.parametrize("wrong", ["", "0" * 64, "\u00e9" * 64])
    def test_a_wrong_signature_is_forged(self, provider, wrong):
        with pytest.raises(Forged):
            provider.events(report(delivery("read"), **{"x-request-signature": wrong}))

    def test_the_signature_covers_the_body_and_the_stamp_and_is_made_with_our_token(self, provider):
        good = report(delivery("sent"))
        stamp = str(int(good.headers["x-request-timestamp"]) - 1)
        for changed in (
            replace(good, body=good.body.replace(b"sent", b"read")),
            replace(good, headers=good.headers | {"x-request-timestamp": stamp}),
            report(delivery("sent"), token="another"),
        ):
            with pytest.raises(Forged):
                provider.events(changed)
        assert provider.events(good)

    def test_without_a_token_nobody_signs(self, server):
        with pytest.raises(Forged):
            TelegramProvider("", server.url).events(report(delivery("read"), token=""))
        good = report(delivery("read"))
        stamp = good.headers["x-request-timestamp"]
        signed = hmac.new(b"", f"{stamp}\n".encode() + good.body, hashlib.sha256).hexdigest()
        with pytest.raises(Forged):
            TelegramProvider("", server.url).events(
                replace(good, headers=good.headers | {"x-request-signature": signed})
            )

    def test_the_token_is_checked_without_a_message_that_is_billed(self, provider, server):
        server.answers["/checkVerificationStatus"] = refusal("REQUEST_ID_INVALID")
        assert "token is good" in provider.check()
        assert [asked.path for asked in server.requests] == ["/checkVerificationStatus"]

    @pytest.mark.parametrize(
        ("answer", "error", "reason"),
        [
            (refusal("ACCESS_TOKEN_INVALID"), NotAccepted, "ACCESS_TOKEN_INVALID"),
            ((200, "<html>"), Unknown, "unreadable"),
            ((503, {}), NotAccepted, "503"),
        ],
    )
    def test_a_token_that_is_not_good_is_said_to_be_so(self, provider, server, answer, error, reason):
        server.answers["/checkVerificationStatus"] = answer
        with pytest.raises(error) as raised:
            provider.check()
        assert raised.value.reason == reason

    def test_its_connections_are_given_back(self, provider):
        provider.send(self.message)
        provider.close()
        assert not provider._http._session.adapters["http://"].poolmanager.pools
