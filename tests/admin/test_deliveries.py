"""The admin of deliveries: read-only, found by full values."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from otp_app.keys import phone_key
from otp_app.models import BlockRow, Delivery, EventRow, KeptAnswer, User
from tests.admin.pages import page

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"


def test_deliveries_can_be_read_and_nothing_else(sees_some):
    delivery = Delivery.objects.create(challenge="0" * 32, sent_at=1, channel="sms", status="failed", error="21211")
    assert "21211" in page(sees_some, "delivery_changelist")
    assert page(sees_some, "delivery_change", delivery.pk)
    assert sees_some.get(reverse("admin:otp_app_delivery_add")).status_code == 403


@pytest.fixture
def delivered():
    row = Delivery.objects.create(
        challenge="0" * 32,
        sent_at=1,
        channel="sms",
        provider="eskiz",
        region="UZ",
        handover=2,
        reference="their-1",
        status="delivered",
        segments=3,
        price=Decimal("0.0375"),
        latency=417,
        delivered_after=8123,
        phone="9" * 32,
    )
    for number, status in enumerate(("sent", "delivered")):
        EventRow.objects.create(
            digest=f"{number:032x}",
            delivery=row,
            provider="eskiz",
            reference="their-1",
            status=status,
            raw={"n": status},
        )
    return row


def test_a_delivery_shows_what_it_cost_how_long_it_took_and_who_carried_it(sees_some, delivered):
    listed, shown = page(sees_some, "delivery_changelist"), page(sees_some, "delivery_change", delivered.pk)
    for text in ("eskiz", "UZ", "0.037500", "417", "8123", "Delivered", "sms"):
        assert text.lower() in listed.lower(), text
        assert text.lower() in shown.lower(), text
    assert "their-1" in shown
    assert "99999999" not in listed + shown  # the name under which its phone is counted


class TestSearch:
    """Of deliveries: by what is known in full."""

    @pytest.fixture(autouse=True)
    def sent(self, outbox):
        """One of a number, twice by a known device of it and once by a stranger, and others."""
        rows = [
            Delivery(challenge=uuid4(), sent_at=1, channel="sms", provider="memory", reference=name, phone=key)
            for name, key in (
                ("their-1", phone_key(PHONE)),
                ("their-2", phone_key(PHONE, "a device")),
                ("their-3", phone_key("+998901234568")),
            )
        ]
        return Delivery.objects.bulk_create(rows)

    def found(self, client, text):
        response = client.get(reverse("admin:otp_app_delivery_changelist"), {"q": text})
        return sorted(row.reference for row in response.context["cl"].result_list)

    def test_a_delivery_is_found_by_its_challenge_in_either_spelling(self, sees_some, sent):
        for text in (str(sent[0].challenge), sent[0].challenge.hex, f" {sent[0].challenge} "):
            assert self.found(sees_some, text) == ["their-1"]

    def test_it_is_found_by_the_reference_of_its_provider_in_full(self, sees_some):
        assert self.found(sees_some, "their-2") == ["their-2"]
        assert self.found(sees_some, "their") == []

    def test_without_a_word_all_are_there(self, sees_some):
        assert self.found(sees_some, " ") == ["their-1", "their-2", "their-3"]

    @pytest.mark.parametrize("spelling", [PHONE, "+998 90 123-45-67", "+998 (90) 1234567"])
    def test_who_may_see_phones_finds_those_of_a_number_in_any_spelling(self, sees_all, spelling):
        assert self.found(sees_all, spelling) == ["their-1", "their-2"]
        assert self.found(sees_all, spelling[:-1]) == []

    def test_who_may_not_see_phones_learns_nothing_by_one(self, sees_some):
        assert self.found(sees_some, PHONE) == []

    def test_no_search_reads_the_whole_table(self, rf, sent):
        request = rf.get("/")
        request.user = User.objects.create_superuser("+998900000001", "x")
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # of a table so small it would read all, whatever the indexes
                cursor.execute("SET LOCAL enable_seqscan = off")
            for text in (PHONE, sent[0].challenge.hex, "their-1"):
                rows, _ = admin.site._registry[Delivery].get_search_results(request, Delivery.objects.all(), text)
                assert not re.search(r"\bSCAN\b|Seq Scan", plan := rows.explain()), plan


def test_the_admin_shows_times_of_the_zone_of_the_service(sees_all, settings):
    settings.TIME_ZONE = "Asia/Tashkent"
    moment = datetime(2026, 11, 28, 20, 30, tzinfo=UTC)
    delivery = Delivery.objects.create(challenge=uuid4(), sent_at=1, channel="sms", created_at=moment)
    since = int(moment.timestamp() * 1000)
    facts = {"limit": "conversion", "reason": "r", "subject": "region KZ", "since": since, "until": since + 1}
    BlockRow.objects.create(key=uuid4(), forgives=uuid4(), **facts)
    assert "11/29/2026 1:30 a.m." in page(sees_all, "delivery_changelist")
    assert "Nov. 29, 2026, 1:30 a.m." in page(sees_all, "delivery_change", delivery.pk)
    assert "Nov. 29, 2026, 1:30 a.m." in page(sees_all, "blockrow_changelist")


def test_without_time_zones_the_list_shows_times_as_they_are_kept(sees_all, settings):
    settings.USE_TZ = False
    row = Delivery(challenge=uuid4(), sent_at=1, channel="sms", created_at=datetime(2026, 11, 28, 20, 30))  # noqa: DTZ001
    assert admin.site._registry[Delivery].when(row) == "11/28/2026 8:30 p.m."


def test_its_reports_stand_beneath_it_in_their_order_to_read_only(sees_some, delivered):
    shown = page(sees_some, "delivery_change", delivered.pk)
    assert 0 < shown.index("&quot;n&quot;: &quot;sent&quot;") < shown.index("&quot;n&quot;: &quot;delivered&quot;")
    assert 'name="events-MAX_NUM_FORMS" value="0"' in shown
    assert 'type="text"' not in shown
    assert "DELETE" not in shown


def test_not_even_a_superuser_changes_a_report(sees_all, delivered):
    address = reverse("admin:otp_app_delivery_change", args=[delivered.pk])
    assert sees_all.post(address, {"events-TOTAL_FORMS": "0", "events-INITIAL_FORMS": "0"}).status_code == 403
    assert EventRow.objects.count() == 2


def test_who_may_not_see_deliveries_sees_none(client, delivered):
    client.force_login(User.objects.create_user("+998900000004", is_staff=True))
    assert client.get(reverse("admin:otp_app_delivery_change", args=[delivered.pk])).status_code == 403


@pytest.mark.parametrize("model", [EventRow, KeptAnswer])
def test_reports_and_kept_answers_have_no_pages_of_their_own(model):
    assert not admin.site.is_registered(model)


def test_the_list_of_deliveries_takes_as_many_statements_however_long_it_is(sees_some, delivered):
    def count():
        with CaptureQueriesContext(connection) as captured:
            page(sees_some, "delivery_changelist")
        return len(captured)

    few = count()
    for number in range(50):
        Delivery.objects.create(challenge=f"{number + 1:032x}", sent_at=1, channel="sms", status="sent", provider="b")
    assert count() == few


@pytest.mark.parametrize("name", ["status", "provider", "channel", "region"])
def test_deliveries_can_be_told_apart_by(sees_some, delivered, name):
    own = getattr(delivered, name)
    assert "8123" in page(sees_some, "delivery_changelist", **{f"{name}__exact": own})
    Delivery.objects.create(challenge="2" * 32, sent_at=1, channel="call", status="failed", provider="b", region="KZ")
    other = getattr(Delivery.objects.latest("pk"), name)
    assert "8123" not in page(sees_some, "delivery_changelist", **{f"{name}__exact": other})


def test_deliveries_cannot_be_deleted_for_the_limits_of_a_day_are_restored_from_them(client):
    client.force_login(User.objects.create_superuser("+998900000009", "a long password"))
    delivery = Delivery.objects.create(challenge="0" * 32, sent_at=1, channel="sms")
    assert client.post(reverse("admin:otp_app_delivery_delete", args=[delivery.pk])).status_code == 403
