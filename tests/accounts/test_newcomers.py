"""Who may sign up, and who is asked."""

import pytest
from django.contrib.auth import get_user_model

from otp_app import accounts, services
from otp_app.errors import InvalidOrExpiredCode
from tests import members
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(settings):
    settings.OTP_SIGN_UP = "invited"
    settings.OTP_ACCOUNTS = members.path(members.Guests)


def test_where_anybody_may_sign_up_nobody_is_looked_up(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert accounts.may_get_in(new_phone(), None)


def test_the_invited_and_the_known_get_in_and_nobody_else(invited):
    known = get_user_model().objects.create_user(new_phone())
    left = get_user_model().objects.create_user(new_phone(), is_active=False)
    phones = [members.INVITED, known.phone, left.phone, new_phone()]
    assert [accounts.may_get_in(phone, None) for phone in phones] == [True, True, False, False]


def test_both_are_asked_whatever_the_first_says(invited, monkeypatch):
    asked = []
    known = get_user_model().objects.create_user(new_phone())
    monkeypatch.setattr(members.Guests, "may_sign_up", lambda self, phone, request: asked.append(phone) or False)
    for phone in (known.phone, other := new_phone()):
        accounts.may_get_in(phone, None)
    assert asked == [known.phone, other]


def test_nobody_new_gets_in_where_sign_ups_are_closed(settings):
    settings.OTP_SIGN_UP = "closed"
    settings.OTP_ACCOUNTS = members.path(members.Guests)
    assert not accounts.may_get_in(members.INVITED, None)
    with pytest.raises(InvalidOrExpiredCode):
        accounts.sign_up(members.INVITED, None, {})


def test_an_invitation_that_is_taken_back_before_the_code_comes_lets_nobody_in(invited, outbox, monkeypatch):
    services.send_code(phone=members.INVITED)
    monkeypatch.setattr(members.Guests, "may_sign_up", lambda *_: False)
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=members.INVITED, code=outbox[-1].code)
    assert not get_user_model().objects.exists()


def test_whoever_is_invited_signs_up_and_in(invited, outbox, settings):
    settings.OTP_WAITS = ()
    for is_new in (True, False):
        services.send_code(phone=members.INVITED)
        assert services.sign_in(phone=members.INVITED, code=outbox[-1].code).is_new is is_new


def test_a_program_makes_users_whoever_may_sign_up(settings):
    settings.OTP_SIGN_UP = "closed"
    assert accounts.user_for(new_phone())[1]
