"""``manage.py otp_report``: what was sent, what it cost, and what came of it."""

import io
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from otp_app import services, stores
from otp_app.errors import DeliveryFailed
from otp_app.models import ChallengeRow, Delivery, LineLookup
from otp_app.providers.base import NotAccepted, Unknown
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)


def report(*arguments):
    out = io.StringIO()
    call_command("otp_report", *arguments, stdout=out)
    return out.getvalue()


def rows(text):
    """The cells of the table, by provider and country."""
    head, _, *table = [line for line in text.splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in table]
    assert head.split("  ")[0] == "provider"
    return {tuple(row[:2]) if row[0] != "all" else ("all",): row for row in cells}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """A terminal in which no cell is broken."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def remote():
    with remotes("one", "two") as told:
        yield told


def sign_in(remote, phone):
    grant = services.send_code(phone=phone)
    services.sign_in(phone=phone, code=remote.sent[-1][1].code)
    return grant.challenge.id


def test_without_deliveries_it_says_so():
    assert report() == "No deliveries in the last 7 days.\n"


def test_messages_money_delivery_and_conversion_are_told_per_provider_and_country(remote):
    first = sign_in(remote, new_phone())
    services.send_code(phone=new_phone())
    services.send_code(phone="+77012345678")
    Delivery.objects.filter(challenge=first).update(status="delivered", segments=2, price=Decimal("0.10"))
    text = rows(report())
    assert text["one", "UZ"][2:11] == ["2", "1 (50%)", "1", "0", "0", "0", "3", "0.15", "1 (50%)"]
    assert text["one", "KZ"][2:11] == ["1", "0 (0%)", "1", "0", "0", "0", "1", "0.05", "0 (0%)"]
    assert text["all",][1:10] == ["3", "1 (33%)", "2", "0", "0", "0", "4", "0.20", "1 (33%)"]
    assert all(cell.isdecimal() for cell in text["one", "UZ"][11:])


def test_what_became_of_them_adds_up_to_the_sends_whatever_it_was():
    for number, (status, _) in enumerate(Delivery.Status.choices * 2):
        values = {"sent_at": stores.current().now(), "channel": "sms", "status": status}
        Delivery.objects.create(challenge=f"{number:032x}", provider="one" if number else "", region="UZ", **values)
    for name, row in rows(report()).items():
        if name in (("one", "UZ"), ("-", "UZ"), ("all",)):
            sends, *ends = row[1 if name == ("all",) else 2 :][:6]
            assert int(sends) == sum(int(end.split()[0]) for end in ends)
    assert rows(report())["all",][1:7] == ["12", "2 (16%)", "2", "4", "2", "2"]
    assert rows(report())["-", "UZ"][2:8] == ["1", "0 (0%)", "0", "0", "0", "1"]


def test_two_slow_hours_show_in_the_answer_times_and_do_not_hide_in_a_mean():
    def answered(provider, latency, times):
        values = {"sent_at": stores.current().now(), "channel": "sms", "status": "sent", "latency": latency}
        rows = [Delivery(challenge=f"{latency:016x}{n:016x}", provider=provider, **values) for n in range(times)]
        Delivery.objects.bulk_create(rows)

    answered("one", 80, 900)
    answered("one", 1_200, 100)
    answered("two", 500, 1)
    text = rows(report())
    assert text["one", "-"][11:] == ["80", "1200"]
    assert text["two", "-"][11:] == ["500", "500"]
    assert text["all",][10:] == ["80", "1200"]


def test_what_failed_over_or_was_lost_is_no_message_of_that_provider(remote):
    remote.fail(NotAccepted("503"), "one")
    services.send_code(phone=new_phone())
    remote.fail(Unknown("timeout"), "two")
    services.send_code(phone=new_phone())
    remote.fail(NotAccepted("429"), "two")
    with pytest.raises(DeliveryFailed):
        services.send_code(phone=new_phone())
    text = rows(report())
    assert text["one", "UZ"][2:] == ["3", "0 (0%)", "0", "3", "0", "0", "0", "0.00", "0 (0%)", "-", "-"]
    assert text["two", "UZ"][2:11] == ["3", "0 (0%)", "1", "1", "1", "0", "1", "0.05", "0 (0%)"]


def test_a_sign_in_counts_also_when_its_challenge_is_gone(remote, clock):
    sign_in(remote, new_phone())
    clock.advance(2 * 24 * 3600)
    stores.current().purge()
    assert not ChallengeRow.objects.exists()
    assert rows(report())["one", "UZ"][10] == "1 (100%)"


def test_older_ones_and_test_numbers_are_left_out(remote, clock, settings):
    settings.OTP_TEST_NUMBERS = {"+998000000001": {"code": "123456", "expires": "2999-01-01"}}
    services.send_code(phone="+998000000001")
    assert report() == "No deliveries in the last 7 days.\n"
    services.send_code(phone=new_phone())
    clock.advance(25 * 3600)
    assert report("--days", "1") == "No deliveries in the last 1 day.\n"
    assert rows(report("--days", "2"))["all",][1] == "1"


def test_messages_without_a_price_are_pointed_out(remote, settings):
    settings.OTP_PROVIDERS = [entry | {"PRICE": None} for entry in settings.OTP_PROVIDERS]
    services.send_code(phone=new_phone())
    assert "1 send has no price: give the provider a PRICE." in report()
    services.send_code(phone=new_phone())
    assert "2 sends have no price: give the provider a PRICE." in report()


def test_its_statements_do_not_grow_with_the_deliveries(remote, django_assert_num_queries):
    for _ in range(5):
        services.send_code(phone=new_phone())
    Delivery.objects.update(region="")
    with django_assert_num_queries(4 if connection.vendor == "postgresql" else 3):  # there the database tells the time
        assert rows(report())["one", "-"][2] == "5"


def looked_up(at, finding, line_type="", price="0.01"):
    return LineLookup(at=at, finding=finding, line_type=line_type, price=price and Decimal(price))


def test_line_lookups_are_told_with_their_money_and_what_they_found(settings):
    now, day = stores.current().now(), 24 * 3600 * 1000
    LineLookup.objects.bulk_create(
        [
            looked_up(now, "same", "mobile"),
            looked_up(now - day, "sim_swapped", "mobile", "0.02"),
            looked_up(now - 2 * day, "reassigned", "voip"),
            looked_up(now, "unknown", price=None),
            looked_up(now - 8 * day, "same", "landline"),
        ]
    )
    settings.OTP_CURRENCY = "EUR"
    assert report().splitlines() == [
        "No deliveries in the last 7 days.",
        "4 line lookups, 0.04 EUR: 1 another SIM, 1 another owner, 1 the same line, 1 nothing known, 2 mobile, 1 voip. "
        "1 without a price: give OTP_LINE_CHECK a PRICE.",
    ]
    assert "5 line lookups, 0.05 EUR" in report("--days", "9")


def test_one_line_lookup_stands_below_the_sends(remote):
    services.send_code(phone=new_phone())
    assert "line lookup" not in report()
    looked_up(stores.current().now(), "same").save()
    assert report().splitlines()[-1] == (
        "1 line lookup, 0.01 USD: 0 another SIM, 0 another owner, 1 the same line, 0 nothing known."
    )
