"""Detours: the back button, two tabs, no network, no JavaScript, another language."""

import re

import pytest

from tests.service.talking import phone as new_phone

from .person import A_MOMENT_SECONDS


def test_back_to_the_number_and_forth_again_sends_nothing_twice(person):
    somebody = person().begin()
    somebody.page.go_back()
    assert somebody.page.input_value("#phone").replace(" ", "") == somebody.phone
    somebody.ask()
    assert somebody.heading() == "Enter the code"
    assert len(somebody.messages()) == 1
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_back_to_a_button_that_was_pressed_finds_it_as_it_was(person):
    somebody = person().begin()
    somebody.page.go_back()
    button = somebody.page.locator("#phone-form button")
    assert button.inner_text() == "Send me a code"
    assert button.is_enabled()


def test_back_after_signing_in_does_not_ask_for_the_code_again(person):
    somebody = person().sign_in()
    somebody.page.go_back()
    somebody.page.reload()
    somebody.sees("You are signed in as")


def test_a_wrong_number_can_be_changed(person):
    somebody = person().begin()
    somebody.page.click("text=Change the number")
    right = new_phone()
    somebody.ask(right).type_code(somebody.code(right))
    somebody.page.wait_for_url("**/account/")
    assert right[-2:] in somebody.page.locator(".number").inner_text()


def test_two_tabs_with_two_numbers_do_not_get_into_each_others_way(person):
    somebody, other = person().begin(), new_phone()
    tab = somebody.tab()
    somebody.come(page=tab).ask(other, page=tab)
    assert somebody.page.url != tab.url
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"
    assert somebody.phone[-2:] in somebody.page.locator(".number").inner_text()
    tab.reload()
    somebody.sees("You are signed in as", page=tab)


def test_a_tab_left_open_while_another_signed_in_leads_on(person):
    somebody = person().begin()
    tab = somebody.tab()
    somebody.come(page=tab)
    tab.click("text=I have a code already")
    tab.route("**/state/", lambda route: route.abort())  # before the script has noticed
    somebody.type_code(somebody.code())
    tab.locator("#code").press_sequentially("123456")
    tab.click("#code-form button")
    somebody.sees("Go on from here.", page=tab)
    tab.click("text=To the sign-in")
    somebody.sees("You are signed in as", page=tab)


def test_a_tab_left_open_while_another_signed_in_notices_by_itself(person):
    somebody = person().begin()
    tab = somebody.tab()
    tab.goto(somebody.path)
    somebody.type_code(somebody.code())
    somebody.wait(A_MOMENT_SECONDS, page=tab)
    somebody.sees("You are signed in as", page=tab)


def test_offline_in_the_middle_nothing_is_lost(person):
    somebody = person().begin()
    somebody.context.set_offline(True)
    somebody.sees("You are offline.")
    somebody.page.locator("#code").press_sequentially(somebody.code())
    somebody.page.click("#code-form button")
    assert somebody.page.input_value("#code") == somebody.code()
    somebody.context.set_offline(False)
    somebody.page.locator("#offline").wait_for(state="hidden")
    somebody.page.click("#code-form button")
    somebody.page.wait_for_url("**/account/")


def test_a_service_on_this_machine_needs_no_network(person):
    somebody = person()
    somebody.context.add_init_script("Object.defineProperty(navigator, 'onLine', {get: () => false})")
    somebody.begin().page.wait_for_selector("#code")
    somebody.type_code(somebody.code()).page.wait_for_url("**/account/")
    assert not somebody.page.locator("#offline").is_visible()


def test_impatient_clicks_send_one_message(person):
    somebody = person().come()
    somebody.page.fill("#phone", somebody.phone)
    somebody.page.evaluate("for (let n = 0; n < 3; n++) document.querySelector('#phone-form button').click()")
    somebody.page.wait_for_selector("#code")
    assert len(somebody.messages()) == 1


def test_a_form_whose_answer_does_not_come_may_be_sent_again(person):
    somebody = person()
    page = somebody.come().page
    page.fill("#phone", somebody.phone)
    page.route("**/login/", lambda route: None if route.request.method == "POST" else route.continue_())
    button = page.locator("#phone-form button")
    with page.expect_request("**/login/"):
        button.click(no_wait_after=True)
    somebody.context.new_cdp_session(page).send("Page.stopLoading")  # the person has had enough
    assert button.inner_text() == "Sending…"
    page.clock.run_for(12_000)
    assert button.inner_text() == "Send me a code"
    page.unroute("**/login/")
    button.click()
    page.wait_for_selector("#code")


