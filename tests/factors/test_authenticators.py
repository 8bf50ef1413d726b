"""The second factor of staff: what an authenticator shows and a recovery code are good for, and for how long."""

from uuid import uuid4

import pyotp
import pytest
from django.db import connection

from otp_app.db import clock as app_clock
from otp_app.factors import authenticators
from otp_app.models import RecoveryCode, StaffFactor, User
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db

STEP = 30


def code_of(factor, apart=0):
    """What an authenticator shows, or showed so many steps before, or will show."""
    return pyotp.TOTP(authenticators.secret_of(factor)).generate_otp(app_clock.milliseconds() // 30_000 + apart)


def enrolled(user=None):
    factor = authenticators.new(user or User.objects.create_superuser(new_phone(), "x"), uuid4().hex)
    return factor, authenticators.enrol(factor, code_of(factor))


@pytest.fixture(autouse=True)
def begun_step():
    with app_clock.stopped(1_800_000_000_000) as stopped:
        yield stopped


class TestEnrolment:
    def test_nothing_is_kept_until_a_code_of_the_authenticator_was_shown(self):
        factor = authenticators.new(User.objects.create_superuser(new_phone(), "x"), uuid4().hex)
        assert authenticators.enrol(factor, "000000" if code_of(factor) != "000000" else "000001") == []
        assert not StaffFactor.objects.exists()

    def test_it_gives_ten_recovery_codes_of_which_only_hashes_are_kept(self):
        _, codes = enrolled()
        assert len(set(codes)) == len({code[2:] for code in codes}) == 10
        kept = "".join(RecoveryCode.objects.values_list("hash", flat=True))
        assert not any(part in kept for code in codes for part in code.split("-")[1:])

    def test_the_code_of_the_enrolment_is_used_up(self):
        factor, _ = enrolled()
        assert authenticators.use(factor, code_of(factor)) == ""

    def test_a_second_one_of_the_same_person_is_not_kept(self):
        first, codes = enrolled()
        assert enrolled(first.user)[1] == []
        assert authenticators.find(first.user) == first
        assert authenticators.use(first, codes[0]) == "recovery"

    def test_the_address_names_service_and_person(self, settings):
        settings.OTP_BRAND = "The Shop"
        factor, _ = enrolled()
        read = pyotp.parse_uri(authenticators.uri_of(factor, "+998901234567"))
        assert (read.issuer, read.name, read.secret) == ("The Shop", "+998901234567", authenticators.secret_of(factor))


class TestACode:
    @pytest.mark.parametrize(("apart", "kind"), [(-2, ""), (-1, ""), (0, ""), (1, "totp"), (2, "")])
    def test_it_is_good_around_its_time_and_after_the_last_one_that_was_used(self, apart, kind):
        factor, _ = enrolled()
        assert authenticators.use(factor, code_of(factor, apart)) == kind

    def test_one_of_the_step_before_is_good_while_it_is_unused(self, begun_step):
        factor, _ = enrolled()
        begun_step.at += 10 * STEP * 1000
        assert authenticators.use(factor, code_of(factor, -1)) == "totp"
        assert authenticators.use(factor, code_of(factor, -1)) == ""
        assert authenticators.use(factor, code_of(factor)) == "totp"

    def test_people_may_write_it_in_groups(self, begun_step):
        factor, codes = enrolled()
        code = code_of(factor, 1)
        assert authenticators.use(factor, f" {code[:3]} {code[3:]} ") == "totp"
        assert authenticators.use(factor, codes[0].upper().replace("-", " ")) == "recovery"

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666", "x" * 11, "ſ"])
    def test_anything_else_is_wrong(self, code):
        assert authenticators.use(enrolled()[0], code) == ""

    def test_another_persons_is_wrong(self):
        one, _ = enrolled()
        other, codes = enrolled()
        assert authenticators.use(one, code_of(other, 1)) == ""
        assert authenticators.use(one, codes[0]) == ""

    def test_a_recovery_code_is_good_once(self):
        factor, codes = enrolled()
        assert [authenticators.use(factor, code) for code in (*codes, *codes)] == ["recovery"] * 10 + [""] * 10


class TestKeys:
    def test_the_secret_outlives_a_rotation_while_the_old_key_is_a_fallback(self, settings):
        factor, codes = enrolled()
        secret, old = authenticators.secret_of(factor), settings.SECRET_KEY
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", [old]
        assert authenticators.secret_of(factor) == secret
        settings.SECRET_KEY_FALLBACKS = []
        assert authenticators.secret_of(factor) == ""
        assert authenticators.use(factor, "000000") == ""
        assert authenticators.use(factor, codes[0]) == "recovery"

    def test_with_a_key_of_the_ledger_the_secret_outlives_all_others(self, settings):
        settings.OTP_LEDGER_KEY = "kept"
        factor, _ = enrolled()
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = 60 * "n", []
        assert authenticators.use(factor, code_of(factor, 1)) == "totp"

    def test_the_row_does_not_show_the_secret(self):
        factor, _ = enrolled()
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM otp_app_staff_factor")
            row = str(cursor.fetchall())
        assert authenticators.secret_of(factor) not in row
        assert pyotp.TOTP(authenticators.secret_of(factor)).byte_secret().hex() not in row


def test_a_factor_that_was_removed_is_nobodys():
    factor, _ = enrolled()
    assert authenticators.is_of(factor.user, factor.pk.hex)
    assert not authenticators.is_of(User.objects.create_user(new_phone()), factor.pk.hex)
    assert authenticators.remove(factor.user)
    assert not authenticators.remove(factor.user)
    assert not authenticators.is_of(factor.user, factor.pk.hex)
    assert not RecoveryCode.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_one_code_is_taken_once_however_many_try(kind):
    factor, codes = enrolled()
    code = code_of(factor, 1) if kind == "totp" else codes[3]
    answers = race(lambda _: authenticators.use(factor, code), 12)
    assert sorted(answers) == [""] * 11 + [kind]


@pytest.mark.django_db(transaction=True)
def test_parallel_enrolments_leave_one_factor_with_its_ten_codes():
    user = User.objects.create_superuser(new_phone(), "x")
    answers = race(lambda _: enrolled(user), 4)
    ((factor, codes),) = [answer for answer in answers if answer[1]]
    assert authenticators.find(user).pk == factor.pk
    assert RecoveryCode.objects.count() == len(codes) == 10


def test_the_pages_of_the_admin_that_list_what_a_user_has_show_no_secret():
    factor, _ = enrolled()
    assert str(factor) == str(factor.user_id)
    assert str(factor.recovery_codes.get(number=3)) == "3"
