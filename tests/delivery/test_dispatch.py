"""From a committed send to a provider and back to a record."""

import logging
import threading

import pytest
from django.db import connections, transaction

from otp_app import services, stores
from otp_app.challenges import Grant, Status
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, dispatch, executor, records, suppressions
from otp_app.errors import DeliveryFailed, InsideTransaction, Limited, UndeliverablePhone
from otp_app.limits import request_limits
from otp_app.models import Delivery
from otp_app.providers.base import Message, NotAccepted, Receipt, Rejected, Unknown
from otp_app.stores import outbox
from tests.asking import check, open_one, send_again, sending
from tests.factories import new_phone
from tests.races import race
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remote():
    with remotes() as told:
        yield told


def test_an_accepted_message_is_recorded_with_its_reference(remote):
    challenge = services.send_code(phone=new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    assert (delivery.provider, delivery.status, delivery.reference) == ("remote", "sent", "remote-1")
    assert str(delivery) == "sms sent"


@pytest.mark.parametrize(
    ("error", "raised", "status"),
    [
        (Rejected("21211"), UndeliverablePhone, Status.CANCELED),
        (NotAccepted("20429"), DeliveryFailed, Status.CANCELED),
        (Unknown("20500"), None, Status.PENDING),
    ],
)
def test_each_failure_has_its_outcome(remote, error, raised, status):
    remote.fail(error)
    phone = new_phone()
    if raised:
        with pytest.raises(raised):
            services.send_code(phone=phone)
    else:
        services.send_code(phone=phone)
    delivery = Delivery.objects.get()
    assert delivery.error == error.reason
    assert stores.current().get(delivery.challenge.hex).status is status


def test_an_error_that_nobody_foresaw_is_unknown_and_its_text_is_not_logged(remote, caplog, settings):
    settings.OTP_CODE_LENGTH = 10  # so that a code that is found somewhere is not there by chance
    seen = []

    def fail(message: Message):
        seen.append(message.code)
        raise RuntimeError(message.body)

    remote.behave(fail)
    caplog.set_level(logging.DEBUG)
    services.send_code(phone=new_phone())
    assert (Delivery.objects.get().status, Delivery.objects.get().error) == ("unknown", "RuntimeError")
    assert seen[0] not in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_provider_that_hangs_is_left_at_the_deadline(remote, settings):
    settings.OTP_PROVIDER_DEADLINE = 2
    remote.hang()
    challenge = services.send_code(phone=new_phone()).challenge
    delivery = Delivery.objects.get(challenge=challenge.id)
    assert (delivery.status, delivery.error) == ("unknown", "deadline")


def test_when_too_many_calls_hang_the_next_send_is_refused_at_once_and_given_back(remote, settings):
    settings.OTP_CIRCUIT_FAILURES = 100
    settings.OTP_PROVIDER_DEADLINE = 2
    settings.OTP_PROVIDER_CALLS = 2
    remote.hang()
    services.send_code(phone=new_phone())
    services.send_code(phone=new_phone())
    phone = new_phone()
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            services.send_code(phone=phone)
    assert set(Delivery.objects.filter(status="failed").values_list("error", flat=True)) == {"stuck"}
    remote.release.set()
    remote.work()
    settings.OTP_PROVIDER_DEADLINE = 30
    for _ in range(3000):  # until its threads are back
        try:
            services.send_code(phone=phone)
            break
        except DeliveryFailed:
            threading.Event().wait(0.02)
    assert Delivery.objects.filter(status="sent").count() == 1


@pytest.mark.parametrize(("error", "left"), [(NotAccepted("503"), 0), (Rejected("21211"), 1)])
def test_an_outage_is_no_sign_of_an_attack_and_a_number_at_fault_may_be(remote, each_store, settings, error, left):
    settings.OTP_CIRCUIT_FAILURES = 100
    remote.fail(error)
    for _ in range(3 if left else 30):
        with pytest.raises((DeliveryFailed, UndeliverablePhone)):
            services.send_code(phone="+998901234567", client="192.0.2.1")
    limits = request_limits.for_send("+998901234567", "192.0.2.1", checks=5)
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits.limits, phone="+998901234567")}
    assert used["unconverted_per_prefix_hour"] == used["unconverted_per_day"] == 3 * left
    assert used["failures_per_day"] == 15 * left
    assert used["sends_per_client_hour"] == used["sends_per_region_day"] == used["sends_per_day"] == 3 * left
    assert used["sends_per_phone_day"] == 0


