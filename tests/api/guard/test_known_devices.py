"""A device that signed in before has a budget of its own."""

import pytest
from django.test import Client

from otp_app.accounts import devices
from otp_app.limits import request_limits
from otp_app.models import ChallengeRow
from tests.api.guard.client import HOUR, MINUTE, code, post, send, used, verify
from tests.factories import new_phone, other_than

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

SESSIONS = "otp_app.tokens.session.SessionTokens"


class TestDevice:
    @pytest.fixture
    def phone(self):
        return new_phone()

    @pytest.fixture
    def device(self, phone, signed_in, clock):
        device = signed_in(phone)["device"]
        clock.advance(HOUR)
        return device

    def spaced(self, clock, call, times):
        """Call several times, twenty minutes apart, so that no wait between sends refuses a call."""
        answers = []
        for _ in range(times):
            answers.append(call())
            clock.advance(20 * MINUTE)
        return answers

    def test_verify_gives_one_that_is_known_from_then_on(self, phone, device):
        assert devices.recognise(phone, device)
        assert code(send(phone, device=device)) == "sent"
        assert ChallengeRow.objects.latest("created_at").device == devices.recognise(phone, device)

    def test_signing_in_again_with_it_keeps_it(self, phone, device, signed_in, clock):
        assert signed_in(phone, device=device)["device"] == device
        clock.advance(24 * 3600)
        again = signed_in(phone, device=device)["device"]
        assert again != device
        assert devices.recognise(phone, again) == devices.recognise(phone, device)

    def test_after_strangers_used_up_a_days_sends_it_still_has_five(self, phone, device, clock):
        strangers = self.spaced(clock, lambda: send(phone), 10)  # the first sign-in was one of a stranger too
        assert [code(answer) for answer in strangers] == ["sent"] * 9 + ["limited"]
        mine = self.spaced(clock, lambda: send(phone, device=device), 6)
        assert [code(answer) for answer in mine] == ["sent"] * 5 + ["limited"]

    def test_after_strangers_used_up_a_days_failures_it_still_signs_in(self, phone, device, clock, outbox):
        for _ in range(4):
            challenge_id = send(phone).json()["challenge_id"]
            for _ in range(5):
                verify(phone, other_than(outbox[-1].code), challenge_id=challenge_id)
            clock.advance(20 * MINUTE)
        assert code(send(phone)) == "limited"
        assert used(request_limits.for_send(phone, None, checks=5), "failures_per_phone_day", phone) == 20
        assert code(send(phone, device=device)) == "sent"
        for _ in range(4):
            assert verify(phone, other_than(outbox[-1].code), device=device).status_code == 400
        assert verify(phone, outbox[-1].code, device=device).status_code == 200

    def test_its_own_failures_are_ten_a_day(self, phone, device, clock, outbox):
        for _ in range(2):
            assert code(send(phone, device=device)) == "sent"
            for _ in range(5):
                verify(phone, other_than(outbox[-1].code), device=device)
            clock.advance(20 * MINUTE)
        assert code(send(phone, device=device)) == "limited"
        assert code(send(phone)) == "sent"  # the lane of strangers has not been touched

    def test_a_stranger_cannot_use_its_challenge_by_the_phone_alone(self, phone, device, outbox):
        send(phone, device=device)
        right = outbox[-1].code
        for guess in (right, other_than(right), right):
            assert verify(phone, guess).json()["code"] == "invalid_or_expired_code"
        assert ChallengeRow.objects.latest("created_at").checks_left == 5
        assert verify(phone, right, device=device).status_code == 200

    def test_the_challenge_of_a_stranger_does_not_come_between(self, phone, device, outbox, clock):
        send(phone, device=device)
        right = outbox[-1].code
        clock.advance(MINUTE)
        assert code(send(phone)) == "sent"
        assert verify(phone, right, device=device).status_code == 200

    def test_the_device_of_another_phone_is_a_stranger(self, device):
        phone = new_phone()
        assert code(send(phone, device=device)) == "sent"
        assert ChallengeRow.objects.get(phone=phone).device == ""

    def test_a_value_that_is_none_is_no_error(self, phone, outbox):
        assert code(send(phone, device="x" * 256)) == "sent"
        assert verify(phone, outbox[-1].code, device="\ud800").status_code == 200

    def test_signing_out_keeps_it(self, phone, signed_in, clock):
        done = signed_in(phone)
        assert post("logout", {}, authorization=f"Bearer {done['token']}").status_code == 204
        assert devices.recognise(phone, done["device"])

    def test_signing_out_everywhere_ends_it_and_all_tokens(self, phone, signed_in, clock):
        first = signed_in(phone)
        clock.advance(HOUR)
        second = signed_in(phone, device=first["device"])
        assert post("logout-everywhere", {}, authorization=f"Bearer {second['token']}").status_code == 204
        for done in (first, second):
            assert devices.recognise(phone, done["device"]) == ""
            assert Client().get("/api/me/", headers={"authorization": f"Bearer {done['token']}"}).status_code == 401
        clock.advance(HOUR)
        assert devices.recognise(phone, signed_in(phone, device=first["device"])["device"])

    def test_signing_out_everywhere_ends_all_sessions_too(self, phone, settings, clock, outbox):
        settings.OTP_TOKEN_BACKEND = SESSIONS
        browsers, given = [Client(), Client()], []
        for browser in browsers:
            send(phone, client=browser)
            given.append(verify(phone, outbox[-1].code, client=browser).json()["device"])
            clock.advance(HOUR)
        assert [browser.get("/api/me/").status_code for browser in browsers] == [200, 200]
        assert post("logout-everywhere", {}, client=browsers[0]).status_code == 204
        assert [browser.get("/api/me/").status_code for browser in browsers] == [401, 401]
        assert [devices.recognise(phone, device) for device in given] == ["", ""]
