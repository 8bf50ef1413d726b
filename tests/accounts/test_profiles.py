"""The members of a sign-up: asked of new people alone, before anything is lost."""

import pytest
from django.contrib.auth import get_user_model

from otp_app import services
from otp_app.accounts import profiles
from otp_app.errors import InvalidOrExpiredCode, InvalidRequest, ProfileRequired
from tests import members
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db

PROFILE = {"full_name": "A Name", "consent": True}


@pytest.fixture
def asking(settings):
    settings.OTP_ACCOUNTS = members.path(members.Asking)


def left(challenge):
    return services.state(challenge_id=challenge.id).checks_left


def test_somebody_new_is_asked_and_the_same_code_signs_them_up(asking, outbox):
    phone = new_phone()
    challenge = services.send_code(phone=phone).challenge
    with pytest.raises(ProfileRequired) as asked:
        services.sign_in(phone=phone, code=outbox[-1].code, challenge_id=challenge.id)
    assert asked.value.errors.keys() == {"profile.full_name", "profile.consent"}
    assert left(challenge) == 4
    done = services.sign_in(phone=phone, code=outbox[-1].code, challenge_id=challenge.id, profile=PROFILE)
    assert (done.is_new, done.user.full_name, done.user.phone) == (True, "A Name", phone)


def test_somebody_known_is_never_asked_and_what_they_give_changes_nothing(asking, outbox, settings):
    settings.OTP_WAITS = ()
    user = get_user_model().objects.create_user(new_phone(), full_name="Before")
    for profile in (None, PROFILE):
        services.send_code(phone=user.phone)
        assert services.sign_in(phone=user.phone, code=outbox[-1].code, profile=profile).user == user
    user.refresh_from_db()
    assert user.full_name == "Before"


def test_what_is_not_valid_costs_no_check(asking, outbox):
    challenge = services.send_code(phone=(phone := new_phone())).challenge
    with pytest.raises(InvalidRequest) as refused:
        services.sign_in(phone=phone, code=outbox[-1].code, profile={"full_name": 21 * "x", "consent": False})
    assert refused.value.errors == {
        "profile.full_name": ["Ensure this field has no more than 20 characters."],
        "profile.consent": ["You must agree."],
    }
    assert left(challenge) == 5


def test_a_wrong_code_is_a_wrong_code_and_tells_nothing_of_what_is_missing(asking, outbox):
    services.send_code(phone=(phone := new_phone()))
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=other_than(outbox[-1].code))


def test_who_may_not_sign_up_is_not_asked(settings, outbox):
    settings.OTP_ACCOUNTS = members.path(members.AskingGuests)
    services.send_code(phone=(phone := new_phone()))
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=outbox[-1].code)


def test_members_that_nobody_must_give_are_not_asked_for(settings, outbox):
    settings.OTP_ACCOUNTS = members.path(members.Optional)
    services.send_code(phone=(phone := new_phone()))
    assert services.sign_in(phone=phone, code=outbox[-1].code).is_new


def test_the_default_keeps_members_in_the_fields_of_their_names(settings, outbox):
    settings.OTP_ACCOUNTS = members.path(members.Named)
    services.send_code(phone=(phone := new_phone()))
    done = services.sign_in(phone=phone, code=outbox[-1].code, profile={"full_name": "A Name"})
    assert get_user_model().objects.get(pk=done.user.pk).full_name == "A Name"


def test_without_a_serializer_there_is_no_such_member():
    with pytest.raises(InvalidRequest) as refused:
        profiles.validated({"full_name": "A Name"}, None)
    assert refused.value.errors == {"profile": ["This field is unknown."]}


def test_errors_of_members_within_members_are_named_by_their_path():
    errors = {"address": {"city": ["Too long.", "Not known."]}, "pets": [{}, {"name": ["Missing."]}]}
    made = type("Serializer", (), {"errors": errors})
    assert profiles._errors_of(made) == {
        "profile.address.city": ["Too long.", "Not known."],
        "profile.pets.name": ["Missing."],
    }
