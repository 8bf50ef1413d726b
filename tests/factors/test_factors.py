"""The front door of factors: a check is paid before an answer is compared, whichever store counts."""

import pytest

from otp_app import factors
from otp_app.errors import Limited, NotAuthenticated
from otp_app.factors import authenticators, recovery_codes
from otp_app.models import User
from tests.factories import new_phone
from tests.factors.test_authenticators import code_of, enrolled

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("each_store")
@pytest.mark.django_db(transaction=True)
def test_a_wrong_answer_stays_paid_and_a_right_one_is_given_back(settings):
    settings.OTP_FACTORS_PER_ACCOUNT_DAY = 2
    factor, codes = enrolled()
    for code in codes[:4]:
        assert factors.prove(factor.user, "recovery_code", code)
    assert not factors.prove(factor.user, "recovery_code", codes[0])
    assert not factors.prove(factor.user, "authenticator", "abcdef")
    with pytest.raises(Limited):
        factors.prove(factor.user, "authenticator", code_of(factor, 1))
    assert factors.prove(enrolled()[0].user, "recovery_code", codes[5]) is False  # others have their own


def test_a_factor_that_there_is_not_costs_nothing_and_proves_nobody(settings):
    settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
    factor, _ = enrolled()
    assert [factors.prove(factor.user, by, "x") for by in ("code", "", "e-mail")] == [False] * 3
    assert factors.prove(factor.user, "authenticator", code_of(factor, 1))


@pytest.mark.parametrize("change", [authenticators.begin, lambda user: recovery_codes.keep(user, [])])
def test_whoever_is_erased_meanwhile_is_told_to_sign_in(change):
    user = User.objects.create_user(new_phone())
    User.objects.filter(pk=user.pk).delete()
    with pytest.raises(NotAuthenticated):
        change(user)


def test_recovery_codes_alone_protect_nobody():
    factor, _ = enrolled()
    assert factors.offered(factor.user) == [{"by": "authenticator"}, {"by": "recovery_code"}]
    assert factors.is_protected(factor.user)
    authenticators.remove(factor.user)
    assert factors.is_held(factor.user, "recovery_code")
    assert not factors.is_protected(factor.user)
    assert factors.offered(User.objects.create_user(new_phone())) == []


@pytest.mark.parametrize(
    ("typed", "kind"), [("123456", "authenticator"), ("", "authenticator"), ("0-abcde-fghjk", "recovery_code")]
)
def test_the_form_of_what_was_typed_tells_the_factor(typed, kind):
    assert factors.kind_of(typed) == kind
