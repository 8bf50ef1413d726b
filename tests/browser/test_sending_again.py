"""Buttons that send are disabled, with the reason, exactly while the send would be refused."""

import re

import pytest

from .person import A_MOMENT_SECONDS
from .states import report


def buttons(page):
    """Return the names of the buttons that send, and whether each is enabled."""
    return {each.inner_text(): each.is_enabled() for each in page.locator("#resend button").all()}


def send_again(somebody, service, *waits):
    for wait in waits:
        service.clock.advance(wait)
        somebody.come(somebody.path)
        somebody.page.locator("#again").click()
        somebody.page.wait_for_load_state()
    return somebody


@pytest.fixture
def thrice(person, service):
    """Return a person who had the code sent three times: it expires in two minutes, and the wait is five."""
    return send_again(person().begin(), service, 60, 120)


def test_a_wait_that_is_longer_than_the_code_lives_is_told_as_what_it_is(thrice):
    told = thrice.page.locator("#wait").inner_text()
    assert re.match(r"The code you have expires in (2:00|1:[3-5]\d)\. You can get a new one in [45]:\d\d\.$", told)
    assert buttons(thrice.page) == {"Send a new code": False, "Phone call": False, "Telegram": False}


def test_more_time_makes_the_code_outlive_the_wait_and_the_page_says_so(thrice, service):
    thrice.wait(95)
    thrice.page.locator("#extend:visible button").click()
    thrice.sees("Until then the one you have is valid.")


def test_when_the_code_has_expired_the_wait_goes_on_and_the_buttons_come_on_by_themselves(thrice, service):
    page = thrice.page
    service.clock.advance(130)
    thrice.come(thrice.path)
    thrice.sees("The code has expired.")
    assert page.locator("#wait").inner_text().startswith("You can get a new code in 2:")
    assert buttons(page) == {"Send a new code": False, "Phone call": False, "Telegram": False}
    service.clock.advance(170)
    page.clock.run_for(171_000)
    assert buttons(page) == {"Send a new code": True, "Phone call": True, "Telegram": True}
    assert page.locator("#wait").inner_text() == ""
    before = thrice.code()
    page.locator("#again").click()
    page.wait_for_selector("#code")
    assert thrice.code() != before


def test_a_message_that_reached_nobody_opens_the_other_ways_without_a_reload(person, service):
    somebody = person().begin()
    page = somebody.page
    assert buttons(page) == {"Send again": False, "Phone call": False, "Telegram": False}
    report(service, somebody.phone, "undelivered")
    somebody.wait(A_MOMENT_SECONDS)
    page.locator("button[value=call]:enabled").wait_for()
    assert buttons(page) == {"Send again": False, "Phone call": True, "Telegram": True}
    page.locator("button[value=call]").click()
    somebody.sees("A voice reads you a code.")
    assert [message["channel"] for message in somebody.messages()] == ["sms", "call"]
    assert buttons(page) == {"Send again": False, "Text message": False, "Telegram": False}


def test_a_code_that_comes_to_its_end_is_replaced_and_the_button_says_so_in_time(person, service):
    somebody = person().begin()
    somebody.wait(245)
    somebody.page.locator("#again:enabled", has_text="Send a new code").wait_for()


def test_without_javascript_a_link_looks_whether_the_wait_is_over(person, service):
    somebody = person(java_script_enabled=False).begin()
    page = somebody.page
    assert buttons(page) == {"Send again": False, "Phone call": False, "Telegram": False}
    service.clock.advance(60)
    page.click("noscript a")
    assert buttons(page) == {"Send again": True, "Phone call": True, "Telegram": True}
    page.click("#again")
    page.wait_for_load_state()
    assert len(somebody.messages()) == 2


@pytest.mark.parametrize("script", [True, False])
def test_a_code_that_was_asked_for_in_another_browser_is_entered_here(person, script):
    there = person().begin()
    here = person(phone=there.phone, java_script_enabled=script).come("/login/?next=/account/")
    here.page.click("text=I have a code already")
    here.page.fill("#phone", there.phone)
    here.type_code(there.code())
    here.page.wait_for_url("**/account/")
    assert len(there.messages()) == 1


def test_there_a_code_is_sent_at_once_only_when_the_number_is_there(person):
    there = person().begin()
    here = person(phone=there.phone).come("/login/code/")
    here.page.fill("#code", there.code())
    assert here.path == "/login/code/"
    here.page.fill("#phone", there.phone)
    here.page.fill("#code", "")
    here.page.fill("#code", there.code())
    here.page.wait_for_url("**/account/")
