"""Notifications: an SMS without a code, which no limit of codes counts and nobody can answer."""

import logging

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.test import RequestFactory

from otp_app import notifications, services, stores
from otp_app.accounts import notifications as kept
from otp_app.delivery import dispatch, reports, sweeper
from otp_app.errors import InvalidOrExpiredCode
from otp_app.models import ChallengeRow, Delivery, Notification
from otp_app.providers.base import Event, NotAccepted, Rejected
from otp_app.stores.redis import recovery
from otp_app.testing.in_force import in_force
from tests.factories import new_phone
from tests.races import race
from tests.remote import remotes
from tests.rulings.made import ruled

pytestmark = pytest.mark.django_db
STORES = pytest.mark.usefixtures("each_store")
COMMITTED = pytest.mark.django_db(transaction=True)
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture(autouse=True)
def public(settings):
    settings.OTP_PUBLIC_URL = "https://login.example.com"


@pytest.fixture
def held(monkeypatch):
    """Have no queue bring a notification to its provider: a sweep finds it."""
    monkeypatch.setattr(notifications.background, "run", lambda work, grant: None)


@pytest.fixture
def at_once(monkeypatch):
    """Have the provider called before the answer, although it costs money."""
    monkeypatch.setattr(notifications.background, "run", notifications.background._run_safely)


def notify(user, **more):
    notifications.send(user, "new_device", **{"subject": "s"} | more)


# the message


@STORES
@COMMITTED
def test_it_goes_to_the_users_phone_without_a_code_and_its_delivery_is_recorded(user, outbox):
    notify(user, subject="s")
    (message,) = outbox
    assert (message.to, message.channel, message.code) == (user.phone, "sms", "")
    (row, delivery) = (Notification.objects.get(), Delivery.objects.get())
    assert (delivery.challenge, delivery.status, delivery.segments) == (row.pk, "sent", 1)
    assert (row.user, row.kind, row.subject, row.outcome) == (user, "new_device", "s", "")
    assert str(row) == f"new_device {user.phone[:7]}••••••"


def test_it_goes_to_another_phone_if_one_is_named(user, outbox):
    notify(user, phone=(former := new_phone()))
    assert outbox[-1].to == former


def test_who_has_no_phone_gets_none(outbox, django_user_model):
    notify(django_user_model())
    assert outbox == []


@pytest.mark.parametrize(("accepted", "language"), [("ru", "ru"), ("en", "en"), ("", "uz")])
def test_it_is_in_the_language_of_the_request_or_else_of_the_number(user, outbox, accepted, language):
    notify(user, request=RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE=accepted))
    assert outbox[-1].language == language


@pytest.mark.parametrize(("chosen", "language"), [("uz", "uz"), ("", "en"), ("de", "en")])
def test_it_is_in_the_language_that_the_user_has_chosen_whoever_has_made_the_request(user, outbox, chosen, language):
    user.language = chosen
    notify(user, request=RequestFactory().get("/", HTTP_ACCEPT_LANGUAGE="en"))
    assert outbox[-1].language == language


def test_the_link_is_in_no_table_and_that_of_another_notification_is_another(user, outbox):
    notify(user)
    notify(user)
    one, other = (message.body.rpartition("/")[2] for message in outbox)
    assert one != other
    assert len(one) == 22
    assert one.isalnum()
    row = kept.of_value(one)
    assert row.user == user
    assert one not in str(Notification.objects.values().get(pk=row.pk))


def test_without_a_subject_there_is_nothing_to_act_on_and_no_link(user, outbox):
    notify(user, subject="")
    assert "https" not in outbox[-1].body


def test_a_project_sends_a_kind_of_its_own_with_a_text_of_its_own(user, outbox, settings, tmp_path):
    (tmp_path / "otp_app").mkdir()
    (tmp_path / "otp_app/card_added.notice.sms.txt").write_text("{{ brand }}: a card & more.")
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    notifications.send(user, "card_added")
    assert outbox[-1].body == "OTP: a card & more."


