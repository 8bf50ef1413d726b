"""Authenticators: what one shows is good once, around its time."""

from datetime import timedelta
from uuid import uuid4

import pyotp
import pytest
from django.db import connection
from django.utils import timezone

from otp_app.db import clock as app_clock
from otp_app.factors import authenticators, kept, recovery_codes
from otp_app.models import Authenticator, RecoveryCode, User
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db

STEP = 30


def code_of(factor, apart=0):
    """What an authenticator shows, or showed so many steps before, or will show."""
    return pyotp.TOTP(authenticators.secret_of(factor)).generate_otp(app_clock.milliseconds() // 30_000 + apart)


def enrolled(user=None):
    user = user or User.objects.create_superuser(new_phone(), "x")
    factor = authenticators.new(user, uuid4().hex)
    return factor, authenticators.enrol(user, factor, code_of(factor))


def shows(factor, code):
    return authenticators.prove(factor.user, code, "")


@pytest.fixture(autouse=True)
def begun_step():
    with app_clock.stopped(1_800_000_000_000) as stopped:
        yield stopped


class TestEnrolment:
    def test_nothing_is_kept_until_a_code_of_the_authenticator_was_shown(self):
        user = User.objects.create_user(new_phone())
        factor = authenticators.new(user, uuid4().hex)
        assert authenticators.enrol(user, factor, "000000" if code_of(factor) != "000000" else "000001") == []
        assert not Authenticator.objects.exists()

    def test_the_code_of_the_enrolment_is_used_up(self):
        factor, _ = enrolled()
        assert not shows(factor, code_of(factor))

    def test_a_second_one_of_the_same_person_is_not_kept(self):
        first, codes = enrolled()
        assert enrolled(first.user)[1] == []
        assert authenticators.find(first.user) == first
        assert recovery_codes.prove(first.user, codes[0], "")

    def test_the_address_names_service_and_person(self, settings):
        settings.OTP_BRAND = "The Shop"
        factor, _ = enrolled()
        read = pyotp.parse_uri(authenticators.uri_of(factor, "+998901234567"))
        assert (read.issuer, read.name, read.secret) == ("The Shop", "+998901234567", authenticators.secret_of(factor))


class TestBegun:
    @pytest.fixture
    def user(self):
        return User.objects.create_user(new_phone())

    def test_it_proves_nobody_until_it_has_shown_a_code(self, user, begun_step):
        begun = authenticators.begin(user)
        assert not authenticators.is_held(user)
        assert not shows(begun, code_of(begun))
        assert not kept.is_of(user, begun.pk.hex)
        assert len(authenticators.finish(user, code_of(begun))) == 10
        assert authenticators.find(user) == begun
        assert authenticators.pending(user) is None

    def test_the_one_begun_last_counts(self, user):
        first, last = authenticators.begin(user), authenticators.begin(user)
        assert authenticators.pending(user) == last
        assert not authenticators.finish(user, code_of(first))

    def test_it_takes_the_place_of_the_one_that_the_person_has(self):
        factor, codes = enrolled()
        begun = authenticators.begin(factor.user)
        assert authenticators.find(factor.user) == factor
        assert authenticators.finish(factor.user, code_of(begun))
        assert authenticators.find(factor.user) == begun
        assert not recovery_codes.prove(factor.user, codes[0], "")

    def test_it_ends_after_ten_minutes(self, user):
        authenticators.begin(user)
        Authenticator.objects.update(created_at=timezone.now() - timedelta(seconds=599))
        assert authenticators.pending(user)
        Authenticator.objects.update(created_at=timezone.now() - timedelta(seconds=601))
        assert authenticators.pending(user) is None


class TestACode:
    @pytest.mark.parametrize(("apart", "right"), [(-2, False), (-1, False), (0, False), (1, True), (2, False)])
    def test_it_is_good_around_its_time_and_after_the_last_one_that_was_used(self, apart, right):
        factor, _ = enrolled()
        assert shows(factor, code_of(factor, apart)) is right

    def test_one_of_the_step_before_is_good_while_it_is_unused(self, begun_step):
        factor, _ = enrolled()
        begun_step.at += 10 * STEP * 1000
        assert shows(factor, code_of(factor, -1))
        assert not shows(factor, code_of(factor, -1))
        assert shows(factor, code_of(factor))

    def test_people_may_write_it_in_groups(self):
        factor, _ = enrolled()
        code = code_of(factor, 1)
        assert shows(factor, f" {code[:3]} {code[3:]} ")

    @pytest.mark.parametrize(
        "code", ["", "12345", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666", "x" * 11, "ſ", {}, {"code": "1"}]
    )
    def test_anything_else_is_wrong(self, code):
        assert not shows(enrolled()[0], code)

    def test_another_persons_is_wrong(self):
        one, other = enrolled()[0], enrolled()[0]
        assert not shows(one, code_of(other, 1))


class TestKeys:
    def test_the_secret_outlives_a_rotation_while_the_old_key_is_a_fallback(self, settings):
        factor, _ = enrolled()
        secret, old = authenticators.secret_of(factor), settings.SECRET_KEY
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", [old]
        assert authenticators.secret_of(factor) == secret
        settings.SECRET_KEY_FALLBACKS = []
        assert authenticators.secret_of(factor) == ""
        assert not shows(factor, "000000")
        assert authenticators.is_held(factor.user)  # it is asked for all the same: a code alone must not do instead

    def test_with_a_key_of_the_ledger_the_secret_outlives_all_others(self, settings):
        settings.OTP_LEDGER_KEY = "kept"
        factor, _ = enrolled()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", []
        assert shows(factor, code_of(factor, 1))

    def test_the_row_does_not_show_the_secret(self):
        factor, _ = enrolled()
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM otp_app_authenticator")
            row = str(cursor.fetchall())
        assert authenticators.secret_of(factor) not in row
        assert pyotp.TOTP(authenticators.secret_of(factor)).byte_secret().hex() not in row


def test_a_factor_that_was_removed_is_nobodys():
    factor, _ = enrolled()
    assert kept.is_of(factor.user, factor.pk.hex)
    assert not kept.is_of(User.objects.create_user(new_phone()), factor.pk.hex)
    assert authenticators.remove(factor.user)
    assert not authenticators.remove(factor.user)
    assert not kept.is_of(factor.user, factor.pk.hex)


@pytest.mark.django_db(transaction=True)
def test_one_code_is_taken_once_however_many_try():
    factor, _ = enrolled()
    code = code_of(factor, 1)
    assert race(lambda _: shows(factor, code), 12).count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_parallel_enrolments_leave_one_factor_with_its_ten_codes():
    user = User.objects.create_superuser(new_phone(), "x")
    answers = race(lambda _: enrolled(user), 4)
    ((factor, codes),) = [answer for answer in answers if answer[1]]
    assert authenticators.find(user).pk == factor.pk
    assert recovery_codes.left(user) == len(codes) == 10


@pytest.mark.django_db(transaction=True)
def test_one_that_was_begun_is_kept_once_however_many_show_its_code():
    user = User.objects.create_user(new_phone())
    code = code_of(authenticators.begin(user))
    answers = race(lambda _: authenticators.finish(user, code), 4)
    assert sorted(map(len, answers)) == [0, 0, 0, 10]
    assert recovery_codes.left(user) == 10


def test_the_pages_of_the_admin_that_list_what_a_user_has_show_no_secret():
    factor, _ = enrolled()
    assert str(factor) == str(factor.user_id)
    assert str(RecoveryCode.objects.get(number=3)) == "3"
