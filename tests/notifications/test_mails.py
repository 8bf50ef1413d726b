"""What an address is told by mail; the tests of the API and of the flows play what it tells of."""

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction

from otp_app import notifications
from otp_app.factors import emails
from otp_app.models import EmailAddress
from otp_app.notifications import mails
from otp_app.queues import background
from otp_app.users import lost_phone
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "person@example.com"


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


def test_within_a_transaction_it_waits_for_the_commit_and_a_rollback_tells_nothing(user, mailoutbox):
    with transaction.atomic():
        mails.tell_lost(user, EMAIL, None)
        transaction.set_rollback(True)
    with transaction.atomic():
        mails.tell_lost(user, EMAIL, None)
        assert not mailoutbox
    assert [message.to for message in mailoutbox] == [[EMAIL]]


def test_nothing_waits_for_the_mail(user, mailoutbox, monkeypatch):
    held = []
    monkeypatch.setattr(background, "run", lambda work, email: held.append((work, email)))
    mails.tell_lost(user, EMAIL, None)
    assert not mailoutbox
    ((work, email),) = held
    work(email)
    assert [message.to for message in mailoutbox] == [[EMAIL]]


def test_without_a_request_it_speaks_the_language_of_the_number_and_a_user_without_one_that_of_the_project(mailoutbox):
    for phone in ("+998901234567", ""):
        mails.tell_lost(get_user_model()(phone=phone), EMAIL, None)
    assert [message.subject for message in mailoutbox] == [
        "OTP: bu manzil endi hisobingizda yoʻq",
        "OTP: your account no longer has this e-mail address",
    ]


def prove_address(user):
    EmailAddress.objects.create(user=user, email=EMAIL, created_at=1, verified_at=1, checks_left=0)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (notifications.NEW_DEVICE, "Somebody has signed in to your account at A & B by a device"),
        (notifications.NUMBER_CHANGED, "The phone number of your account at A & B was changed."),
        (notifications.FACTOR_ADDED, "An authenticator app or a passkey was added to your account at A & B."),
        (notifications.SECOND_PHONE_ADDED, "A second phone number was added to your account at A & B."),
        (notifications.SECOND_PHONE_REMOVED, "The second phone number of your account at A & B was removed."),
    ],
)
@pytest.mark.parametrize("has_number", [True, False])
def test_a_notification_goes_to_the_proven_address_too_also_where_there_is_no_number(
    settings, mailoutbox, outbox, user, kind, what, has_number
):
    settings.OTP_BRAND = "A & B"
    user.language = "en"
    user.phone = user.phone if has_number else lost_phone()
    prove_address(user)
    notifications.send(user, kind)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([EMAIL], "A & B: a notice about your account")
    assert mail.body.startswith(what)
    assert "end all other sessions." in mail.body
    assert len(outbox) == has_number


def test_two_numbers_are_told_and_one_address(user, mailoutbox, outbox):
    prove_address(user)
    notifications.send(user, notifications.SECOND_PHONE_ADDED, also="+998901234567")
    assert [message.to for message in outbox] == [user.phone, "+998901234567"]
    assert len(mailoutbox) == 1


def test_the_address_is_named_as_a_way_back_where_it_is_one(user, settings, mailoutbox):
    prove_address(user)
    user.language = "en"
    for settings.OTP_RECOVERY_WAIT in (72 * 3600, 0):
        notifications.send(user, notifications.FACTOR_ADDED)
    assert ["by this address" in mail.body for mail in mailoutbox] == [True, False]


def test_what_has_no_text_for_mails_and_an_address_that_is_not_proven_get_none(user, mailoutbox):
    EmailAddress.objects.create(user=user, email=EMAIL, created_at=1, checks_left=5)
    notifications.send(user, notifications.FACTOR_ADDED)
    prove_address(user)
    notifications.send(user, notifications.EMAIL_ADDED)  # the address that was just proven
    assert not mailoutbox


def test_an_address_that_cannot_be_read_fails_nothing(user, monkeypatch, caplog, outbox):
    def fail(*_):
        raise DatabaseError("person@example.com")

    monkeypatch.setattr(emails, "find", fail)
    notifications.send(user, notifications.FACTOR_ADDED)
    assert "not notified of factor_added: DatabaseError" in caplog.messages
    assert EMAIL not in caplog.text
    assert len(outbox) == 1
