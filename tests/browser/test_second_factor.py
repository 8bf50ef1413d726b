"""The pages that ask for the second factor, on the hosted page and in the admin, on a small phone."""

import pyotp
import pytest

from otp_app.db import clock
from tests.browser.conftest import THREE_CHANNELS
from tests.service.conftest import UNREACHED_LIMITS, surprises
from tests.service.running import running

PASSWORD = "a long password"
WAYS = pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ru", "dark"), ("uz", "dark")])
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    asking = {"OTP_CODE_ALONE": "0", "OTP_STAFF_SECOND_FACTOR": "1"}
    with running(tmp_path_factory.mktemp("factor"), **THREE_CHANNELS, **UNREACHED_LIMITS, **asking) as started:
        yield started
        assert surprises(started) == []


def code_now(secret):
    return pyotp.TOTP(secret).generate_otp(clock.milliseconds() // 30_000)


def is_fine(somebody):
    return somebody.page.evaluate(WIDER) <= 0 and somebody.barriers() == []


def submit(page, selector="form:first-of-type [type=submit]"):
    page.click(selector)
    page.wait_for_load_state("networkidle")


@WAYS
def test_staff_enrols_at_a_small_phone_and_then_signs_in_on_the_page(person, service, language, theme):
    somebody = person(locale=language, color_scheme=theme, viewport={"width": 360, "height": 740})
    make = f"from otp_app.models import User; User.objects.create_superuser('{somebody.phone}', '{PASSWORD}')"
    service.manage("shell", "-c", make)
    page = somebody.page
    page.goto("/admin/")
    page.fill("#id_username", somebody.phone)
    page.fill("#id_password", PASSWORD)
    submit(page, "[type=submit]")
    assert is_fine(somebody)
    secret = page.inner_text("code").replace(" ", "")
    page.fill("#id_code", "000")
    submit(page)
    assert is_fine(somebody)
    page.fill("#id_code", code_now(secret))
    submit(page)
    codes = page.locator("ol.recovery-codes code").all_inner_texts()
    assert (len(codes), is_fine(somebody)) == (10, True)

    page.context.clear_cookies()
    somebody.begin()
    somebody.type_code(somebody.code())
    page.wait_for_selector("#factor:focus")
    assert is_fine(somebody)
    page.fill("#factor", "000 000")
    submit(page, "#factor-form button")
    assert (page.locator("#factor-error").count(), is_fine(somebody)) == (1, True)
    page.fill("#factor", codes[4])
    page.click("#factor-form button")
    page.wait_for_url("**/account/")
