"""A passkey as second factor of a real browser: added in the admin, then given there and on the hosted page."""

import pytest

from tests.browser.authenticators import VirtualAuthenticator
from tests.browser.conftest import THREE_CHANNELS
from tests.browser.test_second_factor import PASSWORD, WAYS, is_fine
from tests.service.conftest import UNREACHED_LIMITS, surprises
from tests.service.running import running

SMALL = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    party = {"OTP_PASSKEY_RP_ID": "localhost", "OTP_PASSKEY_ORIGINS": "http://localhost:{port}"}
    asking = {"OTP_CODE_ALONE": "0", "OTP_STAFF_SECOND_FACTOR": "1"}
    with running(tmp_path_factory.mktemp("keys"), **THREE_CHANNELS, **UNREACHED_LIMITS, **party, **asking) as started:
        yield started
        assert surprises(started) == []


@pytest.fixture
def staff(person, service):
    """Return a function that makes a member of staff, who has no factor, at a browser with an authenticator."""

    def new(**habits):
        somebody = person(**{"host": "localhost", "viewport": SMALL} | habits)
        make = f"from otp_app.models import User; User.objects.create_superuser('{somebody.phone}', '{PASSWORD}')"
        service.manage("shell", "-c", make)
        somebody.authenticator = VirtualAuthenticator(somebody.page)
        return somebody

    return new


def enter_password(somebody):
    page = somebody.page
    page.goto("/admin/")
    page.fill("#id_username", somebody.phone)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("h1")
    page.wait_for_load_state("networkidle")


def use_passkey(page):
    page.click("#passkey-form [type=button]")


def add_passkey(somebody):
    """Add a passkey on the page that comes after the password, and return the recovery codes."""
    use_passkey(somebody.page)
    somebody.page.wait_for_selector("ol.recovery-codes")
    return somebody.page.locator("ol.recovery-codes code").all_inner_texts()


def is_in_admin(page):
    page.wait_for_url("**/admin/")
    return page.locator("#user-tools").is_visible()


@WAYS
def test_staff_adds_a_passkey_in_the_admin_and_then_opens_it_and_the_page_by_it(staff, language, theme):
    somebody = staff(locale=language, color_scheme=theme)
    page = somebody.page
    enter_password(somebody)
    assert is_fine(somebody)
    assert len(add_passkey(somebody)) == 10
    assert is_fine(somebody)
    assert len(somebody.authenticator.held()) == 1
    page.click("#content-main a")
    assert is_in_admin(page)

    page.context.clear_cookies()
    enter_password(somebody)
    assert is_fine(somebody)
    use_passkey(page)
    assert is_in_admin(page)

    page.context.clear_cookies()
    somebody.begin().type_code(somebody.code())
    page.wait_for_selector("#passkey-form [type=button]")
    assert is_fine(somebody)
    use_passkey(page)
    page.wait_for_url("**/account/")


def test_a_person_who_was_not_verified_is_told_and_types_a_recovery_code(staff):
    somebody = staff()
    enter_password(somebody)
    code, *_ = add_passkey(somebody)
    somebody.authenticator.send("setUserVerified", isUserVerified=False)
    page = somebody.page
    page.context.clear_cookies()
    enter_password(somebody)
    use_passkey(page)
    page.wait_for_selector("#passkey-failed:not(:empty)")
    assert is_fine(somebody)
    page.fill("#id_code", code)
    page.click("#code-form [type=submit]")
    assert is_in_admin(page)

    page.context.clear_cookies()
    somebody.begin().type_code(somebody.code())
    use_passkey(page)
    somebody.sees("No passkey was used.")
    assert is_fine(somebody)
    somebody.authenticator.send("setUserVerified", isUserVerified=True)
    use_passkey(page)
    page.wait_for_url("**/account/")


def test_a_copy_is_refused_by_both_pages_in_words(staff):
    somebody = staff()
    enter_password(somebody)
    add_passkey(somebody)
    page, authenticator = somebody.page, somebody.authenticator
    (copied,) = authenticator.held()

    def fall_back():
        authenticator.send("clearCredentials")
        authenticator.send("addCredential", credential=copied)

    page.context.clear_cookies()
    enter_password(somebody)
    use_passkey(page)
    assert is_in_admin(page)
    fall_back()
    page.context.clear_cookies()
    enter_password(somebody)
    use_passkey(page)
    somebody.sees("This passkey was not accepted.")
    assert is_fine(somebody)
    fall_back()
    page.context.clear_cookies()
    somebody.begin().type_code(somebody.code())
    use_passkey(page)
    somebody.sees("This passkey was not accepted.")
    assert is_fine(somebody)


def test_a_page_that_was_open_for_too_long_is_loaded_anew(staff):
    somebody = staff()
    enter_password(somebody)
    add_passkey(somebody)
    page = somebody.page
    page.context.clear_cookies()
    enter_password(somebody)
    first = page.inner_text("#passkey-options")
    page.clock.fast_forward(301_000)
    use_passkey(page)
    page.wait_for_function("(first) => document.getElementById('passkey-options').textContent !== first", arg=first)
    page.wait_for_load_state("networkidle")
    use_passkey(page)
    assert is_in_admin(page)


@pytest.mark.parametrize("habits", [{"java_script_enabled": False}, {"host": "127.0.0.1"}], ids=["script", "origin"])
def test_without_scripts_or_at_another_address_there_is_no_button_and_the_app_serves(staff, habits):
    """127.0.0.1 is no origin of the settings, and no domain either."""
    somebody = staff(**habits)
    page = somebody.page
    enter_password(somebody)
    assert page.locator("#passkey-form").is_hidden()
    assert page.locator("#id_code").is_visible()


def test_the_hosted_page_says_what_a_passkey_needs(staff, person):
    somebody = staff()
    enter_password(somebody)
    add_passkey(somebody)
    elsewhere = person(host="127.0.0.1", phone=somebody.phone, viewport=SMALL)
    elsewhere.begin().type_code(elsewhere.code())
    assert elsewhere.page.locator("#passkey-form").is_hidden()
    assert elsewhere.page.locator("#factor").is_visible()
    assert is_fine(elsewhere)