def test_a_page_whose_script_does_not_come_keeps_all_that_is_needed(person):
    somebody = person()
    somebody.page.route("**/signin.js", lambda route: route.abort())
    somebody.begin()
    somebody.page.click("text=Give me more time")  # it is there a moment later
    somebody.sees(re.compile("Valid for (10|9) minutes"))  # the page took its time
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_without_javascript_everything_works(person, service):
    somebody = person(java_script_enabled=False).begin("/")
    somebody.sees("The message is on its way.")
    assert somebody.page.locator("#again").is_disabled()
    service.clock.advance(60)
    somebody.page.click("noscript a")  # nothing else can switch the button on
    somebody.page.click("#again")
    assert len(somebody.messages()) == 2
    somebody.page.click("text=Give me more time")
    somebody.sees(re.compile("Valid for [89] minutes"))
    code = somebody.code()
    somebody.page.fill("#code", f"{code[:3]} {code[3:]}")
    somebody.page.click("#code-form button")
    assert somebody.path == "/account/"
    somebody.page.click("text=Sign out >> nth=0")
    somebody.sees("You have signed out.")


WORDS = {
    "en": ("Sign in", "Enter the code", "You are signed in", "is your code"),
    "ru": ("Вход", "Введите код", "Вы вошли", "код"),
    "uz": ("Kirish", "Kodni kiriting", "Siz tizimga kirdingiz", "hech kimga aytmang"),
}


@pytest.mark.parametrize("language", WORDS)
def test_everything_is_in_the_language_of_the_browser(person, language):
    first, second, third, message = WORDS[language]
    somebody = person(locale=language).come()
    seen = [somebody.heading()]
    somebody.ask()
    seen.append(somebody.heading())
    assert somebody.page.get_attribute("html", "lang") == language
    somebody.type_code(somebody.code())
    assert [*seen, somebody.heading()] == [first, second, third]
    assert message in somebody.messages()[-1]["body"]


def test_a_language_that_is_chosen_stays_also_for_the_message(person):
    somebody = person(locale="en").come()
    somebody.page.click("button[value=uz]")
    assert somebody.heading() == "Kirish"
    somebody.ask()
    somebody.page.click("button[value=ru]")
    assert somebody.heading() == "Введите код"
    assert "hech kimga" in somebody.code() or "hech kimga" in somebody.messages()[-1]["body"]
    somebody.type_code(somebody.code())
    assert somebody.heading() == "Вы вошли"


@pytest.mark.parametrize(
    ("typed", "shown", "country"),
    [
        ("901234567", "90 123 45 67", "🇺🇿 Uzbekistan +998"),
        ("+998901234567", "+998 90 123 45 67", "🇺🇿 Uzbekistan +998"),
        ("998901234567", "+998 90 123 45 67", "🇺🇿 Uzbekistan +998"),
        ("+77712345678", "+7 771 234 5678", "🇰🇿 Kazakhstan +7"),
        ("+79161234567", "+7 916 123 45 67", "🇷🇺 Russia +7"),
        ("+12015550123", "+1 201 555 0123", "United States / Canada +1"),
        ("+", "+", ""),
        ("+0", "+0", ""),
    ],
)
def test_a_number_is_shown_as_in_its_country_while_it_is_typed(person, typed, shown, country):
    page = person().come().page
    page.wait_for_load_state("networkidle")
    page.locator("#phone").press_sequentially(typed)
    assert page.input_value("#phone") == shown
    assert page.inner_text("#country") == country


def test_in_uzbek_too_a_country_has_its_name_there(person):
    page = person(locale="uz").come().page
    page.wait_for_load_state("networkidle")
    page.locator("#phone").press_sequentially("+998901234567")
    assert page.inner_text("#country") == "🇺🇿 Oʻzbekiston +998"


def test_a_number_can_be_corrected_in_its_middle(person):
    somebody = person().come()
    field = somebody.page.locator("#phone")
    somebody.page.wait_for_load_state("networkidle")
    field.press_sequentially("+998901234567")
    for _ in range(6):
        field.press("ArrowLeft")
    field.press("Backspace")
    field.press_sequentially("88")
    field.press("Tab")
    assert field.input_value() == "+998 90 128 84 567"
