"""Open circuits and suppressions: what the database has of them is shared with the store in Redis."""

import pytest
from django.db import transaction

from otp_app import services, stores
from otp_app.delivery import circuit_breaker, suppressions
from otp_app.errors import Unavailable, UndeliverablePhone
from otp_app.limits.values import Counts, Limit, RequestLimits
from otp_app.models import Counter
from otp_app.providers.base import NotAccepted, Rejected, Unknown
from otp_app.stores.redis import RedisStore
from tests.factories import new_phone
from tests.races import race
from tests.remote import once_others_were_asked, remotes

pytestmark = pytest.mark.django_db(transaction=True)

PAUSE = 30
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def server(redis_server, settings):
    redis_server.flush()
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = redis_server.url
    return redis_server


@pytest.fixture
def remote(clock):
    with remotes("one", "two", routes={"*": {"sms": ["one", "two"]}}) as providers:
        yield providers


def send(phone=None):
    return services.send_code(phone=phone or new_phone())


def break_circuit(alias="one"):
    for _ in range(5):
        circuit_breaker.record_failure(alias)


def held(server, key):
    """The end of a block, as the server has it."""
    return server.counter(key)["b"]


def in_database():
    return {key.hex: until for key, until in Counter.objects.values_list("key", "blocked_until")}


# circuits


def test_a_circuit_that_opens_is_open_for_the_next_send(remote):
    remote.fail(NotAccepted("503"), "one")
    for _ in range(5):
        send()
    remote.sent.clear()
    send()
    assert remote.asked() == ["two"]


def test_the_server_has_it_as_the_database_does_and_an_hour_longer_than_it_lasts(remote, server):
    break_circuit()
    key = circuit_breaker.key_of("one")
    assert held(server, key) == in_database()[key] > 0
    left = server.command("PTTL", f"otp:k:{key}") // 1000
    assert PAUSE < left <= 3600 + PAUSE


def test_after_the_pause_one_tries_it_and_a_success_closes_it_for_all(remote, server, clock):
    break_circuit()
    clock.advance(PAUSE + 1)
    for _ in range(3):
        send()
    assert remote.asked() == ["one"] * 3
    assert held(server, circuit_breaker.key_of("one")) == 0
    assert send().claimed.blocked == {}


def test_after_the_pause_a_failure_leaves_it_open_for_all(remote, clock):
    break_circuit()
    clock.advance(PAUSE + 1)
    remote.fail(NotAccepted("503"), "one")
    for _ in range(3):
        send()
    assert remote.asked() == ["one", "two", "two", "two"]


def test_of_many_sends_at_once_one_tries_it(remote, clock, settings):
    settings.OTP_PROVIDER_CALLS = 8
    settings.OTP_PROVIDER_DEADLINE = 120
    break_circuit()
    clock.advance(PAUSE + 1)

    remote.behave(once_others_were_asked(remote, "two", 7), "one")
    assert not [error for error in race(lambda _: send(), 8) if isinstance(error, Exception)]
    assert sorted(remote.asked()) == ["one"] + ["two"] * 7


def test_an_open_circuit_is_open_after_the_server_has_lost_all(remote, server):
    break_circuit()
    server.flush()
    assert stores.current().usage(()) == []  # whoever asks it first
    send()
    assert remote.asked() == ["two"]


# numbers


def test_a_number_that_was_refused_gets_nothing_more_until_it_is_lifted(remote, server):
    phone = new_phone()
    remote.fail(Rejected("21610"), "one")
    for _ in range(2):
        with pytest.raises(UndeliverablePhone):
            send(phone)
    assert remote.asked() == ["one"]
    remote.work("one")
    assert suppressions.lift(phone) == 1
    send(phone)
    assert remote.asked() == ["one"] * 2


def test_of_another_number_nothing_is_lifted(remote):
    phone = new_phone()
    suppressions.suppress(phone, "")
    assert suppressions.lift(new_phone()) == 0
    with pytest.raises(UndeliverablePhone):
        send(phone)


def test_a_number_gets_nothing_after_the_server_has_lost_all_and_no_longer_than_before(remote, server, clock):
    phone = new_phone()
    suppressions.suppress(phone, "")
    server.flush()
    with pytest.raises(UndeliverablePhone):
        send(phone)
    clock.advance(DAY + 1)
    send(phone)
    assert remote.asked() == ["one"]


def test_what_is_over_is_not_brought_back(remote, server, clock):
    phone = new_phone()
    suppressions.suppress(phone, "")
    clock.advance(DAY + 3601)  # an hour longer, for a provider is then to be tried by one
    server.flush()
    assert send(phone).claimed.blocked == {}


def test_of_very_many_those_that_last_longest_are_brought_back(remote, server, clock, monkeypatch):
    monkeypatch.setattr("otp_app.stores.redis.recovery._MAX_BLOCKED_KEYS", 1)
    first, second = new_phone(), new_phone()
    suppressions.suppress(first, "")
    clock.advance(60)
    suppressions.suppress(second, "")
    server.flush()
    with pytest.raises(UndeliverablePhone):
        send(second)
    send(first)