def test_a_key_that_is_replaced_meanwhile_still_makes_the_link_and_one_that_is_gone_makes_none(
    user, outbox, settings, held
):
    notify(user)
    notify(user)
    first, second = Notification.objects.order_by("created_at", "pk")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    dispatch.deliver(first.pk.hex)
    settings.SECRET_KEY_FALLBACKS = []
    dispatch.deliver(second.pk.hex)
    assert kept.of_value(outbox[0].body.rpartition("/")[2]) == first
    assert "https" not in outbox[1].body


# limits


@STORES
@COMMITTED
def test_it_takes_nothing_of_the_phones_sends_and_waits_for_none(user, outbox):
    """Neither the wait nor the amounts of a phone see it, in either lane."""
    for _ in range(5):
        notify(user)
    assert services.send_code(phone=user.phone).challenge.sends_left == 2
    notify(user)
    assert len(outbox) == 6  # five notifications and the code


@STORES
@COMMITTED
def test_a_phone_gets_five_in_a_day_however_many_ask_at_once(user, outbox, settings):
    race(lambda _: notify(user), 12)
    assert Notification.objects.count() == Delivery.objects.count() == len(outbox) == 5


@STORES
@COMMITTED
def test_no_flood_of_one_kind_keeps_a_change_of_the_number_or_a_factor_from_being_told(user, outbox):
    for _ in range(6):
        notify(user)
    for _ in range(6):
        notifications.send(user, notifications.FACTOR_ADDED)
    for _ in range(6):
        notifications.send(user, notifications.NUMBER_CHANGED, subject="c")
    told = list(Notification.objects.order_by("created_at").values_list("kind", flat=True))
    assert len(outbox) == len(told) == 16
    assert (told.count("new_device"), told.count("factor_added"), told.count("number_changed")) == (5, 5, 6)


@COMMITTED
def test_beyond_the_budget_even_a_change_of_the_number_is_not_told(user, at_once):
    with remotes() as remote, in_force(OTP_BUDGET_PER_DAY=1):
        for _ in range(21):
            notifications.send(user, notifications.NUMBER_CHANGED, subject="c")
        assert len(remote.sent) == 20  # 0.05 each


def test_the_next_one_is_sent_a_day_later(user, outbox, clock, settings):
    settings.OTP_NOTIFICATIONS_PER_PHONE_DAY = 1
    notify(user)
    notify(user)
    clock.advance(DAY + HOUR)
    notify(user)
    assert len(outbox) == 2


@STORES
@COMMITTED
def test_it_takes_of_the_budget_and_is_refused_beyond_it(user, at_once):
    prices = {"OTP_BUDGET_PER_DAY": 1}
    with remotes() as remote, in_force(**prices):
        for _ in range(5):
            notify(user)
        assert len(remote.sent) == 5  # 0.25 of 1
        for _ in range(15):
            notify(user, phone=new_phone())
        assert len(remote.sent) == 20
        notify(user, phone=new_phone())
        assert len(remote.sent) == 20


def test_a_blocked_phone_gets_none(user, outbox, caplog):
    ruled(f"phone {user.phone}", "shut")
    with caplog.at_level(logging.INFO):
        notify(user)
    assert outbox == []
    assert "not notified of new_device: Limited" in caplog.text
    assert user.phone not in caplog.text


def test_a_blocked_country_gets_them_all_the_same_as_its_people_are_signed_in(user, outbox):
    ruled("region UZ", "shut")
    notify(user)
    assert len(outbox) == 1


@COMMITTED
def test_a_store_that_lost_its_data_takes_it_for_no_send_of_the_phone_or_the_country(user, at_once):
    with remotes():
        notify(user)
    now = stores.current().now()
    assert recovery.of_phone("default", user.phone, now)["s"]["s"] == []
    (money,) = recovery.of_key_counters("default", now)["counters"]
    assert list(money["slots"].values()) == [500]  # ten-thousandths: what it cost is known


# nobody can answer it


@STORES
@COMMITTED
def test_no_code_answers_it_and_no_request_finds_it(user, outbox):
    notify(user)
    pk = Notification.objects.get().pk.hex
    for purpose in ("login", "change_phone", "new_device"):
        with pytest.raises(InvalidOrExpiredCode):
            services.verify_code(phone=user.phone, code="000000", purpose=purpose, challenge_id=pk)
    with pytest.raises(InvalidOrExpiredCode):
        services.state(challenge_id=pk)
    with pytest.raises(InvalidOrExpiredCode):
        services.send_code(phone=user.phone, challenge_id=pk)
    assert not services.cancel(challenge_id=pk)
    assert not ChallengeRow.objects.exists()


