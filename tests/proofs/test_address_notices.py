"""When an address is told that it was removed or replaced; the API's tests play the changes."""

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction

from otp_app.proofs import address_notices
from otp_app.queues import background
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "person@example.com"


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


def test_within_a_transaction_it_waits_for_the_commit_and_a_rollback_tells_nothing(user, mailoutbox):
    with transaction.atomic():
        address_notices.tell_lost(user, EMAIL, None)
        transaction.set_rollback(True)
    with transaction.atomic():
        address_notices.tell_lost(user, EMAIL, None)
        assert not mailoutbox
    assert [message.to for message in mailoutbox] == [[EMAIL]]


def test_nothing_waits_for_the_mail(user, mailoutbox, monkeypatch):
    held = []
    monkeypatch.setattr(background, "run", lambda work, email: held.append((work, email)))
    address_notices.tell_lost(user, EMAIL, None)
    assert not mailoutbox
    ((work, email),) = held
    work(email)
    assert [message.to for message in mailoutbox] == [[EMAIL]]


def test_without_a_request_it_speaks_the_language_of_the_number_and_a_user_without_one_that_of_the_project(mailoutbox):
    for phone in ("+998901234567", ""):
        address_notices.tell_lost(get_user_model()(phone=phone), EMAIL, None)
    assert [message.subject for message in mailoutbox] == [
        "OTP: bu manzil endi hisobingizda yoʻq",
        "OTP: your account no longer has this e-mail address",
    ]