@pytest.mark.parametrize("failures", [5, 100])  # with the circuit opened by the first of them, or closed all along
def test_i13_an_outage_uses_up_nothing_of_a_country_or_of_all(client, remote, each_store, settings, clock, failures):
    settings.OTP_SENDS_PER_REGION_DAY = settings.OTP_SENDS_PER_DAY = settings.OTP_UNCONVERTED_PER_DAY = 40
    settings.OTP_CIRCUIT_FAILURES = failures

    def send():
        body = {"phone": new_phone()}
        return client.post("/api/send-otp/", body, content_type="application/json").status_code

    remote.fail(NotAccepted("503"))
    assert [send() for _ in range(41)] == [503] * 41
    assert len(remote.sent) == min(failures, 41)
    remote.work()
    clock.advance(31)
    assert send() == 200
    assert Delivery.objects.filter(status="sent").count() == 1


def test_phones_are_masked_in_the_log(remote, caplog):
    caplog.set_level(logging.DEBUG)
    phone = new_phone()
    services.send_code(phone=phone)
    assert phone not in caplog.text
    assert phone[-2:] in caplog.text


# what a worker does with an id


@pytest.fixture
def queued(remote, each_store, clock):
    """A committed send that nobody has brought to a provider."""
    return open_one(each_store, client="192.0.2.1").challenge


def rows(challenge):
    found = Delivery.objects.filter(challenge=challenge.id).order_by("sent_at", "handover")
    return list(found.values_list("status", "error"))


def unconverted(challenge):
    limits = [limit for limit in sending(challenge, "192.0.2.1").limits if limit.converts]
    return {usage.limit.name: usage.used for usage in stores.current().usage(limits)}["unconverted_per_client_hour"]


def counted(challenge):
    """What is used of all that a first send takes, but of what is gone in a minute: these tests may take as long."""
    limits = [limit for limit in sending(challenge, "192.0.2.1").limits if limit.period > 60]
    return {usage.limit.name: usage.used for usage in stores.current().usage(limits, phone=challenge.phone)}


def phone_sends(challenge):
    limits = [limit for limit in sending(challenge).limits if limit.name == "sends_per_phone_day"]
    return stores.current().usage(limits, phone=challenge.phone)[0].used


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
    assert counted(queued)["sends_per_day"] == phone_sends(queued) == 1  # the other reached nobody


def test_a_send_whose_successor_is_on_its_way_already_is_superseded(remote, queued, each_store, clock):
    clock.advance(60)
    again = send_again(each_store, queued).challenge
    assert records.claim(again, "remote")
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(again) == [("failed", "superseded"), ("queued", "")]
    assert counted(queued)["sends_per_day"] == phone_sends(queued) == 1


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
    assert set(counted(queued).values()) == {1, 5}  # the first keeps what it took


def test_a_worker_tells_a_test_number_nothing(remote, queued, settings):
    settings.OTP_TEST_NUMBERS = {queued.phone: {"code": "246810"}}
    dispatch.deliver(queued.id)
    dispatch.deliver(queued.id)
    assert remote.sent == []
    assert Delivery.objects.get().provider == "test"
    assert rows(queued) == [("sent", "")]


def test_a_delivery_costs_three_statements_and_holds_no_transaction_while_it_waits(
    remote, queued, monkeypatch, django_assert_num_queries
):
    held = []
    call = executor.call

    def watched(*args, **options):
        held.append(connections[records.database()].in_atomic_block)
        return call(*args, **options)

    monkeypatch.setattr(executor, "call", watched)
    with django_assert_num_queries(3):  # what is held back or open, taking it on, its end
        dispatch.dispatch(Grant(queued, queued.created_at, 0))
    assert held == [False]


def test_a_failover_holds_no_transaction_while_it_waits(queued, monkeypatch):
    held = []
    call = executor.call

    def watched(*args, **options):
        held.append(connections[records.database()].in_atomic_block)
        return call(*args, **options)

    monkeypatch.setattr(executor, "call", watched)
    with remotes("one", "two") as remote:
        remote.fail(NotAccepted("503"), "one")
        dispatch.deliver(queued.id)
    assert held == [False, False]


# processes that die


class Killed(BaseException):
    """The end of a process, as far as its own code can tell."""


def die(*args, **options):
    raise Killed


def give_up_the_dead(clock):
    clock.advance(61)
    return records.abandon(clocks.read_now(records.database()) - 60_000)


def given_up_elsewhere(clock):
    """The same in the thread of a provider, which has a database connection of its own."""
    try:
        return give_up_the_dead(clock)
    finally:
        connections.close_all()


