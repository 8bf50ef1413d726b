"""The link of a notification, in a browser: the session of another browser ends in every process."""

from .states import notify

VISITS = 12  # over new connections, which the kernel spreads over the processes


def test_a_tap_ends_the_session_of_the_browser_that_has_signed_in(person, service):
    stranger = person().sign_in()
    owner = person(phone=stranger.phone, locale="ru")
    owner.come(notify(service, stranger.phone, sign_in=""))
    assert stranger.come("/account/").path == "/account/"  # the owner has only looked
    owner.page.locator("main button").click()
    owner.sees("Этот сеанс завершён.")
    assert {stranger.come("/account/").path for _ in range(VISITS)} == {"/login/?next=/account/"}


def test_without_javascript_it_works_as_well(person, service):
    owner = person(java_script_enabled=False)
    owner.come(notify(service, owner.phone))
    for seen in ("That session has ended.", "You are signed out on all devices."):
        owner.page.locator("main button").click()
        owner.sees(seen)
