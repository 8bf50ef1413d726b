"""Sign-ins under way in one browser."""

from dataclasses import replace

import pytest

from otp_app.web import progress


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    request.session = {}
    return request


def numbers(request):
    return [each.number for each in progress._all(request)]


def test_each_has_a_number_of_its_own(request_):
    one, two = progress.begin(request_, "+1", "a"), progress.begin(request_, "+2", "b")
    assert (one.number, two.number) == (1, 2)
    assert progress.find(request_, 1) == one
    assert progress.find(request_, 2) == two
    assert progress.find(request_, 3) is None


def test_the_newest_is_the_last_or_the_last_with_that_phone(request_):
    assert progress.newest(request_) is None
    first, again, other = (progress.begin(request_, phone, "x") for phone in ("+1", "+1", "+2"))
    assert progress.newest(request_) == other
    assert progress.newest(request_, "+1") == again != first
    assert progress.newest(request_, "+3") is None


def test_at_most_five_are_kept_and_a_number_does_not_come_again(request_):
    for n in range(8):
        progress.begin(request_, f"+{n}", "x")
    assert numbers(request_) == [4, 5, 6, 7, 8]
    assert progress.find(request_, 3) is None


def test_one_is_changed_and_the_others_stay(request_):
    one, two = progress.begin(request_, "+1", "a"), progress.begin(request_, "+2", "b")
    progress.change(request_, replace(one, challenge_id="c", extended=True))
    assert progress.find(request_, 1) == replace(one, challenge_id="c", extended=True)
    assert progress.find(request_, 2) == two


def test_changing_one_that_is_gone_begins_none(request_):
    progress.change(request_, progress.SignInBegun(9, "+1", "a", extended=False, checks=0, at=0))
    assert numbers(request_) == []


def test_who_has_signed_in_needs_none_of_them(request_):
    progress.begin(request_, "+1", "a")
    progress.end(request_)
    progress.end(request_)
    assert request_.session == {}


def test_who_sits_down_here_an_hour_later_learns_no_number(request_, clock):
    progress.begin(request_, "+1", "a")
    clock.advance(3500)
    assert progress.newest(request_)
    clock.advance(100)
    assert progress.newest(request_) is None


def test_another_send_is_a_new_beginning_and_a_new_code_may_be_extended_anew(request_, clock):
    begun = replace(progress.begin(request_, "+1", "a"), extended=True)
    clock.advance(60)
    assert begun.sent("a").at >= begun.at + 60_000
    assert begun.sent("a").extended
    assert not begun.sent("b").extended


def test_what_another_version_has_kept_is_passed_over(request_):
    progress.begin(request_, "+1", "a")
    request_.session["otp_app"].append({"number": 2, "phone": "+2"})
    assert [begun.phone for begun in (progress.newest(request_),)] == ["+1"]
