"""What somebody new must add to the code is asked for by the page, and the code is entered once."""

import re

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers

from otp_app import services
from tests import members
from tests.factories import new_phone
from tests.web.visitor import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asking(settings):
    settings.OTP_ACCOUNTS = members.path(members.Asking)


def hidden(page):
    """The hidden fields of the form."""
    form = re.search(r'(?s)<form method="post" id="profile-form".*?</form>', page.content.decode())[0]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def signed_up():
    return list(get_user_model().objects.values_list("full_name", "language"))


@pytest.fixture
def form(visitor):
    """The form that is shown after the code."""
    visitor.ask()
    page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
    assert hidden(page) == {"profile": "1", "code": visitor.outbox[-1].code, "checks": "1"}
    assert (page.status_code, signed_up()) == (200, [])
    return page


def test_after_the_code_somebody_new_fills_a_form_in_and_is_signed_in(visitor, form):
    assert "One more step The code is right." in text_of(form)
    assert "Full name As in your passport." in text_of(form)
    assert "This field is required." not in text_of(form)
    html = form.content.decode()
    described = 'aria-describedby="profile-1-hint" aria-required="true" id="profile-1" name="profile.full_name"'
    assert f'<input value="" {described} autofocus>' in html
    assert html.count(" autofocus") == 1
    assert '<option value="uz">Uzbek</option>' in html
    assert 'type="checkbox"' in html
    filled = {"profile.full_name": "A Name", "profile.language": "uz", "profile.consent": "true"}
    response = visitor.post("/login/1/", **hidden(form), **filled)
    assert (response.status_code, response["Location"]) == (302, "/account/")
    assert signed_up() == [("A Name", "uz")]


def test_what_is_wrong_is_told_beside_its_field_and_costs_no_check(visitor, form):
    challenge_id = visitor.begun[0]["challenge_id"]
    before = services.state(challenge_id=challenge_id).checks_left
    filled = {"profile.full_name": "A Name", "profile.language": "uz"}
    page = visitor.post("/login/1/", **hidden(form), **filled)
    assert page.status_code == 200
    assert "I agree You must agree." in text_of(page)
    html = page.content.decode()
    assert 'value="A Name"' in html
    assert '<option value="uz" selected>' in html
    assert services.state(challenge_id=challenge_id).checks_left == before == 4
    response = visitor.post("/login/1/", **hidden(page), **filled, **{"profile.consent": "true"})
    assert (response.status_code, signed_up()) == (302, [("A Name", "uz")])


def test_somebody_known_sees_no_form(visitor):
    get_user_model().objects.create_user(visitor.phone)
    assert visitor.sign_in()["Location"] == "/account/"


def test_a_code_from_elsewhere_is_carried_along_with_its_number(visitor, outbox):
    services.send_code(phone=visitor.phone)
    page = visitor.post("/login/code/", phone=visitor.phone, code=outbox[-1].code)
    assert hidden(page) == {"profile": "1", "phone": visitor.phone, "code": outbox[-1].code}
    filled = {"profile.full_name": "A Name", "profile.consent": "true"}
    response = visitor.post("/login/code/", **hidden(page), **filled)
    assert (response.status_code, signed_up()) == (302, [("A Name", "")])


def test_a_code_that_expires_meanwhile_leads_back_to_a_new_one(visitor, form, clock):
    clock.advance(301)
    page = visitor.post("/login/1/", **hidden(form), **{"profile.full_name": "A Name", "profile.consent": "true"})
    assert "Get a new code" in text_of(page)


class Together(members.ProfileSerializer):
    """Has fields that no form shows, and an error that is of no field."""

    made = serializers.HiddenField(default="here")
    number = serializers.CharField(read_only=True)

    def validate(self, attrs):
        raise serializers.ValidationError("These do not belong together.")


def test_an_error_of_no_field_is_told_above_all_and_what_nobody_fills_in_is_not_shown(visitor, form, monkeypatch):
    monkeypatch.setattr(members.Asking, "sign_up_serializer", Together)
    filled = {"profile.full_name": "A Name", "profile.consent": "true"}
    page = visitor.post("/login/1/", **hidden(form), **filled)
    assert 'role="alert" id="error">These do not belong together.<' in page.content.decode()
    assert "profile.made" not in page.content.decode()
    assert "profile.number" not in page.content.decode()


def test_where_nothing_is_asked_what_a_form_says_is_not_looked_at(visitor, settings):
    settings.OTP_ACCOUNTS = "otp_app.accounts.Accounts"
    visitor.ask(new_phone())
    response = visitor.post("/login/1/", code=visitor.outbox[-1].code, profile="1")
    assert response.status_code == 302
