"""A send that is delivered within its request is claimed by the statement that commits it."""

import pytest
from django.db import connections

from otp_app import services, stores
from otp_app.challenges import Claim
from otp_app.counters import rows
from otp_app.db import clock as clocks
from otp_app.delivery import circuit_breaker, executor, messages, records, routing, suppressions, sweeper
from otp_app.errors import DeliveryFailed, UndeliverablePhone
from otp_app.models import Delivery
from otp_app.providers.base import Channel, NotAccepted
from otp_app.stores.sql import SqlStore
from tests import journal
from tests.asking import open_one
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def remote(clock):
    with remotes("one", "two", routes={"*": {"sms": ["one", "two"], "telegram": ["two"]}}) as providers:
        yield providers


@pytest.fixture
def begun(each_store, request):
    """The provider and the instant of the claim: in the row, or in the journal of the store in Redis."""

    def begun():
        if isinstance(each_store, SqlStore):
            return facts("provider", "claimed_at")
        assert facts() == []
        server = request.getfixturevalue("redis_server")
        return [(provider, int(at)) for _, at, provider, *_ in journal.entries(server)]

    return begun


def facts(*names):
    return list(Delivery.objects.order_by("handover").values_list(*names))


def break_circuit(alias):
    for _ in range(5):
        circuit_breaker.record_failure(alias)


def sweep(clock, seconds):
    clock.advance(seconds)
    return sweeper.sweep()


class Killed(BaseException):
    """The end of a process, as far as its own code can tell."""


def die(*args, **options):
    raise Killed


# what is written with the send


def test_the_first_provider_is_called_only_after_the_send_was_claimed(remote, each_store, monkeypatch, begun):
    seen = []

    def look(*asked, **options):
        seen.append(begun())
        raise executor.NotTried("stuck")

    monkeypatch.setattr(executor, "call", look)
    monkeypatch.setattr(records, "claim", die)  # no statement of its own
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=new_phone())
    (((provider, claimed_at),),) = seen
    assert provider == "one"
    assert abs(claimed_at - clocks.read_now(records.database())) < 60_000


def test_its_reference_is_the_id_that_the_provider_is_handed(remote, each_store, clock, monkeypatch):
    monkeypatch.setattr(records, "record_sent", die)
    with pytest.raises(Killed):
        services.send_code(phone=new_phone())
    sweep(clock, 61)
    ((_, message),) = remote.sent
    assert facts("reference") == [(message.id,)]


@pytest.mark.parametrize("place", ["challenges.codes.code_for", "delivery.executor.call", "delivery.routing.usable"])
def test_killed_once_it_was_committed_it_is_unknown_and_never_sent_again(remote, each_store, clock, monkeypatch, place):
    """Nobody knows whether that process had called the provider."""
    monkeypatch.setattr(f"otp_app.{place}", die)
    with pytest.raises(Killed):
        services.send_code(phone=new_phone())
    monkeypatch.undo()
    assert sweep(clock, 10).attempted == 0
    assert sweep(clock, 55).abandoned == 1
    assert sweep(clock, 10).attempted == 0
    assert facts("status", "error", "provider") == [("unknown", "lease", "one")]
    assert remote.sent == []


def test_a_send_for_workers_is_committed_unclaimed(remote, settings):
    settings.OTP_QUEUE = "tests.delivery.test_sweeper.LosingQueue"
    assert services.send_code(phone=new_phone()).claimed is None
    assert facts("status", "provider", "reference", "claimed_at") == [("queued", "", "", 0)]


def test_a_send_that_is_queued_again_is_unclaimed_and_a_sweep_delivers_it(remote, each_store, clock):
    """The process may have died before its row was written, and then it called no provider."""
    challenge = open_one(each_store).challenge
    Delivery.objects.all().delete()
    for _ in range(2):
        records.insert_queued(challenge)
    assert facts("status", "provider", "reference", "claimed_at") == [("queued", "", "", 0)]
    assert sweep(clock, 10).attempted == 1
    assert remote.asked() == ["one"]


def test_a_row_that_is_there_is_not_queued_again(remote, each_store):
    grant = services.send_code(phone=new_phone())
    records.insert_queued(grant.challenge)
    assert facts("status", "provider") == [("sent", "one")]


# given back


def test_a_message_that_cannot_be_put_together_is_left_to_a_sweep(remote, each_store, clock, monkeypatch):
    def fail(*asked):
        raise ValueError

    monkeypatch.setattr(messages, "compose", fail)
    with pytest.raises(ValueError, match=r"^$"):
        services.send_code(phone=new_phone())
    monkeypatch.undo()
    assert facts("status", "provider", "reference", "claimed_at") == [("queued", "", "", 0)]
    assert sweep(clock, 10).attempted == 1
    assert remote.asked() == ["one"]
    assert facts("status", "provider") == [("sent", "one")]


