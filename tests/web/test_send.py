"""Sending again: the same code while it can be sent, else a new one, by the channel that the person chooses."""

import base64
import json
import re
from unittest.mock import Mock

import altcha
import pytest

from otp_app import services, stores
from otp_app.providers.base import NotAccepted
from otp_app.providers.memory import MemoryProvider
from tests.factories import new_phone, other_than
from tests.web.visitor import text_of

pytestmark = pytest.mark.django_db

# Of a minute that has just begun, as much as a slow machine leaves of it.
A_MINUTE = r"(1 minute|[345]\d seconds)"


def challenges(visitor):
    """Return the challenge of each message, in order."""
    return [message.reference for message in visitor.outbox]


def test_while_a_code_is_open_the_same_one_comes_again(visitor, clock):
    visitor.ask()
    clock.advance(60)
    response = visitor.post("/login/1/send/?next=/a")
    assert (response.status_code, response["Location"]) == (302, "/login/1/?next=%2Fa")
    first, second = visitor.outbox
    assert (first.reference, first.code) == (second.reference, second.code)
    assert visitor.begun[0]["challenge_id"] == first.reference


def test_coming_to_the_address_of_a_send_sends_nothing(visitor, clock):
    visitor.ask()
    clock.advance(60)
    assert visitor.get("/login/1/send/")["Location"] == "/login/1/"
    assert len(visitor.outbox) == 1


@pytest.mark.parametrize("why", ["expired", "exhausted", "no sends left", "too little time"])
def test_where_the_old_code_is_of_no_use_a_new_one_comes(visitor, clock, settings, why):
    if why == "no sends left":
        settings.OTP_SENDS = 1
    visitor.ask()
    if why == "exhausted":
        for _ in range(5):
            visitor.enter(other_than(visitor.outbox[-1].code))
    clock.advance({"expired": 300, "too little time": 241}.get(why, 60))
    visitor.post("/login/1/send/")
    assert len(set(challenges(visitor))) == 2
    assert visitor.begun == [{**visitor.begun[0], "number": 1, "challenge_id": challenges(visitor)[1]}]
    assert visitor.enter().status_code == 302


def test_with_more_than_a_minute_left_it_is_still_the_same(visitor, clock):
    visitor.ask()
    clock.advance(200)
    visitor.post("/login/1/send/")
    assert len(set(challenges(visitor))) == 1


def test_a_new_code_may_be_given_more_time_again_and_the_same_may_not(visitor, clock):
    visitor.ask()
    visitor.post("/login/1/extend/")
    clock.advance(60)
    visitor.post("/login/1/send/")
    assert visitor.begun[0]["extended"] is True
    clock.advance(540)
    visitor.post("/login/1/send/")
    assert visitor.begun[0]["extended"] is False
    assert "Give me more time" in text_of(visitor.get("/login/1/"))


def test_it_may_come_by_another_way_and_the_page_says_so(visitor, clock, three_ways):
    page = visitor.ask()
    assert re.findall(r'name="channel" value="(\w+)"', page.content.decode()) == ["call", "telegram"]
    clock.advance(60)
    visitor.post("/login/1/send/", channel="call")
    assert [message.channel for message in visitor.outbox] == ["sms", "call"]
    page = visitor.get("/login/1/")
    assert "We are calling +998 90" in text_of(page)
    assert re.findall(r'name="channel" value="(\w+)"', page.content.decode()) == ["sms", "telegram"]


def test_the_ways_are_offered_of_an_expired_code_as_well(visitor, clock, three_ways):
    visitor.ask()
    clock.advance(300)
    page = visitor.get("/login/1/").content.decode()
    assert re.findall(r'name="channel" value="(\w+)"', page) == ["call", "telegram"]


def test_a_way_that_is_not_on_offer_is_refused_with_the_reason_and_nothing_is_sent(visitor, clock):
    visitor.ask()
    clock.advance(60)
    page = visitor.post("/login/1/send/", channel="pigeon")
    assert page.status_code == 400
    assert "The request is not of the documented form." in text_of(page)
    assert len(visitor.outbox) == 1


def test_too_soon_is_told_with_the_wait_and_the_code_can_still_be_entered(visitor):
    visitor.ask()
    page = visitor.post("/login/1/send/")
    assert page.status_code == 429
    assert 30 < int(page["Retry-After"]) <= 60
    assert "Too many tries." in text_of(page)
    assert re.search(rf"You can send again in {A_MINUTE}\.", text_of(page))
    assert "Try again" not in text_of(page)
    assert len(visitor.outbox) == 1
    assert visitor.enter().status_code == 302


