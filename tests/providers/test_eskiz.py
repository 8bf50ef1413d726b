"""Eskiz."""

import json
import logging
from dataclasses import replace
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.core.cache import cache

from otp_app.providers import eskiz
from otp_app.providers.base import Forged, NotAccepted, ProviderError, Report, Unknown, Unreachable, Unsuited
from otp_app.providers.eskiz import EskizProvider
from otp_app.testing.contracts.providers import MESSAGE, RestContract

TOLD = {
    "request_id": "59bf10a2-aba8-4694-8fd5-0be20102a580",
    "message_id": "4385062",
    "user_sms_id": "",
    "country": "UZ",
    "phone_number": "998901234567",
    "sms_count": "2",
    "status": "DELIVRD",
    "status_date": "2021-04-02 00:39:36",
}
SENT = (200, {"id": TOLD["request_id"], "message": "Waiting for SMS provider", "status": "waiting"})


def login(token="token-1"):
    return (200, {"message": "token_generated", "data": {"token": token}, "token_type": "bearer"})


def only(token, answer=SENT):
    """An answer for who holds this token, 401 for all others."""
    return lambda asked: (
        answer if asked.headers["authorization"] == f"Bearer {token}" else (401, {"message": "Expired"})
    )


def report(told, secret="s&cret"):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return Report(MESSAGE.callback, {}, {"id": MESSAGE.id, "secret": secret}, body)


class Broken:
    """A cache that is away."""

    def get(self, *args):
        raise ConnectionError("no cache")

    set = get