# faults


@COMMITTED
def test_the_next_provider_gets_what_the_first_one_did_not_accept(user, at_once):
    with remotes("one", "two") as remote:
        remote.fail(NotAccepted("down"), "one")
        notify(user)
        assert remote.asked() == ["one", "two"]
    assert [row.status for row in Delivery.objects.order_by("handover")] == ["failed", "sent"]


@pytest.mark.parametrize("error", [NotAccepted("down"), Rejected("30005")])
def test_what_no_provider_accepts_raises_nothing(user, error, at_once):
    with remotes() as remote:
        remote.fail(error)
        notify(user)
        assert Delivery.objects.get().status == "failed"
        remote.work()
        notify(user)
        assert len(remote.sent) == (1 if isinstance(error, Rejected) else 2)  # a rejected number gets nothing for a day


@STORES
@COMMITTED
def test_an_outage_uses_up_nothing_of_the_phone_and_of_the_budget(user, at_once):
    with remotes() as remote, in_force(OTP_BUDGET_PER_DAY=1, OTP_CIRCUIT_FAILURES=1000):
        remote.fail(NotAccepted("down"))
        for _ in range(25):
            notify(user)
        remote.work()
        for number in (user.phone, *(new_phone() for _ in range(3))):
            for _ in range(5):
                notify(user, phone=number)
        assert len(remote.sent) == 25 + 20  # 20 of 0.05 are all of 1


@STORES
@COMMITTED
def test_what_a_queue_was_too_late_for_is_given_back(user, held, clock, settings):
    settings.OTP_NOTIFICATIONS_PER_PHONE_DAY = 1
    for _ in range(2):
        notify(user)
        clock.advance(2 * HOUR + 60)
        sweeper.sweep()
    assert [row.error for row in Delivery.objects.all()] == ["late", "late"]


def test_an_outage_of_the_database_or_the_store_raises_nothing(user, outbox, monkeypatch, caplog):
    def failing(*_, **__):
        raise DatabaseError(user.phone)

    monkeypatch.setattr(kept, "add", failing)
    notify(user)
    monkeypatch.setattr(notifications.stores, "current", failing)
    notify(user)
    assert caplog.text.count("not notified of new_device: DatabaseError") == 2
    assert user.phone not in caplog.text
    assert outbox == []


@STORES
@COMMITTED
def test_a_sweep_delivers_what_a_killed_process_has_left_behind_once(user, outbox, held, clock):
    notify(user)
    assert outbox == []
    clock.advance(10)
    sweeper.sweep()
    sweeper.sweep()
    assert [message.code for message in outbox] == [""]
    assert outbox[0].body.startswith("OTP: ")


@COMMITTED
def test_what_is_late_is_not_sent_any_more(user, outbox, held, clock):
    notify(user)
    clock.advance(2 * HOUR + 60)
    sweeper.sweep()
    assert outbox == []
    assert Delivery.objects.get().error == "late"


@COMMITTED
def test_within_a_transaction_it_waits_for_the_commit(user, outbox):
    with transaction.atomic():
        notify(user)
        assert not Notification.objects.exists()
    assert len(outbox) == 1
    with transaction.atomic():
        notify(user)
        transaction.set_rollback(True)
    assert len(outbox) == 1


@COMMITTED
def test_a_report_about_it_suppresses_a_number_at_fault(user, outbox):
    notify(user)
    reports.apply("memory", Event("failed", id=Delivery.objects.get().reference, rejected=True))
    assert Delivery.objects.get().status == "failed"
    notify(user)
    assert len(outbox) == 1


# how long it is kept


def test_it_is_kept_and_its_link_is_good_for_seven_days(user, outbox, clock):
    notify(user)
    value = outbox[0].body.rpartition("/")[2]
    clock.advance(7 * DAY - 60)
    kept.purge(stores.current().now())
    assert kept.of_value(value)
    clock.advance(120)
    assert kept.of_value(value) is None
    sweeper.purge()
    assert not Notification.objects.exists()
