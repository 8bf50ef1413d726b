"""The second provider: asked once, with the same code, and only when the first surely did not accept."""

from dataclasses import replace
from decimal import Decimal

import pytest

from otp_app import services, stores
from otp_app.challenges import Status
from otp_app.delivery import circuit_breaker, executor
from otp_app.errors import DeliveryFailed, UndeliverablePhone
from otp_app.limits import request_limits
from otp_app.models import Delivery
from otp_app.providers.base import Blocked, NotAccepted, Receipt, Rejected, Unknown, Unreachable, Unsuited
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(clock):
    with remotes("one", "two", "three") as providers:
        yield providers


def rows():
    return list(Delivery.objects.order_by("handover").values_list("handover", "provider", "status", "error"))


def used(store, phone):
    limits = request_limits.for_send(phone, "192.0.2.1", checks=5).limits
    return {usage.limit.name: usage.used for usage in store.usage(limits, phone=phone)}


def test_what_was_surely_not_accepted_goes_to_the_next_with_the_same_code(remote, each_store):
    remote.fail(NotAccepted("20429"), "one")
    remote.behave(lambda message: Receipt("theirs", 2), "two")
    phone = new_phone()
    challenge = services.send_code(phone=phone, client="192.0.2.1").challenge
    assert remote.asked() == ["one", "two"]
    first, second = (message for _, message in remote.sent)
    assert first.id != second.id
    assert replace(first, id="", callback="") == replace(second, id="", callback="")
    assert rows() == [(1, "one", "failed", "20429"), (2, "two", "sent", "")]
    sent = Delivery.objects.get(handover=2)
    assert (sent.reference, sent.segments, str(sent.price)) == ("theirs", 2, "0.100000")
    assert sent.latency is not None
    assert Delivery.objects.get(handover=1).segments == 0
    assert each_store.get(challenge.id).sent_at == challenge.sent_at
    # one send, however many providers were asked
    assert {n for name, n in used(each_store, phone).items() if name.startswith(("sends", "unconverted_per"))} == {1}
    assert services.verify_code(phone=phone, code=second.code)


def test_i4_a_third_provider_is_never_asked(remote, each_store):
    for name in ("one", "two"):
        remote.fail(NotAccepted(f"503 {name}"), name)
    phone = new_phone()
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=phone, client="192.0.2.1")
    assert remote.asked() == ["one", "two"]
    assert rows() == [(1, "one", "failed", "503 one"), (2, "two", "failed", "503 two")]
    assert set(used(each_store, phone).values()) == {0}  # to everybody
    assert each_store.get(Delivery.objects.first().challenge.hex).status is Status.CANCELED


@pytest.mark.parametrize(
    ("error", "status", "raised"),
    [
        (Unknown("timeout"), "unknown", None),
        (Rejected("21610"), "failed", UndeliverablePhone),
        (Unreachable("63003"), "failed", UndeliverablePhone),
        (Blocked("30450"), "failed", UndeliverablePhone),
        (RuntimeError("x"), "unknown", None),
    ],
)
@pytest.mark.parametrize("place", [1, 2])
def test_whatever_else_happens_ends_it(remote, each_store, error, status, raised, place):
    if place == 2:
        remote.fail(NotAccepted("503"), "one")
    remote.fail(error, ["one", "two"][place - 1])
    phone = new_phone()
    if raised:
        with pytest.raises(raised):
            services.send_code(phone=phone, client="192.0.2.1")
    else:
        services.send_code(phone=phone, client="192.0.2.1")
    assert remote.asked() == ["one", "two"][:place]
    assert rows()[-1] == (place, ["one", "two"][place - 1], status, getattr(error, "reason", "RuntimeError"))
    counted = used(each_store, phone)
    # At fault or perhaps sent: what bounds pumping is not given back. Only who surely got nothing has its sends back.
    assert counted["unconverted_per_subnet_day"] == counted["unconverted_per_prefix_day"] == 1
    assert counted["sends_per_phone_day"] == counted["wait_per_phone"] == (0 if raised else 1)
    expected = Status.CANCELED if raised else Status.PENDING
    assert each_store.get(Delivery.objects.first().challenge.hex).status is expected


def test_what_was_not_tried_is_tried_nowhere_else(remote, each_store, settings):
    settings.OTP_PROVIDER_DEADLINE = 0
    phone = new_phone()
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=phone, client="192.0.2.1")
    assert remote.sent == []
    assert rows() == [(1, "one", "failed", "deadline")]
    assert used(each_store, phone)["unconverted_per_subnet_day"] == 0


def test_the_deadline_is_that_of_both_calls(remote, monkeypatch):
    ends, call = [], executor.call

    def noted(provider, message, until, **how):
        ends.append(until)
        return call(provider, message, until, **how)

    monkeypatch.setattr(executor, "call", noted)
    remote.fail(NotAccepted("503"), "one")
    services.send_code(phone=new_phone())
    assert rows() == [(1, "one", "failed", "503"), (2, "two", "sent", "")]
    assert ends == [ends[0]] * 2