class TestEskiz(RestContract):
    good: ClassVar = {"/auth/login": login(), "/message/sms/send": SENT}
    sends = "/message/sms/send"
    reference = TOLD["request_id"]

    @pytest.fixture(autouse=True)
    def fresh(self):
        cache.clear()
        yield
        cache.clear()

    @pytest.fixture
    def make(self):
        return lambda url: EskizProvider("it@example.com", "password", base_url=url, secret="s&cret")

    def test_the_request_is_theirs(self, provider, server):
        provider.send(MESSAGE)
        asked, sent = server.requests
        assert asked.form == {"email": "it@example.com", "password": "password"}
        assert sent.headers["authorization"] == "Bearer token-1"
        callback = sent.form["callback_url"]
        assert sent.form == {
            "mobile_phone": "998901234567",
            "message": MESSAGE.body,
            "from": "4546",
            "callback_url": callback,
        }
        assert callback.startswith(MESSAGE.callback)
        assert dict(parse_qsl(urlsplit(callback).query)) == {"id": MESSAGE.id, "secret": "s&cret"}

    @pytest.mark.parametrize(("secret", "callback"), [("", MESSAGE.callback), ("s&cret", "")])
    def test_no_reports_are_asked_for_that_could_not_be_known_or_not_come(self, server, secret, callback):
        provider = EskizProvider("it@example.com", "password", base_url=server.url, secret=secret)
        provider.send(replace(MESSAGE, callback=callback))
        assert "callback_url" not in server.asked(self.sends)[0].form

    def test_a_number_abroad_is_not_asked_of_it(self, provider, server):
        with pytest.raises(Unsuited, match="not_uzbek"):
            provider.send(replace(MESSAGE, to="+77011234567"))
        assert not server.requests

    @pytest.mark.parametrize(
        ("sentence", "error", "reason"),
        [
            ("Этот смс текст еще не прошёл модерацию. Сначала добавьте его", NotAccepted, "template_not_approved"),
            ("Для теста можно использовать только один из этих текстов", NotAccepted, "test_account"),
            ("mobile_phone is invalid", Unreachable, "mobile_phone"),
            ("Недостаточно средств", NotAccepted, "balance"),
            ("Your balance is too low", NotAccepted, "balance"),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400, 422])
    def test_a_refusal_that_is_understood_has_a_reason(self, provider, server, sentence, error, reason, status):
        server.answers[self.sends] = (status, {"status": "error", "message": sentence})
        with pytest.raises(error) as raised:
            provider.send(MESSAGE)
        assert type(raised.value) is error
        assert raised.value.reason == reason

    @pytest.mark.parametrize(
        ("status", "error", "reason"), [(200, NotAccepted, "refused"), (400, NotAccepted, "400"), (500, Unknown, "500")]
    )
    def test_another_refusal_is_its_status_and_never_its_sentence(self, provider, server, status, error, reason):
        server.answers[self.sends] = (status, {"status": "error", "message": f"not {MESSAGE.body} to {MESSAGE.to}"})
        with pytest.raises(error) as raised:
            provider.send(MESSAGE)
        assert raised.value.reason == reason

    def test_a_sentence_beside_a_servers_failure_is_no_refusal(self, provider, server):
        server.answers[self.sends] = (500, {"message": "mobile_phone is invalid"})
        with pytest.raises(Unknown):
            provider.send(MESSAGE)

    @pytest.mark.parametrize("told", [{"status": "waiting"}, {"id": None}, {"id": []}])
    def test_a_yes_without_an_id_is_unclear(self, provider, server, told):
        server.answers[self.sends] = (200, told)
        with pytest.raises(Unknown, match="unreadable"):
            provider.send(MESSAGE)

    def test_one_login_serves_all_messages_of_a_process(self, provider, server, monkeypatch):
        provider.send(MESSAGE)
        monkeypatch.setattr(eskiz, "cache", Broken())  # not even the cache is asked again
        provider.send(MESSAGE)
        assert len(server.asked("/auth/login")) == 1

    def test_and_of_all_processes_that_share_a_cache(self, provider, server, make):
        provider.send(MESSAGE)
        make(server.url).send(MESSAGE)
        assert len(server.asked("/auth/login")) == 1

    def test_another_account_logs_in_for_itself(self, provider, server):
        provider.send(MESSAGE)
        for email, password in (("other@example.com", "password"), ("it@example.com", "changed")):
            EskizProvider(email, password, base_url=server.url).send(MESSAGE)
        assert len(server.asked("/auth/login")) == 3

    def test_a_cache_that_is_away_costs_a_login_and_nothing_else(self, server, make, monkeypatch):
        monkeypatch.setattr(eskiz, "cache", Broken())
        assert make(server.url).send(MESSAGE).reference == self.reference
        assert len(server.asked("/auth/login")) == 1

    def test_a_refused_token_is_changed_once_and_the_message_sent_with_the_new_one(self, provider, server):
        provider.send(MESSAGE)
        server.answers |= {"/auth/login": login("token-2"), self.sends: only("token-2")}
        assert provider.send(MESSAGE).reference == self.reference
        assert [asked.headers["authorization"] for asked in server.asked(self.sends)] == [
            "Bearer token-1",
            "Bearer token-1",
            "Bearer token-2",
        ]

    def test_a_refused_token_is_changed_for_one_that_another_process_has_got(self, provider, server, make):
        provider.send(MESSAGE)
        server.answers |= {"/auth/login": login("token-2"), self.sends: only("token-2")}
        make(server.url).send(MESSAGE)
        provider.send(MESSAGE)
        assert len(server.asked("/auth/login")) == 2

    def test_a_token_that_is_refused_again_is_not_tried_a_third_time(self, provider, server):
        server.answers[self.sends] = (401, {})
        with pytest.raises(NotAccepted, match="401"):
            provider.send(MESSAGE)
        assert len(server.asked(self.sends)) == 2
        assert len(server.asked("/auth/login")) == 2

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ((401, {"message": "invalid_credentials"}), "login_401"),
            ((500, {}), "login_500"),
            ((302, {}, {"Location": "/"}), "login_302"),
            ((200, "<html>"), "login_no_token"),
            ((200, []), "login_no_token"),
            ((200, {"data": "blocked"}), "login_no_token"),
            ((200, {"data": {"token": ""}}), "login_no_token"),
            ((200, {"data": {"token": "two\r\nheaders"}}), "login_no_token"),
            ((200, {"data": {"token": 7}}), "login_no_token"),
            ((400, {"data": {"token": "token-1"}}), "login_400"),
            ("cut", "login_connection_lost"),
            ("reset", "login_connection_lost"),
        ],
    )
    def test_a_login_that_fails_in_any_way_has_carried_no_message(self, provider, server, answer, reason):
        server.answers["/auth/login"] = answer
        with pytest.raises(NotAccepted) as raised:
            provider.send(MESSAGE)
        assert raised.value.reason == reason
        assert raised.value.__suppress_context__ or raised.value.__context__ is None
        assert not server.asked(self.sends)

    def test_a_login_that_hangs_is_a_login_that_failed(self, provider, server, monkeypatch):
        monkeypatch.setattr("otp_app.providers.http.READ_TIMEOUT", 0.2)
        server.answers["/auth/login"] = "hang"
        with pytest.raises(NotAccepted, match="login_timeout"):
            provider.send(MESSAGE)

    def test_after_a_slow_login_nothing_is_begun_that_would_not_end_in_time(self, provider, server, monkeypatch):
        monkeypatch.setattr(eskiz, "MAX_LOGIN_SECONDS", 0)
        with pytest.raises(NotAccepted, match="login_slow"):
            provider.send(MESSAGE)
        assert not server.asked(self.sends)
        monkeypatch.undo()
        provider.send(MESSAGE)
        assert len(server.asked("/auth/login")) == 1

    def test_neither_password_nor_token_is_told_to_anybody(self, provider, server, caplog):
        caplog.set_level(logging.DEBUG)
        server.answers[self.sends] = [SENT, (401, {}), (400, {"message": "no"})]
        provider.send(MESSAGE)
        with pytest.raises(NotAccepted) as raised:
            provider.send(MESSAGE)
        for told in (caplog.text, repr(raised.value), repr(provider)):
            assert "token-1" not in told
            assert "password" not in told

    def test_what_the_cache_keeps_gives_neither_token_nor_account(self, provider):
        provider.send(MESSAGE)
        kept = cache.get(provider._cache_key)
        assert b"token-1" not in kept
        assert eskiz._opened(kept, provider._cache_key) == "token-1"
        assert "example" not in provider._cache_key

    def test_the_same_token_looks_different_in_another_place(self):
        assert eskiz._sealed(b"token", "one")[32:] != eskiz._sealed(b"token", "other")[32:]

    @pytest.mark.parametrize(
        "spoil",
        [lambda kept: kept[:-1] + bytes([kept[-1] ^ 1]), lambda kept: b"", lambda kept: "token", lambda kept: 7],
    )
    def test_what_was_changed_in_the_cache_is_not_believed(self, provider, server, make, spoil):
        provider.send(MESSAGE)
        cache.set(provider._cache_key, spoil(cache.get(provider._cache_key)))
        make(server.url).send(MESSAGE)
        assert len(server.asked("/auth/login")) == 2
        assert {asked.headers["authorization"] for asked in server.asked(self.sends)} == {"Bearer token-1"}

    def test_what_was_sealed_for_another_account_is_not_believed(self, provider, server, make):
        cache.set(provider._cache_key, eskiz._sealed(b"theirs", "otp_app.eskiz.another"))
        provider.send(MESSAGE)
        assert server.asked(self.sends)[0].headers["authorization"] == "Bearer token-1"

    def test_a_new_secret_key_costs_a_login(self, provider, server, make, settings):
        provider.send(MESSAGE)
        kept, place = cache.get(provider._cache_key), provider._cache_key
        settings.SECRET_KEY = "another one, " + 50 * "y"
        assert eskiz._opened(kept, place) == ""
        make(server.url).send(MESSAGE)
        assert len(server.asked("/auth/login")) == 2

    def test_the_token_is_kept_for_less_than_its_life(self, provider, monkeypatch):
        lives = []
        monkeypatch.setattr(cache, "set", lambda place, kept, life: lives.append(life), raising=False)
        provider.send(MESSAGE)
        assert 86400 < lives[0] < 30 * 86400

    @pytest.mark.parametrize(
        ("words", "status"),
        [
            (("NEW", "STORED", "ACCEPTED", "PARTDELIVERED", "UNKNOWN", "ENROUTE"), "sent"),
            (("DELIVERED", "DELIVRD", "delivered"), "delivered"),
            (("UNDELIV", "UNDELIVERABLE", "EXPIRED"), "undelivered"),
            (("REJECTED", "REJECTD", "DELETED"), "failed"),
        ],
    )
    def test_each_word_of_a_report_is_one_of_ours(self, provider, words, status):
        for word in words:
            (event,) = provider.events(report(TOLD | {"status": word}))
            assert event.status == status
            assert event.error == (word if status in ("undelivered", "failed") else "")
            assert not event.rejected

    @pytest.mark.parametrize("body", [json.dumps(TOLD).encode(), urlencode(TOLD).encode()])
    def test_a_report_is_json_or_a_form(self, provider, body):
        (event,) = provider.events(report(body))
        assert (event.reference, event.id, event.segments) == (TOLD["request_id"], MESSAGE.id, 2)
        assert event.raw == {key: TOLD[key] for key in TOLD if key not in ("user_sms_id", "phone_number")}

    @pytest.mark.parametrize(("told", "segments"), [(3, 3), ("٣", 0), ("many", 0), (None, 0), ("100", 0), (-1, 0)])
    def test_segments_are_a_small_number_or_not_said(self, provider, told, segments):
        (event,) = provider.events(report(TOLD | {"sms_count": told}))
        assert event.segments == segments

    def test_an_unfamiliar_word_is_acknowledged(self, provider):
        assert provider.events(report(TOLD | {"status": "DREAMT"})) == ()

    @pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"7", b"{}", b"a=b", b"[" * 100_000])
    def test_a_report_without_sense_is_said_to_be_one(self, provider, body):
        with pytest.raises(ValueError):  # noqa: PT011 - the JSON decoder's own words count too
            provider.events(report(body))

    def test_without_a_secret_of_ours_no_report_is_believed(self):
        for secret in ("", "s&cret"):
            with pytest.raises(Forged):
                EskizProvider("it@example.com", "password").events(report(TOLD, secret))

    def test_the_balance_is_asked_with_the_same_token(self, provider, server):
        server.answers["/user/get-limit"] = (200, {"data": {"balance": 4885}, "status": "success"})
        assert "4885" in provider.check()
        assert server.asked("/user/get-limit")[0].headers["authorization"] == "Bearer token-1"

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [((401, {}), "401"), ((500, {}), "500"), ((200, []), "no_balance"), ((200, {"data": {}}), "no_balance")],
    )
    def test_a_balance_that_is_not_told_is_an_error(self, provider, server, answer, reason):
        server.answers["/user/get-limit"] = answer
        with pytest.raises(ProviderError, match=reason):
            provider.check()

    def test_its_connections_are_given_back(self, provider):
        provider.send(MESSAGE)
        provider.close()
        assert not provider._http._session.adapters["http://"].poolmanager.pools
