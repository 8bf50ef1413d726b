"""A code that was asked for in another browser, by an app or over the API."""

import re

import pytest
from django.contrib.auth import get_user_model

from otp_app import services, stores
from otp_app.models import ChallengeRow
from tests.factories import new_phone, other_than
from tests.sites import BACK, asked_by, new_site
from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db

LINK = 'href="/login/code/'


def field_with_focus(page):
    (found,) = re.findall(r"<input[^>]* autofocus[^>]*>", page.content.decode())
    return found


@pytest.fixture
def code(visitor):
    """Send a code that the visitor's browser did not ask for."""
    services.send_code(phone=visitor.phone)
    return visitor.outbox[-1].code


def test_who_has_a_code_finds_where_to_enter_it_and_is_signed_in_by_number_and_code(visitor, code):
    page = visitor.get("/login/?next=/a")
    assert "I have a code already" in text_of(page)
    assert f'{LINK}?next=%2Fa"' in page.content.decode()
    page = visitor.get("/login/code/?next=/a")
    assert 'name="phone"' in page.content.decode()
    assert 'autocomplete="one-time-code"' in page.content.decode()
    response = visitor.post("/login/code/?next=/a", phone=visitor.phone, code=f"{code[:3]} {code[3:]}")
    assert (response.status_code, response["Location"]) == (302, "/a")
    assert get_user_model().objects.get().phone == visitor.phone
    assert "You are signed in" in text_of(visitor.get("/account/"))
    assert len(visitor.outbox) == 1


def test_a_device_cookie_comes_with_it_and_a_site_gets_its_person(visitor, code):
    response = visitor.post("/login/code/" + asked_by(new_site()), phone=visitor.phone, code=code)
    assert response["Location"].startswith(BACK)
    assert response.cookies["__Host-otp_device"].value


def test_while_this_browser_has_begun_itself_its_own_code_is_meant(visitor):
    visitor.ask()
    page = visitor.get().content.decode()
    assert 'href="/login/1/"' in page
    assert LINK not in page


def test_when_its_own_is_of_no_more_use_one_from_elsewhere_can_be_entered(visitor, clock):
    visitor.ask()
    assert LINK not in visitor.get("/login/1/").content.decode()
    clock.advance(300)
    assert LINK in visitor.get("/login/1/").content.decode()


def test_a_wrong_code_costs_one_of_the_checks_that_are_open_to_who_names_only_the_phone(visitor, code):
    for _ in range(3):
        page = visitor.post("/login/code/", phone=visitor.phone, code=other_than(code))
        assert page.status_code == 400
        assert "The code is wrong or no longer valid." in text_of(page)
        assert f'value="{visitor.phone}"' in page.content.decode()
        assert 'id="code" name="code"' in field_with_focus(page)
    (row,) = ChallengeRow.objects.all()
    assert (row.checks_left, row.phone_checks_left) == (2, 0)
    assert visitor.post("/login/code/", phone=visitor.phone, code=code).status_code == 400
    assert "_auth_user_id" not in visitor.client.session
    done = services.sign_in(phone=visitor.phone, code=code, challenge_id=row.pk.hex)  # whoever asked for it still can
    assert done.is_new


def test_who_guesses_does_not_learn_whether_a_code_was_asked_for(visitor, code):
    asked = visitor.post("/login/code/", phone=visitor.phone, code=other_than(code))
    never = visitor.post("/login/code/", phone=(other := new_phone()), code=code)
    assert text_of(never).replace(other, visitor.phone) == text_of(asked)
    assert never.status_code == asked.status_code == 400


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"phone": "", "code": "123456"}, "Enter your phone number."),
        ({"phone": "1234", "code": "123456"}, "Check the number"),
        ({"code": "12345"}, "Enter the 6 digits of the code."),
        ({"code": ""}, "Enter the 6 digits of the code."),
        ({"phone": "", "code": ""}, "Enter your phone number."),
    ],
)
def test_a_slip_is_told_and_costs_no_check(visitor, code, fields, reason):
    page = visitor.post("/login/code/", **({"phone": visitor.phone} | fields))
    assert page.status_code == 200
    assert reason in text_of(page)
    assert 'aria-invalid="true"' in field_with_focus(page)
    assert ChallengeRow.objects.get().checks_left == 5


def test_too_many_tries_from_one_place_are_refused_with_the_wait(visitor, code, settings):
    settings.OTP_CHECKS_PER_CLIENT_HOUR = 1
    visitor.post("/login/code/", phone=visitor.phone, code=other_than(code))
    page = visitor.post("/login/code/", phone=visitor.phone, code=code)
    assert page.status_code == 429
    assert page["Retry-After"]
    assert 'aria-invalid="true"' not in page.content.decode()


@pytest.mark.parametrize("setting", [{"OTP_REQUIRE_CHALLENGE_ID": True}, {"OTP_CHECKS_BY_PHONE": 0}])
def test_where_the_phone_alone_is_not_enough_it_is_not_offered_and_checks_nothing(
    visitor, code, clock, settings, setting
):
    for name, value in setting.items():
        setattr(settings, name, value)
    assert LINK not in visitor.get().content.decode()
    response = visitor.post("/login/code/?next=/a", phone=visitor.phone, code=code)
    assert (response.status_code, response["Location"]) == (302, "/login/?next=%2Fa")
    assert "_auth_user_id" not in visitor.client.session
    assert stores.current().get(ChallengeRow.objects.get().pk.hex).checks_left == 5
    clock.advance(300)
    visitor.ask()
    clock.advance(300)
    assert LINK not in visitor.get("/login/1/").content.decode()


@pytest.mark.requests
@pytest.mark.parametrize("language", ["ru", "uz"])
def test_it_is_in_the_language_of_the_browser(outbox, language):
    page = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language).get("/login/code/")
    assert f'<html lang="{language}">' in page.content.decode()
    assert "Enter a code that you asked for" not in text_of(page)


def test_a_page_that_told_of_a_wrong_code_may_be_loaded_again_without_costing_a_check(visitor, code):
    typed = {"phone": visitor.phone, "code": other_than(code), "checks": "0"}
    assert visitor.post("/login/code/", **typed).status_code == 400
    left = ChallengeRow.objects.get().checks_left
    page = visitor.post("/login/code/", **typed)
    assert "This page was already sent." in text_of(page)
    assert ChallengeRow.objects.get().checks_left == left
    assert visitor.post("/login/code/", phone=visitor.phone, code=code, checks="1").status_code == 302