def test_with_the_deadline_used_up_the_second_is_not_tried(remote, settings):
    def slow_refusal(message):
        settings.OTP_PROVIDER_DEADLINE = 10_000  # of which the seconds that are left are too few
        raise NotAccepted("503")

    remote.behave(slow_refusal, "one")
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=new_phone())
    assert remote.asked() == ["one"]
    assert rows() == [(1, "one", "failed", "503"), (2, "two", "failed", "deadline")]


def test_a_retired_key_gives_no_code_to_any_provider(remote, each_store, settings, clock):
    phone = new_phone()
    challenge = services.send_code(phone=phone).challenge
    settings.SECRET_KEY = "another " + 50 * "y"
    settings.SECRET_KEY_FALLBACKS = []
    settings.OTP_LEDGER_KEY = "the suite's own key, " + 50 * "x"
    clock.advance(60)
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=phone, challenge_id=challenge.id)
    assert remote.asked() == ["one"]
    assert Delivery.objects.order_by("-sent_at")[0].error == "key_retired"
    assert stores.current().get(challenge.id).sent_at == challenge.sent_at


def test_a_provider_that_cannot_be_made_is_passed_over_and_its_settings_are_not_told(remote, settings, caplog):
    broken = {"ALIAS": "broken", "BACKEND": "tests.remote.RemoteProvider", "OPTIONS": {"a-secret": 1}}
    settings.OTP_PROVIDERS = [*settings.OTP_PROVIDERS, broken]
    settings.OTP_ROUTES = {"*": {"sms": ["gone", "one"], "call": ["broken", "one"]}}
    for channel in ("sms", "call"):
        services.send_code(phone=new_phone(), channel=channel)
    assert remote.asked() == ["one", "one"]
    assert set(Delivery.objects.filter(handover=1).values_list("error", flat=True)) == {"misconfigured"}
    assert "provider gone cannot be made: KeyError" in caplog.text
    assert "provider broken cannot be made: TypeError" in caplog.text
    assert "a-secret" not in caplog.text


def test_the_record_of_an_accepted_message(remote):
    remote.behave(lambda message: Receipt("x" * 100, 0), "one")
    services.send_code(phone=new_phone())
    sent = Delivery.objects.get()
    assert (sent.reference, sent.segments, str(sent.price), sent.error) == ("x" * 64, 1, "0.050000", "")
    assert 0 <= sent.latency < 5000


def test_without_a_reference_of_theirs_ours_stays(remote):
    remote.behave(lambda message: Receipt(), "one")
    services.send_code(phone=new_phone())
    assert Delivery.objects.get().reference == remote.sent[0][1].id


def test_a_message_that_a_provider_does_not_carry_says_nothing_against_it(settings):
    with remotes("one", "two") as remote:
        remote.fail(Unsuited("not_uzbek"), "one")
        for _ in range(7):
            services.send_code(phone=new_phone())
        assert remote.asked() == ["one", "two"] * 7  # its circuit is not opened, and the next one carries on


def test_nor_is_it_free_for_who_asks(each_store):
    """The requester has chosen the number, so only the phone gets its send back."""
    with remotes("one") as remote:
        remote.fail(Unsuited("21408"), "one")
        for _ in range(3):
            with pytest.raises(DeliveryFailed):
                services.send_code(phone="+998901234567", client="192.0.2.1")
    limits = request_limits.for_send("+998901234567", "192.0.2.1", checks=5)
    used = {usage.limit.name: usage.used for usage in each_store.usage(limits.limits, phone="+998901234567")}
    assert used["unconverted_per_subnet_day"] == used["unconverted_per_prefix_day"] == 3
    assert used["sends_per_phone_day"] == 0


def test_what_a_company_says_strangely_is_kept_as_far_as_it_can_be(settings):
    with remotes("one") as remote:
        remote.behave(lambda message: Receipt("a\0b\ud800" + "c" * 99, 99_999), "one")
        services.send_code(phone=new_phone())
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.segments, len(delivery.reference)) == ("sent", 999, 64)
    assert delivery.reference.startswith("ab?c")


def test_nor_does_it_keep_a_circuit_open_that_it_was_to_try(clock):
    with remotes("one", "two") as remote:
        for _ in range(5):
            circuit_breaker.record_failure("one")
        clock.advance(31)
        remote.fail(Unsuited("not_uzbek"), "one")
        services.send_code(phone=new_phone())
        remote.work("one")
        services.send_code(phone=new_phone())
        assert remote.asked() == ["one", "two", "one"]


def test_segments_that_a_provider_does_not_count_are_counted_by_us(settings):
    settings.OTP_BRAND = "О" * 60  # Cyrillic: 70 characters a segment, too few for the shortest form as well
    with remotes() as remote:
        services.send_code(phone=new_phone())
        delivery = Delivery.objects.get()
        assert (delivery.segments, delivery.price) == (2, Decimal("0.10"))
        assert len(remote.sent) == 1