def test_too_soon_is_told_where_the_code_is_of_no_more_use_as_well(visitor):
    visitor.ask()
    for _ in range(5):
        visitor.enter(other_than(visitor.outbox[-1].code))
    page = visitor.post("/login/1/send/")
    assert page.status_code == 429
    assert "Too many wrong tries. Get a new code." in text_of(page)
    assert re.search(rf"You can get a new code in {A_MINUTE}\.", text_of(page))
    assert text_of(page).count("Too many") == 1
    assert "Try again" not in text_of(page)
    assert len(visitor.outbox) == 1


def test_that_a_message_could_not_be_sent_again_is_told_once(visitor, clock, monkeypatch):
    visitor.ask()
    clock.advance(60)
    monkeypatch.setattr(MemoryProvider, "send", Mock(side_effect=NotAccepted("down")))
    page = visitor.post("/login/1/send/")
    assert page.status_code == 503
    assert text_of(page).count("could not be sent") == 1
    assert text_of(page).count("Try again") == 1
    assert "You can send again in 5 seconds." in text_of(page)


def test_what_refuses_a_code_is_told_with_its_own_wait(visitor, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    visitor.ask()
    visitor.enter(other_than(visitor.outbox[-1].code))
    page = visitor.enter()
    assert page.status_code == 429
    assert re.search(r"Too many tries\. Try again in (5\d|6[0-3]) minutes\.", text_of(page))
    assert re.search(rf"You can send again in {A_MINUTE}\.", text_of(page))


def test_too_many_from_one_place_are_told_on_the_first_page_with_the_wait(visitor, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 1
    visitor.ask()
    page = visitor.post(phone=new_phone())
    assert page.status_code == 429
    assert 82_000 < int(page["Retry-After"]) <= 90_000
    assert re.search(r"Too many tries\. Try again in 2[2-5] hours\.", text_of(page))
    assert len(visitor.outbox) == 1


def test_a_strangers_send_to_the_same_number_does_not_touch_the_pages_challenge(visitor, clock):
    visitor.ask()
    code, own = visitor.outbox[-1].code, visitor.begun[0]["challenge_id"]
    clock.advance(60)
    services.send_code(phone=visitor.phone)
    assert visitor.begun[0]["challenge_id"] == own
    assert stores.current().get(own).checks_left == 5
    assert visitor.enter(code).status_code == 302


class TestProof:
    """A suspicious send gets the page of the proof of work."""

    @pytest.fixture(autouse=True)
    def _wary(self, settings):
        settings.OTP_PROOFS = True
        settings.OTP_PROOF_COST = 1
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 2

    @pytest.fixture
    def suspect(self, visitor):
        """Use half of the amount of the client's network, so that the next send needs a proof of work."""
        visitor.ask(new_phone())
        return visitor

    def solution(self, page):
        (told,) = re.findall(r'<script id="task" type="application/json">(.*?)</script>', page.content.decode())
        task = altcha.Challenge.from_dict(json.loads(told))
        return altcha.Payload(task, altcha.solve_challenge(task)).to_base64()

    def test_the_page_holds_the_task_and_what_was_asked_and_nothing_is_sent(self, suspect):
        page = suspect.post("/login/?next=/a", phone=suspect.phone)
        html = page.content.decode()
        assert page.status_code == 403
        assert "Your browser solves a small task" in text_of(page)
        assert f'type="hidden" name="phone" value="{suspect.phone}"' in html
        assert 'name="channel"' not in html
        assert len(suspect.outbox) == 1

    def test_the_same_request_with_the_solution_is_answered(self, suspect):
        page = suspect.post("/login/?next=/a", phone=suspect.phone)
        response = suspect.post("/login/?next=/a", phone=suspect.phone, proof=self.solution(page))
        assert (response.status_code, response["Location"]) == (302, "/login/2/?next=%2Fa")
        assert suspect.outbox[-1].to == suspect.phone

    @pytest.mark.parametrize("proof", ["", "nonsense", base64.b64encode(b"{}").decode()])
    def test_what_is_no_solution_gets_another_task(self, suspect, proof):
        first = suspect.post(phone=suspect.phone)
        second = suspect.post(phone=suspect.phone, proof=proof)
        assert second.status_code == 403
        assert self.solution(first) != self.solution(second)
        assert len(suspect.outbox) == 1

    def test_a_solution_is_good_for_one_send(self, suspect, settings):
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 4
        suspect.ask(new_phone())
        proof = self.solution(suspect.post(phone=suspect.phone))
        suspect.ask(proof=proof)
        assert suspect.post(phone=new_phone(), proof=proof).status_code == 403

    def test_sending_again_may_need_one_too_and_remembers_the_way(self, suspect, clock, three_ways):
        clock.advance(60)
        page = suspect.post("/login/1/send/?next=/a", channel="call")
        html = page.content.decode()
        assert page.status_code == 403
        assert 'type="hidden" name="channel" value="call"' in html
        assert 'name="phone"' not in html
        response = suspect.post("/login/1/send/?next=/a", channel="call", proof=self.solution(page))
        assert (response.status_code, response["Location"]) == (302, "/login/1/?next=%2Fa")
        assert [message.channel for message in suspect.outbox] == ["sms", "call"]


class TestAnotherWay:
    """Who is refused gets the channel that costs nothing, or the wait."""

    @pytest.fixture(autouse=True)
    def _wary(self, settings):
        memory = "otp_app.providers.memory.MemoryProvider"
        providers = [{"ALIAS": "dear", "BACKEND": memory}, {"ALIAS": "free", "BACKEND": memory, "PRICE": 0}]
        settings.OTP_PROVIDERS, settings.OTP_PROOFS = providers, True
        settings.OTP_ROUTES = {"*": {"sms": ["dear"], "telegram": ["free"]}}
        settings.OTP_UNCONVERTED_PER_NETWORK_DAY = 2

    @pytest.fixture
    def suspect(self, visitor):
        visitor.ask(new_phone())
        return visitor

    def offered(self, page):
        """Return the buttons that stand in no form of their own, as (form, name, value)."""
        return re.findall(r'<button [^>]*form="([\w-]+)" name="(\w+)" value="(\w+)"', page.content.decode())

    def test_a_browser_that_solves_no_task_gets_the_free_channel(self, suspect):
        page = suspect.post(phone=suspect.phone)
        assert page.status_code == 403
        assert "You can get the code another way now: Telegram" in text_of(page)
        assert self.offered(page) == [("proof-form", "channel", "telegram")]
        response = suspect.post(phone=suspect.phone, proof="", channel="telegram")
        assert response.status_code == 302
        assert (suspect.outbox[-1].to, suspect.outbox[-1].channel) == (suspect.phone, "telegram")

    def test_where_there_is_none_it_gets_the_wait(self, suspect, settings):
        settings.OTP_ROUTES = {"*": {"sms": ["dear"]}}
        page = suspect.post(phone=suspect.phone)
        assert self.offered(page) == [("proof-form", "proof", "none")]
        assert "See how long to wait instead" in text_of(page)
        page = suspect.post(phone=suspect.phone, proof="none")
        assert page.status_code == 429
        assert re.search(r"Too many tries\. Try again in 2[2-5] hours\.", text_of(page))
        assert self.offered(page) == []

    def test_who_is_limited_on_the_first_page_gets_the_free_channel(self, suspect, settings):
        settings.OTP_PROOFS = False
        suspect.ask(new_phone())
        page = suspect.post(phone=suspect.phone)
        assert page.status_code == 429
        assert self.offered(page) == [("phone-form", "channel", "telegram")]
        assert suspect.post(phone=suspect.phone, channel="telegram").status_code == 302

    def test_who_is_limited_while_a_code_is_open_gets_it_beside_the_reason_and_no_second_time(
        self, suspect, settings, clock
    ):
        settings.OTP_PROOFS = False
        suspect.ask(new_phone())
        clock.advance(60)
        page = suspect.post("/login/1/send/")
        assert page.status_code == 429
        assert self.offered(page) == [("resend", "channel", "telegram")]
        assert page.content.decode().count('value="telegram"') == 1
        assert suspect.post("/login/1/send/", channel="telegram").status_code == 302
        assert suspect.outbox[-1].channel == "telegram"

    def test_what_cannot_be_served_another_way_is_not_offered_one(self, visitor):
        visitor.ask()
        page = visitor.post("/login/1/send/")
        assert page.status_code == 429
        assert self.offered(page) == []
        assert "another way now" not in text_of(page)


def test_a_browser_that_has_lost_its_device_cookie_gets_a_new_code_instead_of_a_dead_end(visitor, clock):
    visitor.sign_in()
    visitor.post("/account/sign-out/")
    clock.advance(60)
    visitor.ask()
    del visitor.client.cookies["__Host-otp_device"]
    clock.advance(60)
    assert visitor.post("/login/1/send/").status_code == 302
    *_, lost, new = challenges(visitor)
    assert new != lost
    assert visitor.begun[0]["challenge_id"] == new


def test_the_code_field_is_not_called_wrong_for_a_send_that_came_too_soon(visitor):
    visitor.ask()
    page = visitor.post("/login/1/send/")
    assert page.status_code == 429
    assert 'aria-invalid="true"' not in page.content.decode()
