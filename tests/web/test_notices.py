"""The page of the link in a notification: to look does nothing, a POST acts once, and the page says what was done."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import RequestFactory

from otp_app import accounts, notifications, services, stores, tokens
from otp_app.accounts import devices, events, recoveries
from otp_app.accounts import number_changes as change_rows
from otp_app.accounts import second_phones as second_phone_rows
from otp_app.challenges import codes
from otp_app.flows import number_changes, recovery, second_phones
from otp_app.models import EmailAddress, Notification
from otp_app.providers.gsm import count_segments
from tests.factories import new_phone
from tests.web.visitor import Visitor, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

FIREFOX = "Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/140.0"
ENDED = "That session has ended."


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture
def sign_in(user):
    """Return a function that signs the user in and returns what was issued."""
    return lambda: tokens.issue(tokens.current(), user, RequestFactory().get("/", HTTP_USER_AGENT=FIREFOX))


@pytest.fixture
def notified(user, outbox, settings):
    """Return a function that sends a notification of a session, and returns the path of its link."""
    settings.OTP_PUBLIC_URL = "https://testserver"

    def notify(issued):
        notifications.send(user, "new_device", subject=issued.session)
        return outbox[-1].body.splitlines()[-1].removeprefix("https://testserver")

    return notify


def press(visitor, path, after=""):
    """Press the button of the page, and return the page that follows."""
    response = visitor.post(path, after=after)
    assert (response.status_code, response["Location"]) == (302, path)
    return text_of(visitor.get(path))


def is_signed_in(issued):
    return tokens.authenticate(issued.token) is not None


def test_a_look_does_nothing_however_often(visitor, sign_in, notified):
    path = notified(issued := sign_in())
    for _ in range(3):
        response = visitor.get(path)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"
        assert "Firefox, Linux" in text_of(response)
    assert visitor.client.head(path).status_code == 200
    assert is_signed_in(issued)


def test_the_button_ends_that_session_and_no_other_and_the_owner_can_read_it(visitor, user, sign_in, notified):
    theirs, own = sign_in(), sign_in()
    path = notified(theirs)
    visitor.get(path)
    assert ENDED in press(visitor, path)
    assert (is_signed_in(theirs), is_signed_in(own)) == (False, True)
    assert [event.kind for event in events.of(user)] == ["sessions_ended"]
    row = Notification.objects.get()
    assert row.outcome == "ended"
    assert row.used_at >= row.created_at


def test_whoever_was_not_the_owner_is_no_known_device_any_more(visitor, user, sign_in, notified):
    path = notified(sign_in())
    device = devices.issue(user.phone, stores.current().now())
    assert devices.recognise(user.phone, device)
    visitor.get(path)
    press(visitor, path)
    assert not devices.recognise(user.phone, device)


def test_the_devices_of_whoever_has_the_number_by_then_stay_known(visitor, user, sign_in, notified):
    path, theirs = notified(sign_in()), user.phone
    user.phone = new_phone()
    user.save()
    device = devices.issue(theirs, stores.current().now())
    visitor.get(path)
    press(visitor, path)
    assert devices.recognise(theirs, device)


def test_whoever_says_that_it_was_somebody_else_stops_the_way_back(visitor, begun, sign_in, notified, user):
    row, _ = begun
    path = notified(sign_in())
    visitor.get(path)
    press(visitor, path)
    row.refresh_from_db()
    assert row.ended_by == "use"


def test_another_press_does_not_do_the_next_thing_and_another_look_tells_what_was_done(visitor, sign_in, notified):
    path, own = notified(sign_in()), sign_in()
    visitor.get(path)
    press(visitor, path)
    assert ENDED in press(visitor, path)  # the page of before, sent once more
    assert is_signed_in(own)
    other = Visitor(visitor.outbox)
    assert ENDED in text_of(other.get(path))


def test_then_everything_can_be_ended(visitor, user, sign_in, notified):
    path, own = notified(sign_in()), sign_in()
    visitor.get(path)
    assert "Sign out everywhere" in press(visitor, path)
    device = devices.issue(user.phone, stores.current().now())
    assert devices.recognise(user.phone, device)
    text = press(visitor, path, after="ended")
    assert "You are signed out on all devices." in text
    assert "Sign out everywhere" not in text
    assert not is_signed_in(own)
    assert not devices.recognise(user.phone, device)
    press(visitor, path, after="all_ended")
    assert len(events.of(user)) == 2


def test_a_session_that_has_ended_meanwhile_is_no_error(visitor, user, sign_in, notified):
    path = notified(sign_in())
    tokens.revoke_all(user)
    assert "This session has ended meanwhile." in text_of(visitor.get(path))
    assert ENDED in press(visitor, path)
    assert events.of(user) == []


def test_a_session_of_another_person_stays(visitor, outbox, user, settings, sign_in, notified):
    stranger = tokens.issue(tokens.current(), get_user_model().objects.create_user(new_phone()), None)
    path = notified(stranger)
    visitor.get(path)
    press(visitor, path)
    assert is_signed_in(stranger)


def test_a_form_of_another_site_does_nothing(visitor, sign_in, notified):
    path = notified(issued := sign_in())
    assert visitor.client.post(path, {"after": ""}).status_code == 403
    assert is_signed_in(issued)


@pytest.mark.parametrize("value", ["a", 22 * "a", "%00", "ü"])
def test_a_link_of_nothing_is_not_found(visitor, value):
    response = visitor.get(f"/n/{value}")
    assert response.status_code == 404
    assert "This link is no longer valid." in text_of(response)


def test_a_kind_without_a_page_is_not_found(visitor, sign_in, notified):
    path = notified(sign_in())
    Notification.objects.update(kind="card_added")
    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize(("language", "button"), [("ru", "Это не я"), ("uz", "Bu men emasman")])
def test_it_speaks_the_persons_language(outbox, sign_in, notified, language, button):
    path = notified(sign_in())
    assert button in text_of(Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language).get(path))


def test_it_shows_the_phone_masked_to_whoever_holds_the_link(visitor, user, sign_in, notified):
    html = visitor.get(notified(sign_in())).content.decode()
    assert user.phone not in html
    assert user.phone[:7] in html


# a changed number


@pytest.fixture
def changed(user, outbox, settings):
    """Change the number of the user; return the id of the change, and the path of the link that the old one got."""
    settings.OTP_PUBLIC_URL = "https://testserver"
    begun, new = "a" * 32, new_phone()
    change_rows.begin(user, user.phone, new, begun)
    challenge = services.send_code(phone=new, purpose="new_phone", new_id=begun).challenge
    number_changes.verify(user=user, challenge_id=begun, code=codes.code_for(challenge))
    assert outbox[-1].to == user.phone
    return begun, outbox[-1].body.splitlines()[-1].removeprefix("https://testserver")


def test_the_old_number_takes_itself_back_by_the_link_and_a_look_does_not(visitor, user, changed, sign_in):
    (_, path), issued, old = changed, sign_in(), user.phone
    assert "was given another phone number" in text_of(visitor.get(path))
    assert is_signed_in(issued)
    assert "The change is undone, and all devices are signed out." in press(visitor, path)
    user.refresh_from_db()
    assert (user.phone, is_signed_in(issued)) == (old, False)


def test_of_two_presses_both_are_told_that_the_change_is_undone(visitor, changed):
    change_id, path = changed
    visitor.get(path)
    number_changes.undo(change_id=change_id)  # the other request, which has not written down what it did
    assert "The change is undone" in press(visitor, path)


def test_of_two_presses_at_once_both_are_told_that_the_change_is_undone(visitor, changed, monkeypatch):
    undo = number_changes.undo

    def late(**asked):
        undo(**asked)  # the other request
        return undo(**asked)

    _, path = changed
    visitor.get(path)
    monkeypatch.setattr(number_changes, "undo", late)
    assert "The change is undone" in press(visitor, path)
    assert Notification.objects.get().outcome == "restored"


def test_after_three_days_the_link_says_that_it_is_too_late(visitor, changed, clock):
    _, path = changed
    visitor.get(path)
    clock.advance(72 * 3600 + 1)
    assert "The 72 hours are over: this change can no longer be undone." in press(visitor, path)


def test_whoever_looks_after_three_days_is_offered_nothing(visitor, changed, clock):
    _, path = changed
    assert "undo it" in text_of(visitor.get(path))
    clock.advance(72 * 3600 + 1)
    page = text_of(visitor.get(path))
    assert "The 72 hours are over" in page
    assert "undo it" not in page


def test_whoever_looks_after_the_change_was_undone_by_another_link_is_told_so(visitor, changed):
    change_id, path = changed
    number_changes.undo(change_id=change_id)
    page = text_of(visitor.get(path))
    assert "The change is undone" in page
    assert "undo it" not in page


def test_a_number_that_has_another_owner_is_not_given_back_and_the_page_says_so(visitor, user, changed):
    get_user_model().objects.create_user(user.phone)
    _, path = changed
    visitor.get(path)
    assert "The number belongs to another account by now" in press(visitor, path)


# a second number


@pytest.fixture
def added(user, outbox, settings):
    """Add a second number to the user; return the path of the link that the first one got."""
    settings.OTP_PUBLIC_URL = "https://testserver"
    change_rows.begin(user, user.phone, phone := new_phone(), begun := "a" * 32, second=True)
    challenge = services.send_code(phone=phone, purpose="new_phone", new_id=begun).challenge
    second_phones.verify(user=user, challenge_id=begun, code=codes.code_for(challenge))
    assert outbox[-1].to == user.phone
    return outbox[-1].body.splitlines()[-1].removeprefix("https://testserver")


def test_the_first_number_removes_a_second_one_by_the_link_and_a_look_does_not(visitor, user, added, sign_in):
    issued = sign_in()
    assert "was given a second phone number" in text_of(visitor.get(added))
    assert (is_signed_in(issued), bool(second_phone_rows.of(user))) == (True, True)
    assert "The second number is removed, and all devices are signed out." in press(visitor, added)
    assert (is_signed_in(issued), bool(second_phone_rows.of(user))) == (False, False)
    assert [event.kind for event in events.of(user)][:2] == ["sessions_ended", "second_phone_removed"]


def test_the_link_of_a_second_number_removes_another_one_that_was_put_in_its_place(visitor, user, added, sign_in):
    second_phone_rows.keep(user, new_phone(), "b" * 32, None)
    issued = sign_in()
    visitor.get(added)
    assert "Look whether a passkey, an authenticator app" in press(visitor, added)
    assert (is_signed_in(issued), second_phone_rows.of(user)) == (False, "")


@pytest.mark.parametrize(("language", "most"), [("en", 160), ("ru", 70), ("uz", 160)])
def test_its_message_is_one_segment_in_each_language_with_a_link(user, outbox, settings, language, most):
    settings.OTP_PUBLIC_URL = "https://login.example.uz"
    request = RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=language)
    notifications.send(user, "second_phone_added", subject="a" * 32, request=request)
    assert outbox[-1].language == language
    assert len(outbox[-1].body) <= most
    assert count_segments(outbox[-1].body) == 1


# a way back that was begun


@pytest.fixture
def begun(user, outbox, settings):
    """Begin a way back; return its row, and the path of the link that the number got."""
    settings.OTP_PUBLIC_URL = "https://testserver"
    accounts.record_sign_in(user)
    facts = {"email": "a@example.com", "checks_left": 0, "created_at": 1, "verified_at": 1}
    row = recoveries.ask(user.phone, EmailAddress.objects.create(user=user, **facts))
    recovery.begin(challenge_id=row.pk.hex, code=recoveries.code_of(row))
    assert outbox[-1].to == user.phone
    return row, outbox[-1].body.splitlines()[-1].removeprefix("https://testserver")


def test_the_link_of_a_way_back_stops_it_and_a_look_does_not(visitor, user, begun):
    row, path = begun
    assert "Somebody wants another phone number for the account of" in text_of(visitor.get(path))
    row.refresh_from_db()
    assert not row.ended_by
    assert "It is stopped. The account keeps its number." in press(visitor, path)
    row.refresh_from_db()
    assert row.ended_by == "link"
    assert events.of(user)[0].kind == "recovery_stopped"


def test_the_link_in_the_mail_stops_it_too_and_says_so_when_it_was_stopped_before(visitor, begun):
    row, _ = begun
    path = re.search("https://testserver(/n/.*)", mail.outbox[-1].body)[1]
    visitor.get(path)
    recovery.stop(recovery_id=row.pk.hex)
    assert "It is stopped." in press(visitor, path)


def test_when_the_number_is_given_the_link_says_that_it_is_too_late(visitor, begun):
    row, path = begun
    visitor.get(path)
    recoveries.finish(row)
    assert "This can no longer be stopped." in press(visitor, path)
