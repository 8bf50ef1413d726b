"""WCAG 2.2 AA, as far as a program can check it: axe on every state, keyboard, zoom, time."""

import re

import pytest

from .states import register, tour


@pytest.fixture(scope="module")
def site(page_service):
    return register(page_service)


@pytest.mark.parametrize("habits", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"java_script_enabled": True}])
def test_axe_finds_nothing_in_any_state(person, service, site, habits):
    wide = {"viewport": {"width": 1280, "height": 800}} if "java_script_enabled" in habits else {}
    somebody = person(**habits, **wide)
    found = {state: barriers for state in tour(somebody, service, site) if (barriers := somebody.barriers())}
    assert found == {}


@pytest.mark.parametrize("language", ["uz", "ru", "en"])
def test_nothing_sticks_out_at_320_pixels_nor_at_twice_the_text_and_targets_suit_fingers(
    person, service, site, language
):
    """320 px are 1280 at 400 % (WCAG 1.4.10); text at 200 % is 1.4.4; 44 px are 2.5.5, more than AA asks."""
    somebody = person(locale=language, viewport={"width": 320, "height": 640})
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    too_wide, small = {}, {}
    for state in tour(somebody, service, site):
        for target in somebody.page.locator("button:visible, input:visible").all():
            box = target.bounding_box()
            if min(box["width"], box["height"]) < 44:
                small.setdefault(state, []).append(target.inner_text())
        plain = somebody.page.evaluate(wider)
        somebody.page.add_style_tag(url="/static/otp_app/signin.css")  # settles what follows
        twice = somebody.page.evaluate(f"document.documentElement.style.fontSize = '200%', {wider}")
        somebody.page.evaluate("document.documentElement.style.fontSize = ''")
        if plain > 0 or twice > 0:
            too_wide[state] = (plain, twice)
    assert (too_wide, small) == ({}, {})


def test_the_keyboard_alone_signs_in(person):
    somebody = person().come()
    keys = somebody.page.keyboard
    keys.type(somebody.phone)  # the field has the focus
    keys.press("Enter")
    somebody.page.wait_for_selector("#code:focus")
    keys.type(somebody.code())
    keys.press("Enter")
    somebody.page.wait_for_url("**/account/")
    keys.press("Tab")
    assert somebody.page.evaluate("document.activeElement.textContent") == "Sign out"
    assert somebody.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.press("Enter")
    somebody.sees("You have signed out.")


def test_the_order_of_the_keyboard_is_the_order_of_the_page(person, service):
    somebody = person().begin()
    somebody.wait(60)
    somebody.page.locator("#again:enabled").wait_for()
    reached = []
    for _ in range(6):
        somebody.page.keyboard.press("Tab")
        reached.append(somebody.page.evaluate("document.activeElement.textContent"))
    assert reached == ["Sign in", "Send again", "Phone call", "Telegram", "Oʻzbekcha", "Русский"]


def test_a_screen_reader_hears_a_name_a_hint_and_the_error_of_the_field(person):
    somebody = person().begin().type_code("12")
    tree = somebody.page.locator("main").aria_snapshot()
    assert '- heading "Enter the code" [level=1]' in tree
    assert '- textbox "Code"' in tree
    assert '- button "Sign in"' in tree
    assert '- region "No code yet?"' in tree
    described = somebody.page.get_attribute("#code", "aria-describedby").split()
    texts = [somebody.page.locator(f"#{each}").inner_text() for each in described]
    assert texts[0] == "Enter the 6 digits of the code."
    assert re.search("Valid for [45] minutes", texts[1])


def test_the_end_of_the_time_is_told_and_one_press_gives_more_and_keeps_what_was_typed(person, service):
    somebody = person().begin()
    page = somebody.page
    assert not page.locator("#extend").is_visible()
    page.locator("#code").press_sequentially(somebody.code()[:3])
    somebody.wait(273)
    page.locator("#ending:visible").wait_for()
    assert page.locator("#ending").get_attribute("role") == "alert"
    assert "less than half a minute" in page.locator("#ending").inner_text()
    page.click("text=Give me more time")
    page.locator("#ending").wait_for(state="hidden")
    assert page.input_value("#code") == somebody.code()[:3]
    assert page.evaluate("document.activeElement.id") == "code"
    service.clock.advance(280)
    page.locator("#code").press_sequentially(somebody.code()[3:])
    page.click("#code-form button")
    page.wait_for_url("**/account/")


def test_nothing_moves_for_who_wants_no_motion(person):
    somebody = person(reduced_motion="reduce").come()
    assert somebody.page.evaluate("getComputedStyle(document.querySelector('button')).transitionDuration") == "0s"