def test_a_suppression_by_a_report_is_shared_when_it_is_committed_and_not_when_it_is_rolled_back(remote, server):
    phone = new_phone()
    (key,) = suppressions.keys_of(phone, "", reported=True)[:1]
    with transaction.atomic():
        suppressions.suppress(phone, "", reported=True)
        transaction.set_rollback(True)
    assert (held(server, key), in_database().get(key, 0)) == (0, 0)
    with transaction.atomic():
        suppressions.suppress(phone, "", reported=True)
        assert held(server, key) == 0
    assert held(server, key) == in_database()[key] > 0
    send(phone)
    assert remote.sent == []


def test_a_suppression_that_holds_already_is_not_set_anew(remote, server, clock):
    phone = new_phone()
    suppressions.suppress(phone, "")
    (key,) = suppressions.keys_of(phone, "")[:1]
    before = held(server, key)
    clock.advance(60)
    suppressions.suppress(phone, "")
    assert held(server, key) == in_database()[key] == before


# the store


def test_a_block_that_has_ended_is_forgotten_and_what_was_counted_is_kept(server, clock):
    store, key = stores.current(), "a" * 32
    limit = Limit("per_key", Counts.KEY, 5, 3600, key, ring=2)
    store.take(RequestLimits((limit,)))
    store.set_blocks({key: store.now() + 5000})
    assert held(server, key) > 0
    for until in (0, store.now() - 1):
        store.set_blocks({key: until})
        assert held(server, key) == 0
    assert store.usage([limit])[0].used == 1


def test_several_blocks_are_shared_at_once(server):
    store, keys = stores.current(), ["a" * 32, "b" * 32]
    until = store.now() + 5000
    store.set_blocks(dict.fromkeys(keys, until))
    assert [held(server, key) for key in keys] == [until] * 2


def test_after_the_server_has_lost_all_one_tries_a_circuit_whose_pause_is_over(remote, server, clock):
    break_circuit()
    server.flush()
    send()
    assert server.command("PTTL", f"otp:k:{circuit_breaker.key_of('one')}") > 3_600_000
    clock.advance(31)
    server.flush()
    remote.sent.clear()
    remote.fail(NotAccepted("503"), "one")
    for _ in range(3):
        send()
    assert remote.asked().count("one") == 1


# a server that cannot be reached


@pytest.fixture
def deaf(monkeypatch):
    ask = RedisStore._ask

    def asked(store, name, *args, **options):
        if name == "set_blocks":
            raise Unavailable
        return ask(store, name, *args, **options)

    return lambda: monkeypatch.setattr(RedisStore, "_ask", asked)


def test_a_lost_reply_is_no_error_though_the_open_circuit_cannot_be_shared(remote, deaf):
    remote.fail(Unknown("timeout"), "one")
    for _ in range(4):
        send()
    deaf()
    assert send().claimed.claim.provider == "one"


def test_the_next_provider_is_called_though_the_open_circuit_cannot_be_shared(remote, deaf):
    remote.fail(NotAccepted("503"), "one")
    for _ in range(4):
        send()
    deaf()
    remote.sent.clear()
    send()
    assert remote.asked() == ["one", "two"]


def test_a_rejected_number_is_refused_though_its_suppression_cannot_be_shared(remote, deaf):
    remote.fail(Rejected("21610"), "one")
    deaf()
    with pytest.raises(UndeliverablePhone):
        send()


def test_a_circuit_whose_end_could_not_be_shared_is_tried_after_its_pause_and_closed(remote, deaf, clock, monkeypatch):
    """The server keeps the last block that reached it; the database decides."""
    break_circuit()
    clock.advance(31)
    with monkeypatch.context():
        deaf()
        send()  # it works again
    monkeypatch.undo()
    clock.advance(300)
    remote.sent.clear()
    for _ in range(3):
        send()
    assert remote.asked() == ["one"] * 3


def test_a_suppression_that_could_not_be_shared_is_shared_when_the_number_is_rejected_again(remote, deaf, monkeypatch):
    phone = new_phone()
    deaf()
    suppressions.suppress(phone, "")
    monkeypatch.undo()
    suppressions.suppress(phone, "")
    with pytest.raises(UndeliverablePhone):
        send(phone)
    assert remote.sent == []


def test_lifting_a_suppression_raises_when_it_cannot_be_shared(remote, deaf):
    phone = new_phone()
    suppressions.suppress(phone, "")
    deaf()
    with pytest.raises(Unavailable):
        suppressions.lift(phone)


def test_a_lift_that_is_rolled_back_leaves_the_suppression(remote):
    phone = new_phone()
    suppressions.suppress(phone, "")
    with transaction.atomic():
        suppressions.lift(phone)
        transaction.set_rollback(True)
    with pytest.raises(UndeliverablePhone):
        send(phone)
