"""Recovery codes: ten, each good once, of which only slow hashes are kept."""

import pytest

from otp_app.factors import recovery_codes
from otp_app.models import RecoveryCode, User
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db


def kept(user):
    codes, rows = recovery_codes.new()
    recovery_codes.keep(user, rows)
    return codes


def right(user, code):
    return recovery_codes.prove(user, code, "")


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


def test_there_are_ten_of_which_only_hashes_are_kept(user):
    codes = kept(user)
    assert len(set(codes)) == len({code[2:] for code in codes}) == recovery_codes.left(user) == 10
    hashes = "".join(RecoveryCode.objects.values_list("hash", flat=True))
    assert not any(part in hashes for code in codes for part in code.split("-")[1:])


def test_each_is_good_once(user):
    codes = kept(user)
    assert [right(user, code) for code in (*codes, *codes)] == [True] * 10 + [False] * 10
    assert not recovery_codes.is_held(user)


def test_people_may_write_one_as_they_like(user):
    assert right(user, kept(user)[0].upper().replace("-", " "))


def test_new_ones_take_the_place_of_the_old(user):
    old, new = kept(user), kept(user)
    assert not right(user, old[0])
    assert right(user, new[0])


def test_another_persons_is_wrong(user):
    other = kept(User.objects.create_user(new_phone()))
    kept(user)
    assert not right(user, other[0])


@pytest.mark.parametrize("code", ["", "12345678901", "abcdefghijk", "0-abcde", "\u0661abcdefghjk", {}, {"code": "0"}])
def test_anything_else_is_wrong(user, code):
    kept(user)
    assert not right(user, code)


@pytest.mark.django_db(transaction=True)
def test_one_code_is_taken_once_however_many_try(user):
    code = kept(user)[3]
    assert race(lambda _: right(user, code), 12).count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_of_parallel_renewals_one_leaves_its_ten(user):
    answers = race(lambda _: kept(user), 4)
    assert recovery_codes.left(user) == 10
    assert [right(user, codes[0]) for codes in answers].count(True) == 1
