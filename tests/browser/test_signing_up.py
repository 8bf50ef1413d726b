"""Somebody new adds what the project wants to know, after the code: in a browser, by anybody, on any screen."""

import pytest

from tests.service.conftest import UNREACHED_LIMITS
from tests.service.running import running


@pytest.fixture(scope="module")
def asking(tmp_path_factory):
    with running(tmp_path_factory.mktemp("asking"), OTP_ACCOUNTS="tests.members.Asking", **UNREACHED_LIMITS) as started:
        yield started


@pytest.mark.parametrize("habits", [{"color_scheme": "dark"}, {"java_script_enabled": False}])
def test_the_form_after_the_code_signs_up_and_has_no_barrier(person, asking, habits):
    somebody = person(service=asking, viewport={"width": 320, "height": 640}, **habits)
    page = somebody.sign_in().page
    assert (somebody.heading(), somebody.path) == ("One more step", "/login/1/")
    if "java_script_enabled" not in habits:
        assert somebody.barriers() == []
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) == 0
        assert page.evaluate("document.activeElement.name") == "profile.full_name"
    page.get_by_label("Full name").fill("A Name")
    page.click("#profile-form button")
    somebody.sees("You must agree.")
    if "java_script_enabled" not in habits:
        assert somebody.barriers() == []
    page.get_by_label("I agree").check()
    page.get_by_label("Language").first.select_option("uz")
    page.click("#profile-form button")
    page.wait_for_url("**/account/")