@pytest.mark.parametrize(
    "place",
    ["otp_app.delivery.records.claim", "otp_app.challenges.codes.code_for", "otp_app.delivery.messages.compose"],
)
def test_killed_before_it_was_taken_on_the_next_worker_delivers_it(remote, queued, monkeypatch, clock, place):
    monkeypatch.setattr(place, die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert rows(queued) == [("queued", "")]
    assert give_up_the_dead(clock) == 0
    dispatch.deliver(queued.id)
    assert len(remote.sent) == 1


@pytest.mark.parametrize("place", ["otp_app.delivery.executor.call", "otp_app.delivery.records.end"])
def test_killed_once_it_was_taken_on_it_is_unknown_and_never_sent_again(remote, queued, monkeypatch, clock, place):
    monkeypatch.setattr(place, die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    asked = len(remote.sent)
    dispatch.deliver(queued.id)
    assert rows(queued) == [("queued", "")]
    assert give_up_the_dead(clock) == 1
    for _ in range(2):
        dispatch.deliver(queued.id)
    assert rows(queued) == [("unknown", "lease")]
    assert len(remote.sent) == asked == (place == "otp_app.delivery.records.end")
    assert phone_sends(queued) == 1
    assert stores.current().get(queued.id).status is Status.PENDING


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("otp_app.delivery.circuit_breaker.record_failure", [("unknown", "lease")]),
        ("otp_app.delivery.records.pass_on", [("unknown", "lease")]),
        ("otp_app.providers.get", [("failed", "503"), ("unknown", "lease")]),
    ],
)
def test_killed_between_two_providers_the_second_is_not_asked_later(queued, monkeypatch, clock, place, left):
    with remotes("one", "two") as remote:

        def refuse(message):
            monkeypatch.setattr(place, die)
            raise NotAccepted("503")

        remote.behave(refuse, "one")
        with pytest.raises(Killed):
            dispatch.deliver(queued.id)
        monkeypatch.undo()
        assert give_up_the_dead(clock) == 1
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]
    assert rows(queued) == left


def test_killed_before_it_was_given_back_the_phone_has_lost_a_send_and_no_more(remote, queued, monkeypatch, clock):
    remote.fail(NotAccepted("503"))
    monkeypatch.setattr(type(stores.current()), "undo_send", die)
    with pytest.raises(Killed):
        dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert give_up_the_dead(clock) == 0
    dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "503")]
    assert phone_sends(queued) == 1


def test_an_answer_that_comes_after_it_was_given_up_is_believed(remote, queued, clock):
    remote.behave(lambda message: given_up_elsewhere(clock) and Receipt("theirs", 1))
    dispatch.deliver(queued.id)
    found = Delivery.objects.get()
    assert (found.status, found.error, found.reference) == ("sent", "", "theirs")


def test_what_was_given_up_while_it_was_refused_goes_to_no_other(queued, clock):
    """Who gave it up may have told somebody that the person perhaps has it."""
    with remotes("one", "two") as remote:

        def refuse(message):
            given_up_elsewhere(clock)
            raise NotAccepted("503")

        remote.behave(refuse, "one")
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]
    assert rows(queued) == [("unknown", "lease")]
    assert phone_sends(queued) == 1


def test_where_nobody_may_be_asked_a_worker_leaves_the_send_for_later(queued):
    """An open circuit is tried again in half a minute, and a code is of use for longer than that."""
    with remotes("one", routes={"*": {"whatsapp": ["one"]}}) as remote:
        assert race(lambda _: dispatch.deliver(queued.id), 8) == [None] * 8
        assert (rows(queued), remote.sent) == ([("queued", "")], [])
        assert phone_sends(queued) == 1
    with remotes("one") as remote:
        dispatch.deliver(queued.id)
        assert remote.asked() == ["one"]


def test_a_worker_that_has_no_place_for_a_call_takes_its_claim_back(remote, queued, settings, monkeypatch):
    def busy(*args, **options):
        raise executor.NotTried("busy")

    monkeypatch.setattr(executor, "call", busy)
    dispatch.deliver(queued.id)
    monkeypatch.undo()
    assert rows(queued) == [("queued", "")]
    assert Delivery.objects.get().provider == ""
    dispatch.deliver(queued.id)
    assert (rows(queued), len(remote.sent)) == ([("sent", "")], 1)


