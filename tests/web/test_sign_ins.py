"""Sign-ins that one browser has begun."""

from dataclasses import replace

import pytest

from otp_app.web import sign_ins


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    request.session = {}
    return request


def numbers(request):
    return [each.number for each in sign_ins._load(request)]


def test_each_has_a_number_of_its_own(request_):
    one, two = sign_ins.begin(request_, "+1", "a"), sign_ins.begin(request_, "+2", "b")
    assert (one.number, two.number) == (1, 2)
    assert sign_ins.find(request_, 1) == one
    assert sign_ins.find(request_, 2) == two
    assert sign_ins.find(request_, 3) is None


def test_the_newest_is_the_last_or_the_last_with_that_phone(request_):
    assert sign_ins.newest(request_) is None
    first, again, other = (sign_ins.begin(request_, phone, "x") for phone in ("+1", "+1", "+2"))
    assert sign_ins.newest(request_) == other
    assert sign_ins.newest(request_, "+1") == again != first
    assert sign_ins.newest(request_, "+3") is None


def test_at_most_five_are_kept_and_a_number_does_not_come_again(request_):
    for n in range(8):
        sign_ins.begin(request_, f"+{n}", "x")
    assert numbers(request_) == [4, 5, 6, 7, 8]
    assert sign_ins.find(request_, 3) is None


def test_one_is_changed_and_the_others_stay(request_):
    one, two = sign_ins.begin(request_, "+1", "a"), sign_ins.begin(request_, "+2", "b")
    sign_ins.update(request_, replace(one, challenge_id="c", extended=True))
    assert sign_ins.find(request_, 1) == replace(one, challenge_id="c", extended=True)
    assert sign_ins.find(request_, 2) == two


def test_changing_one_that_is_gone_begins_none(request_):
    sign_ins.update(request_, sign_ins.BegunSignIn(9, "+1", "a", extended=False, checks=0, at=0))
    assert numbers(request_) == []


def test_who_has_signed_in_needs_none_of_them(request_):
    sign_ins.begin(request_, "+1", "a")
    sign_ins.forget(request_)
    sign_ins.forget(request_)
    assert request_.session == {}


def test_who_sits_down_here_an_hour_later_learns_no_number(request_, clock):
    sign_ins.begin(request_, "+1", "a")
    clock.advance(3500)
    assert sign_ins.newest(request_)
    clock.advance(100)
    assert sign_ins.newest(request_) is None


def test_another_send_is_a_new_beginning_and_a_new_code_may_be_extended_anew(request_, clock):
    begun = replace(sign_ins.begin(request_, "+1", "a"), extended=True)
    clock.advance(60)
    assert begun.sent("a").at >= begun.at + 60_000
    assert begun.sent("a").extended
    assert not begun.sent("b").extended


def test_what_another_version_has_kept_is_passed_over(request_):
    sign_ins.begin(request_, "+1", "a")
    request_.session["otp_app"].append({"number": 2, "phone": "+2"})
    assert [begun.phone for begun in (sign_ins.newest(request_),)] == ["+1"]
