"""What a worker does with the id of a challenge."""

import pytest

from otp_app import services, stores
from otp_app.challenges import Status
from otp_app.delivery import dispatch, records
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted, Receipt, Rejected, Unknown
from otp_app.stores import outbox
from tests.asking import check, open_one, send_again
from tests.races import race
from tests.remote import remotes
from tests.sends import counted, phone_sends, rows, unconverted

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_delivers_a_send_with_the_life_it_has_left(remote, queued, clock):
    clock.advance(100)
    dispatch.deliver(queued.id)
    ((_, message),) = remote.sent
    assert (message.to, message.reference, message.id) == (queued.phone, queued.id, outbox.id_of(queued, 1))
    assert 170 <= message.expires_in <= 200
    assert rows(queued) == [("sent", "")]
    assert services.verify_code(phone=queued.phone, code=message.code)


def test_i4_an_id_that_comes_again_and_again_is_one_call(remote, queued):
    for _ in range(5):
        dispatch.deliver(queued.id)
    assert len(remote.sent) == 1


def test_i4_many_workers_with_one_id_make_one_call(remote, queued, settings):
    settings.OTP_PROVIDER_CALLS = 20
    remote.behave(lambda message: remote.release.wait(0.3) or Receipt("x"))
    assert race(lambda _: dispatch.deliver(queued.id), 20) == [None] * 20
    assert len(remote.sent) == 1
    assert rows(queued) == [("sent", "")]


def test_i4_many_workers_with_one_id_fail_over_once(queued, settings):
    settings.OTP_PROVIDER_CALLS = 20
    with remotes("one", "two", "three") as remote:
        for name in ("one", "two"):
            remote.fail(NotAccepted("503"), name)
        assert race(lambda _: dispatch.deliver(queued.id), 20) == [None] * 20
        assert remote.asked() == ["one", "two"]
    assert rows(queued) == [("failed", "503"), ("failed", "503")]
    assert unconverted(queued) == phone_sends(queued) == 0  # once


def test_an_id_that_nobody_knows_is_nothing(remote):
    dispatch.deliver("0" * 32)
    assert remote.sent == []


@pytest.mark.parametrize("seconds", [120, 160])
def test_a_code_older_than_half_its_life_is_not_sent(remote, queued, clock, seconds):
    clock.advance(seconds)
    dispatch.deliver(queued.id)
    assert len(remote.sent) == (seconds < 150)
    if not remote.sent:
        assert rows(queued) == [("failed", "late")]
        assert stores.current().get(queued.id).status is Status.CANCELED
        assert unconverted(queued) == phone_sends(queued) == 0


@pytest.mark.parametrize("seconds", [0, 25])
def test_half_its_life_is_half_of_what_it_had_at_that_send(remote, queued, each_store, clock, seconds):
    dispatch.deliver(queued.id)
    clock.advance(260)
    again = send_again(each_store, queued, client="192.0.2.1").challenge
    clock.advance(seconds)
    dispatch.deliver(queued.id)
    assert len(remote.sent) == (2 if seconds < 20 else 1)
    if seconds > 20:
        assert rows(again) == [("sent", ""), ("failed", "late")]
        left = each_store.get(queued.id)
        assert (left.status, left.sent_at) == (Status.PENDING, queued.sent_at)
        assert phone_sends(queued) == 1


@pytest.mark.parametrize("end", [Status.APPROVED, Status.CANCELED])
def test_what_is_closed_is_not_sent(remote, queued, each_store, end):
    each_store.close(each_store.get(queued.id), end)
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(queued) == [("failed", "closed")]
    assert each_store.get(queued.id).status is end


def test_what_has_no_checks_left_is_not_sent(remote, queued, each_store):
    while check(each_store, queued):
        pass
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(queued) == [("failed", "closed")]


def test_of_two_sends_that_wait_only_the_newest_goes_out(remote, queued, each_store, clock):
    clock.advance(60)
    again = send_again(each_store, queued).challenge
    for _ in range(3):
        dispatch.deliver(queued.id)
    assert [message.language for _, message in remote.sent] == ["uz"]
    assert rows(again) == [("failed", "superseded"), ("sent", "")]
    assert each_store.get(queued.id).sent_at == again.sent_at[1:]
    assert counted(queued)["unconverted_per_region_day"] == phone_sends(queued) == 1  # the other reached nobody


def test_a_send_whose_successor_is_on_its_way_already_is_superseded(remote, queued, each_store, clock):
    clock.advance(60)
    again = send_again(each_store, queued).challenge
    assert records.claim(again, "remote")
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(again) == [("failed", "superseded"), ("queued", "")]
    assert counted(queued)["unconverted_per_region_day"] == phone_sends(queued) == 1


def test_a_delivery_without_a_challenge_is_expired(remote, queued):
    Delivery.objects.update(challenge="0" * 32)
    dispatch.deliver("0" * 32)
    assert remote.sent == []
    assert list(Delivery.objects.values_list("status", "error")) == [("failed", "expired")]


def test_a_challenge_that_redis_forgot_is_not_sent(remote, clock, settings, redis_server):
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = redis_server.url
    redis_server.flush()
    forgotten, kept = (open_one(stores.current()).challenge for _ in range(2))
    document = redis_server.command("GET", f"otp:c:{kept.id}")
    redis_server.flush()
    redis_server.command("SET", f"otp:c:{kept.id}", document)  # as a replica that was behind may have it
    open_one(stores.current())
    for challenge in (forgotten, kept):
        dispatch.deliver(challenge.id)
    assert remote.sent == []
    assert [rows(challenge) for challenge in (forgotten, kept)] == [[("failed", "expired")], [("failed", "closed")]]


@pytest.mark.parametrize(
    ("error", "left"), [(NotAccepted("503"), 0), (Rejected("21211"), 1), (Unknown("timeout"), 1), (None, 1)]
)
def test_a_worker_gives_back_what_a_request_would(remote, queued, error, left):
    if error:
        remote.fail(error)
    dispatch.deliver(queued.id)
    assert unconverted(queued) == left
    assert phone_sends(queued) == (0 if isinstance(error, NotAccepted | Rejected) else 1)
    dispatch.deliver(queued.id)
    assert unconverted(queued) == left
    assert len(remote.sent) == 1


def test_a_second_send_that_a_worker_cannot_deliver_leaves_the_first(remote, queued, each_store, clock):
    dispatch.deliver(queued.id)
    clock.advance(60)
    send_again(each_store, queued, client="192.0.2.1")
    remote.fail(NotAccepted("503"))
    dispatch.deliver(queued.id)
    left = each_store.get(queued.id)
    assert (left.status, left.sent_at) == (Status.PENDING, queued.sent_at)
    assert phone_sends(queued) == 1
    assert set(counted(queued).values()) == {0, 1, 5}  # the first keeps what it took


def test_a_worker_tells_a_test_number_nothing(remote, queued, settings):
    settings.OTP_TEST_NUMBERS = {queued.phone: {"code": "246810"}}
    dispatch.deliver(queued.id)
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert Delivery.objects.get().provider == "test"
    assert rows(queued) == [("sent", "")]