def test_of_the_second_provider_no_claim_is_taken_back(queued, monkeypatch):
    """The first has been asked: two hand-overs are all there are (I4)."""
    with remotes("one", "two") as remote:
        really = executor.call

        def busy_for_the_second(provider, *args, **options):
            if provider.name == "two":
                raise executor.NotTried("busy")
            return really(provider, *args, **options)

        remote.fail(NotAccepted("503"), "one")
        monkeypatch.setattr(executor, "call", busy_for_the_second)
        dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "503"), ("failed", "busy")]


def test_until_it_is_too_late(queued, clock):
    with remotes("one", routes={"*": {"whatsapp": ["one"]}}):
        clock.advance(151)
        dispatch.deliver(queued.id)
    assert rows(queued) == [("failed", "late")]
    assert set(counted(queued).values()) == {0}


def test_a_worker_that_sees_a_circuit_tried_by_another_does_not_end_the_send(queued, clock, monkeypatch):
    """It was taken for a circuit that is open, and the other had not taken the send on yet."""
    with remotes("one") as remote:
        for _ in range(5):
            circuit_breaker.record_failure("one")
        clock.advance(31)
        really = records.claim

        def claim_after_another_has_looked(challenge, alias):
            monkeypatch.setattr(records, "claim", really)
            dispatch.deliver(queued.id)
            return really(challenge, alias)

        monkeypatch.setattr(records, "claim", claim_after_another_has_looked)
        dispatch.deliver(queued.id)
        assert (rows(queued), remote.asked()) == ([("sent", "")], ["one"])


def test_within_a_transaction_nothing_is_handed_over(remote, queued):
    """Its rollback would take the claim back when the provider has the message."""
    with transaction.atomic(), pytest.raises(InsideTransaction):
        dispatch.deliver(queued.id)
    assert remote.sent == []


def test_two_workers_with_a_number_held_back_give_back_once(remote, queued):
    suppressions.suppress(queued.phone, "")
    assert race(lambda _: dispatch.deliver(queued.id), 8) == [None] * 8
    assert rows(queued) == [("failed", "suppressed")]
    assert remote.sent == []
    assert stores.current().get(queued.id).sends_left == queued.sends_left + 1
    assert unconverted(queued) == 1


def test_who_finds_a_number_held_back_and_its_send_taken_on_gives_nothing_back(remote, queued):
    suppressions.suppress(queued.phone, "")
    assert records.claim(queued, "remote")  # before it was held back, by somebody who is still at it
    dispatch.dispatch(Grant(queued, queued.created_at, 0))
    assert remote.sent == []
    assert rows(queued) == [("queued", "")]
    assert stores.current().get(queued.id).sent_at == queued.sent_at


@pytest.mark.parametrize("late", [False, True])
def test_two_workers_with_a_send_of_no_use_give_back_once(remote, queued, settings, clock, late):
    settings.OTP_TEST_NUMBERS = {} if late else {queued.phone: {"code": "246810"}}
    clock.advance(200 if late else 0)
    waiting = records.unclaimed_sends(queued.id)
    dispatch.deliver(queued.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            records, "unclaimed_sends", lambda challenge_id: waiting
        )  # who looked before the other had done it
        dispatch.deliver(queued.id)
    assert remote.sent == []
    assert rows(queued) == [("failed", "late") if late else ("sent", "")]
    assert stores.current().get(queued.id).sends_left == queued.sends_left + late
    assert unconverted(queued) == phone_sends(queued) == (0 if late else 1)


def test_who_finds_a_late_send_taken_on_gives_nothing_back(remote, queued, monkeypatch, clock):
    clock.advance(200)
    monkeypatch.setattr(records, "give_up", lambda *args: 0)  # as after a claim in this instant
    dispatch.deliver(queued.id)
    assert stores.current().get(queued.id).sent_at == queued.sent_at
    assert unconverted(queued) == phone_sends(queued) == 1


def test_i5_a_send_that_was_refused_is_no_delivery(remote, each_store, settings):
    phone = new_phone()
    services.send_code(phone=phone)
    remote.sent.clear()
    before = Delivery.objects.count()
    with pytest.raises(Limited):
        services.send_code(phone=phone)
    assert remote.sent == []
    assert Delivery.objects.count() == before


def test_i7_the_code_is_in_no_row_and_no_line_of_the_log(remote, caplog, settings):
    settings.OTP_CODE_LENGTH = 10  # so that a code that is found somewhere is not there by chance
    caplog.set_level(logging.DEBUG)
    remote.behave(lambda message: Receipt("theirs"))
    services.send_code(phone=new_phone())
    code = remote.sent[0][1].code
    assert code not in caplog.text
    assert code not in str(list(Delivery.objects.values_list("reference", "error", "provider")))
