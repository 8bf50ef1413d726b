"""What is special to the SQL store: rows that are read and then changed, and its purge."""

import pytest
from django.db import transaction

from otp_app.challenges import Status
from otp_app.errors import InvalidOrExpiredCode, Limited
from otp_app.models import ChallengeRow, Counter, Delivery
from otp_app.queries import run
from otp_app.stores import rows, standing, takes
from otp_app.stores.counters import lift, read
from otp_app.stores.sql import SqlStore
from otp_app.stores.takes import Take, take
from tests.asking import open_one, send_again, sending
from tests.races import race

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture
def store(clock):
    return SqlStore()


def overtaken(monkeypatch, module, name, meanwhile):
    """What a function of a module returns is old already when it is used: ``meanwhile`` has run."""
    really = getattr(module, name)

    def read_and_be_overtaken(alias, *asked):
        result = really(alias, *asked)
        meanwhile(alias)
        return result

    monkeypatch.setattr(module, name, read_and_be_overtaken)


@pytest.mark.parametrize("call", ["send again", "undo"])
def test_i2_a_check_spent_in_the_middle_of_a_send_stays_spent(store, clock, monkeypatch, call):
    opened = open_one(store).challenge
    clock.advance(60)

    def spend(alias):
        which = rows.open_to_check(alias, opened.phone, "login", opened.id, "")
        assert run(alias, rows.spending_check(alias, which, by_phone=False))

    overtaken(monkeypatch, *((standing, "lock") if call == "send again" else (rows, "find")), spend)
    if call == "send again":
        send_again(store, opened)
    else:
        store.undo_send(opened)
    monkeypatch.undo()
    assert ChallengeRow.objects.get(id=opened.id).checks_left == 4


def test_a_challenge_that_ends_in_the_middle_of_a_send_is_not_sent_again(store, clock, monkeypatch):
    opened = open_one(store).challenge
    clock.advance(60)
    overtaken(monkeypatch, standing, "lock", lambda alias: rows.cancel(alias, opened.id))
    with pytest.raises(InvalidOrExpiredCode):
        send_again(store, opened)
    assert Delivery.objects.filter(challenge=opened.id).count() == 1


def test_what_is_given_back_to_a_counter_that_was_lost_is_no_credit(store, settings):
    settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = 1
    opened = open_one(store, client="192.0.2.1").challenge
    Counter.objects.all().delete()
    store.close(opened, Status.APPROVED)
    open_one(store, client="192.0.2.1")
    with pytest.raises(Limited):
        open_one(store, client="192.0.2.1")


def test_a_purge_deletes_the_dead_and_spares_what_still_counts(store, clock):
    dead = open_one(store, client="192.0.2.1").challenge
    clock.advance(DAY + 301)
    living = open_one(store).challenge
    assert store.purge() == 1
    assert store.get(dead.id) is None
    assert store.get(living.id) == living
    assert not Counter.objects.filter(expires_at__lt=store.now()).exists()
    assert store.purge() == 0


def test_a_purge_works_in_batches(store, clock, monkeypatch):
    monkeypatch.setattr("otp_app.stores.purge.BATCH", 2)
    for _ in range(5):
        open_one(store, client="192.0.2.1")
    clock.advance(2 * DAY)
    assert store.purge() == 5
    assert not ChallengeRow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_counters_named_in_either_order_wait_for_each_other_in_one():
    """Without one order two requests hold a row each and wait for the other's: PostgreSQL ends one by an error."""
    keys = ["1" * 32, "2" * 32, "3" * 32]

    def take_all(number):
        for _ in range(20):
            with transaction.atomic():
                take("default", [Take(key, 24, 1000) for key in (keys if number % 2 else reversed(keys))])
        return True

    assert race(take_all, 12) == [True] * 12
    assert {sum(slots.values()) for slots, _ in read("default", keys)[1].values()} == {240}


@pytest.mark.django_db(transaction=True)
def test_lifting_a_block_and_taking_what_it_is_about_wait_for_each_other_in_one_order():
    """Both orders of keys: which of the two is the blocked one differs from installation to installation."""
    keys = ["1" * 32, "2" * 32]

    def either(number):
        for _ in range(20):
            if number % 2:
                with transaction.atomic():
                    lift("default", *(keys if number % 4 == 1 else reversed(keys)))
            else:
                with transaction.atomic():
                    take("default", [Take(key, 24, 1000) for key in keys])
        return True

    assert race(either, 12) == [True] * 12


def test_a_challenge_from_before_charges_named_their_send_is_answered_and_undone(store, clock):
    opened, undone = (open_one(store, client="192.0.2.1").challenge for _ in range(2))
    for row in ChallengeRow.objects.all():
        row.charges = [[key, slot, cost, shared] for key, slot, cost, shared, converts, _ in row.charges if converts]
        row.save()
    assert store.close(store.get(opened.id), Status.APPROVED)
    store.undo_send(undone)
    limits = [limit for limit in sending(undone, "192.0.2.1").limits if limit.name == "unconverted_per_client_hour"]
    assert store.usage(limits, phone=undone.phone)[0].used == 1  # which of its sends took what is not known
    assert store.get(undone.id).status is Status.CANCELED


def test_a_success_gives_back_to_the_slot_that_the_database_took_from(store, exact, monkeypatch):
    """The clock may have gone on to the next sub-bucket between two rows of a statement."""
    taken = takes.taken

    def a_slot_earlier(answer):
        counted = taken(answer)
        return {key: row._replace(newest=row.newest - 1) if row.slots else row for key, row in counted.items()}

    monkeypatch.setattr(takes, "taken", a_slot_earlier)
    grant = open_one(store, client="192.0.2.1")
    own = [charge for charge in grant.challenge.charges if not charge.shared]
    assert own
    assert all(charge.slot == grant.now // 150_000 - 1 for charge in own)