def test_of_the_second_provider_no_claim_is_given_back(remote, each_store, clock, monkeypatch):
    """The first provider was called: there are at most two attempts (I4)."""

    def fail(*asked):
        raise ValueError

    def refuse(message):
        monkeypatch.setattr(messages, "compose", fail)
        raise NotAccepted("503")

    remote.behave(refuse, "one")
    with pytest.raises(ValueError, match=r"^$"):
        services.send_code(phone=new_phone())
    monkeypatch.undo()
    remote.work("one")
    sweep(clock, 10)
    sweep(clock, 61)
    assert remote.asked() == ["one"]
    assert facts("status", "error") == [("unknown", "lease")]


# another than the first


def test_where_the_first_circuit_is_open_the_next_provider_is_called_and_recorded(remote, each_store):
    break_circuit("one")
    services.send_code(phone=new_phone())
    assert remote.asked() == ["two"]
    assert facts("status", "provider", "handover") == [("sent", "two", 1)]


def test_the_next_provider_is_recorded_before_it_is_called(remote, each_store, monkeypatch):
    break_circuit("one")
    monkeypatch.setattr(executor, "call", die)
    with pytest.raises(Killed):
        services.send_code(phone=new_phone())
    ((status, provider, claimed_at),) = facts("status", "provider", "claimed_at")
    assert (status, provider) == ("queued", "two")
    assert claimed_at > 0


def test_a_send_that_was_given_up_meanwhile_goes_to_no_other(remote, each_store, monkeypatch, clock):
    """The requester may have been told already that the person perhaps has the message."""
    break_circuit("one")
    really = circuit_breaker.may_carry

    def given_up(*asked):
        assert sweep(clock, 61).abandoned == 1
        monkeypatch.setattr(circuit_breaker, "may_carry", really)
        return really(*asked)

    monkeypatch.setattr(circuit_breaker, "may_carry", given_up)
    services.send_code(phone=new_phone())
    assert remote.sent == []
    assert facts("status", "error", "provider") == [("unknown", "lease", "one")]


# nobody


def nobody_was_asked(error):
    return [("failed", error, "", "", 0)]


NOBODY = ("status", "error", "provider", "reference", "claimed_at")


def test_where_all_circuits_are_open_no_provider_is_recorded(remote, each_store):
    break_circuit("one")
    break_circuit("two")
    phone = new_phone()
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=phone)
    assert facts(*NOBODY) == nobody_was_asked("no_provider")
    assert remote.sent == []


def test_for_a_number_that_was_rejected_no_provider_is_recorded(remote, each_store):
    phone = new_phone()
    suppressions.suppress(phone, "")
    with pytest.raises(UndeliverablePhone):
        services.send_code(phone=phone)
    assert facts(*NOBODY) == nobody_was_asked("suppressed")
    assert remote.sent == []


def test_for_a_number_that_was_reported_no_provider_is_recorded_and_the_answer_is_as_ever(remote, each_store):
    """Otherwise reports would tell strangers who has opted out."""
    phone = new_phone()
    suppressions.suppress(phone, "", reported=True)
    services.send_code(phone=phone)
    assert facts(*NOBODY) == nobody_was_asked("suppressed")
    assert remote.sent == []


def test_a_suppressed_number_whose_send_was_given_up_meanwhile_gets_nothing_back(remote, each_store, monkeypatch):
    phone = new_phone()
    suppressions.suppress(phone, "")
    monkeypatch.setattr(records, "give_up", lambda *args, **options: 0)  # as after a sweep in this instant
    grant = services.send_code(phone=phone)
    assert remote.sent == []
    assert stores.current().get(grant.challenge.id).sent_at == grant.challenge.sent_at


def test_a_route_without_providers_for_a_channel_names_none(remote):
    (claim,) = routing.claims(new_phone(), "whatsapp").values()
    assert claim.provider == ""
    assert claim.watched  # the number may be held back


def test_without_a_channel_each_that_is_on_offer_has_its_claim(remote, settings):
    phone = new_phone()
    claims = routing.claims(phone, "")
    assert {channel: claim.provider for channel, claim in claims.items()} == {"sms": "one", "telegram": "two"}
    assert claims["sms"] == routing.claims(phone, "sms")["sms"]
    assert circuit_breaker.key_of("one") in claims["sms"].watched
    assert circuit_breaker.key_of("one") not in claims["telegram"].watched
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810"}}
    assert routing.claims(phone, "") == dict.fromkeys(Channel, Claim("test"))
    assert routing.claims(phone, "sms") == {"sms": Claim("test")}


def test_a_test_number_asks_nobody_and_nothing_is_looked_up_for_it(remote, each_store, settings):
    phone = new_phone()
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810"}}
    suppressions.suppress(phone, "")
    grant = services.send_code(phone=phone)
    assert (grant.claimed.claim, grant.claimed.blocked) == (Claim("test"), {})
    assert facts("status", "provider", "reference") == [("sent", "test", grant.claimed.row["reference"])]
    assert remote.sent == []


def test_what_is_watched_is_looked_up_with_the_send_and_not_again(remote, each_store, monkeypatch):
    break_circuit("one")
    for name in ("blocks", "read_now"):
        monkeypatch.setattr(rows, name, die)
    grant = services.send_code(phone=new_phone())
    assert set(grant.claimed.blocked) == {circuit_breaker.key_of("one")}
    assert connections["default"].in_atomic_block is False
