"""An enabled button works, and a wait is never longer than the code lives that it leads to."""

import re
from unittest.mock import Mock

import pytest

from otp_app.models import Delivery
from otp_app.providers.base import Rejected
from otp_app.providers.memory import MemoryProvider
from otp_app.web import resend_timing
from otp_app.web.resend_timing import ResendTiming
from tests.factories import new_phone, other_than
from tests.web.test_texts import state
from tests.web.visitor import text_of

pytestmark = pytest.mark.django_db

RELOAD = "Load this page again to see whether the wait is over"


def buttons(page):
    """Return the names of the buttons that send, and whether each is enabled."""
    (form,) = re.findall(r'(?s)<form[^>]* id="resend".*?</form>', page.content.decode())
    found = re.findall(r"<button([^>]*)>(.*?)</button>", form)
    return {name: " disabled" not in how for how, name in found}


def reached_nobody():
    Delivery.objects.update(status=Delivery.Status.UNDELIVERED)


@pytest.fixture
def thrice(visitor, clock, three_ways):
    """Return a visitor who has had the code sent three times, as early as allowed: it expires in two minutes."""
    visitor.ask()
    for wait in (60, 120):
        clock.advance(wait)
        assert visitor.post("/login/1/send/").status_code == 302
    return visitor


def test_while_a_send_would_be_refused_its_buttons_are_off_with_the_reason_and_a_way_to_look_again(
    visitor, clock, three_ways
):
    page = visitor.ask(query="?next=/a")
    assert buttons(page) == {"Send again": False, "Phone call": False, "Telegram": False}
    assert re.search(r"You can send again in (1 minute|5\d seconds)\.", text_of(page))
    assert re.search(rf'<noscript>.*href="/login/1/\?next=%2Fa">{RELOAD}</a>.*</noscript>', page.content.decode())
    clock.advance(60)
    page = visitor.get("/login/1/")
    assert buttons(page) == {"Send again": True, "Phone call": True, "Telegram": True}
    assert "You can send again in" not in text_of(page).partition("Load")[0]
    assert RELOAD not in text_of(page)


def test_after_the_third_send_a_new_code_is_promised_and_that_the_old_one_ends_before(thrice, clock):
    page = thrice.get("/login/1/")
    told = r"The code you have expires in (2 minutes|1 minute)\. You can get a new one in 5 minutes\."
    assert re.search(told, text_of(page))
    assert buttons(page) == {"Send a new code": False, "Phone call": False, "Telegram": False}
    assert thrice.post("/login/1/send/").status_code == 429


def test_with_more_time_the_old_code_is_valid_until_then(thrice):
    thrice.post("/login/1/extend/")
    text = text_of(thrice.get("/login/1/"))
    assert "You can get a new code in 5 minutes. Until then the one you have is valid." in text


def test_when_that_code_has_expired_the_buttons_are_off_until_they_work(thrice, clock):
    clock.advance(130)
    page = thrice.get("/login/1/")
    assert "The code has expired." in text_of(page)
    assert buttons(page) == {"Send a new code": False, "Phone call": False, "Telegram": False}
    assert "You can get a new code in 3 minutes." in text_of(page)
    assert thrice.post("/login/1/send/").status_code == 429
    clock.advance(170)
    page = thrice.get("/login/1/")
    assert buttons(page) == {"Send a new code": True, "Phone call": True, "Telegram": True}
    assert thrice.post("/login/1/send/", channel="call").status_code == 302
    assert len({message.reference for message in thrice.outbox}) == 2


def test_a_code_that_can_be_tried_no_more_waits_as_well(visitor, clock):
    visitor.ask()
    for _ in range(5):
        page = visitor.enter(other_than(visitor.outbox[-1].code))
    assert buttons(page) == {"Send a new code": False}
    clock.advance(60)
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": True}
    assert visitor.post("/login/1/send/").status_code == 302


def test_a_code_that_ends_soon_is_replaced_and_the_button_says_so(visitor, clock, three_ways):
    visitor.ask()
    clock.advance(241)
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": True, "Phone call": True, "Telegram": True}


def test_after_a_message_that_reached_nobody_another_way_is_open_at_once(visitor, three_ways):
    visitor.ask()
    reached_nobody()
    page = visitor.get("/login/1/")
    assert buttons(page) == {"Send again": False, "Phone call": True, "Telegram": True}
    assert visitor.post("/login/1/send/").status_code == 429
    assert visitor.post("/login/1/send/", channel="call").status_code == 302
    assert [message.channel for message in visitor.outbox] == ["sms", "call"]
    assert buttons(visitor.get("/login/1/")) == {"Send again": False, "Text message": False, "Telegram": False}


def test_but_not_where_it_would_bring_a_new_code(thrice):
    reached_nobody()
    assert buttons(thrice.get("/login/1/")) == {"Send a new code": False, "Phone call": False, "Telegram": False}
    assert thrice.post("/login/1/send/", channel="call").status_code == 429


def test_for_as_long_as_a_send_was_refused_the_buttons_are_off_whatever_refused_it(visitor, clock, settings):
    settings.OTP_UNCONVERTED_PER_SUBNET_DAY = 2
    visitor.ask()
    visitor.ask(new_phone())
    clock.advance(60)
    page = visitor.post("/login/1/send/")
    assert page.status_code == 429
    assert buttons(page) == {"Send a new code": False}
    clock.advance(250)  # the code has expired: also then, and however often the page is loaded
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": False}


def test_a_number_that_gets_nothing_is_not_sent_to_again_where_there_is_no_other_way(visitor, clock, monkeypatch):
    visitor.ask()
    clock.advance(61)
    monkeypatch.setattr(MemoryProvider, "send", Mock(side_effect=Rejected("21610")))
    assert visitor.post("/login/1/send/").status_code == 400
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": False}


def test_the_script_is_told_the_same_as_the_page(visitor, three_ways):
    visitor.ask()
    reached_nobody()
    told = visitor.get("/login/1/state/").json()
    assert (told["switch_in"], told["resend_in"] > 50, told["same_for"] > 230) == (0, True, True)
    page = visitor.get("/login/1/").content.decode()
    assert 'data-switch-in="0"' in page


def test_the_lane_of_a_known_device_is_looked_at_for_a_code_that_has_expired(visitor, clock, settings):
    settings.OTP_WAITS = (600,)
    visitor.sign_in()
    visitor.post("/account/sign-out/")
    visitor.ask()
    clock.advance(300)
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": False}
    del visitor.client.cookies["__Host-otp_device"]
    assert buttons(visitor.get("/login/1/")) == {"Send a new code": True}


@pytest.mark.parametrize(
    ("values", "same_for"),
    [({}, 240), ({"expires_in": 61}, 1), ({"expires_in": 60}, 0), ({"sends_left": 0}, 0), ({"checks_left": 0}, 0)],
)
def test_how_long_a_send_brings_the_same_code(values, same_for):
    assert resend_timing.for_open(state(**values)).same_for == same_for


@pytest.mark.parametrize(
    ("resend_in", "same_for", "left", "kind"),
    [(60, 240, 300, "again"), (240, 240, 300, "valid"), (60, 0, 61, "valid"), (60, 0, 60, "sooner"), (60, 0, 0, "new")],
)
def test_which_sentence_is_true_of_a_wait(resend_in, same_for, left, kind):
    assert ResendTiming(resend_in, 0, same_for).wait_kind(left) == kind
