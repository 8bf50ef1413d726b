"""Ways through the pages with a real browser."""

import re

from tests.service.talking import send, wrong

from .person import A_MOMENT_SECONDS
from .states import report


def test_a_new_person_signs_up_and_sees_who_is_signed_in(person):
    new = person().come("/")
    assert new.path == "/login/"
    new.ask()
    assert new.heading() == "Enter the code"
    new.type_code(new.code())
    assert new.path == "/account/"
    new.sees(f"{new.phone[:4]} {new.phone[4:6]} {new.phone[6:9]} {new.phone[9:11]} {new.phone[11:]}")


def test_who_signs_out_and_in_again_is_the_same_user(person, service):
    back = person().sign_in()
    back.page.click("text=Sign out >> nth=0")
    back.sees("You have signed out.")
    back.sign_in()
    assert back.path == "/account/"
    assert service.database.value("SELECT COUNT(*) FROM otp_app_user WHERE phone = ?", back.phone) == 1


def test_signed_in_means_a_page_of_the_account_and_signed_out_none(person):
    somebody = person().come("/account/")
    assert somebody.path == "/login/?next=/account/"
    somebody.ask().type_code(somebody.code())
    assert somebody.path == "/account/"
    somebody.page.click("text=Sign out everywhere")
    somebody.come("/account/")
    assert somebody.path == "/login/?next=/account/"


def test_a_wrong_code_is_told_with_what_is_left_and_the_field_is_ready_again(person):
    somebody = person().begin()
    somebody.type_code(wrong(somebody.code()))
    somebody.sees("The code is wrong or no longer valid.")
    somebody.sees("4 tries left.")
    assert somebody.page.evaluate("document.activeElement.id") == "code"
    assert somebody.page.get_attribute("#code", "aria-invalid") == "true"
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_five_wrong_codes_and_a_new_one_is_offered(person):
    somebody = person().begin()
    for n in range(5):
        somebody.type_code(wrong(somebody.code(), n))
    somebody.sees("Too many wrong tries.")
    assert somebody.page.locator("#code").count() == 0
    assert somebody.page.locator("#again").inner_text() == "Send a new code"


def test_a_slip_costs_no_try(person):
    somebody = person().begin().type_code("123")
    somebody.sees("Enter the 6 digits of the code.")
    somebody.type_code(wrong(somebody.code()))
    somebody.sees("4 tries left.")


def test_a_pasted_code_with_a_space_is_taken_and_sent_at_once(person):
    somebody = person().begin()
    code = somebody.code()
    somebody.page.fill("#code", f"{code[:3]} {code[3:]}")
    somebody.page.wait_for_url("**/account/")


def test_a_code_that_the_browser_reads_from_the_message_signs_in_without_a_hand(person):
    somebody = person()
    somebody.context.add_init_script(
        """
        window.OTPCredential = class {};
        navigator.credentials.get = (asked) => new Promise((give) => {
          if (asked.otp.transport[0] === "sms") window.arrive = (code) => give({ code });
        });
        """
    )
    somebody.begin()
    somebody.page.evaluate("(code) => window.arrive(code)", somebody.code())
    somebody.page.wait_for_url("**/account/")


def test_the_field_is_one_that_phones_fill_in(person):
    field = person().begin().page.locator("#code")
    assert field.get_attribute("autocomplete") == "one-time-code"
    assert field.get_attribute("inputmode") == "numeric"
    assert field.count() == 1


def test_an_expired_code_is_told_while_the_page_is_open_and_a_new_one_signs_in(person, service):
    somebody = person().begin()
    before = somebody.code()
    somebody.wait(301)
    somebody.sees("The code has expired. Get a new code.")
    assert somebody.page.locator("#again").inner_text() == "Send a new code"
    assert somebody.heading() == "Get a new code"
    assert somebody.page.locator("#code").count() == 0
    somebody.page.click("#again")
    somebody.page.wait_for_selector("#code")
    assert somebody.code() != before
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_the_same_code_comes_once_more_when_the_wait_is_over(person, service):
    somebody = person().begin()
    assert somebody.page.locator("#again").is_disabled()
    assert re.match(r"You can send again in (1:00|0:\d\d)", somebody.page.locator("#wait").inner_text())
    somebody.wait(60)
    somebody.page.locator("#again:enabled").click()
    somebody.page.wait_for_load_state()
    first, second = somebody.messages()
    assert first["code"] == second["code"]
    somebody.type_code(second["code"])
    assert somebody.path == "/account/"


def test_the_code_comes_by_another_way(person, service):
    somebody = person().begin()
    somebody.wait(60)
    somebody.page.locator("button[value=telegram]:enabled").click()
    somebody.sees("We have sent a code by Telegram to")
    assert [message["channel"] for message in somebody.messages()] == ["sms", "telegram"]
    somebody.wait(120)
    somebody.page.locator("button[value=call]:enabled").click()
    somebody.sees("A voice reads you a code.")
    somebody.type_code(somebody.code())
    assert somebody.path == "/account/"


def test_how_the_message_fares_is_told_without_a_reload(person, service):
    somebody = person().begin()
    somebody.sees("The message is on its way.")
    report(service, somebody.phone, "delivered")
    somebody.wait(A_MOMENT_SECONDS)
    somebody.sees("The message has reached your phone.")


def test_who_is_limited_is_told_for_how_long(person, service):
    somebody = person()
    assert send(service, somebody.phone).status == 200  # by a stranger
    somebody.begin()
    somebody.sees("Too many tries. Try again in")
    assert somebody.page.input_value("#phone").replace(" ", "") == somebody.phone
    service.clock.advance(60)
    somebody.ask().type_code(somebody.code())
    assert somebody.path == "/account/"


def test_a_stranger_who_asks_and_guesses_does_not_touch_the_code_of_this_browser(person, service):
    somebody = person().begin()
    code = somebody.code()
    service.clock.advance(60)
    stranger = send(service, somebody.phone).json["challenge_id"]
    assert stranger
    guesser = person(phone=somebody.phone)
    guesser.come().ask()
    guesser.sees("Too many tries")
    somebody.type_code(code)
    assert somebody.path == "/account/"
