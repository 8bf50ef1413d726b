"""The admin: works with the user model, and masks phones for those who may not see them."""

import logging
import re
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from otp_app import stores
from otp_app.errors import Unavailable
from otp_app.keys import phone_key
from otp_app.limits import RINGS
from otp_app.models import AuthorizationClient, AuthorizationCode, BlockRow, Delivery, EventRow, KeptAnswer, User

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"


@pytest.fixture
def person():
    return User.objects.create_user(PHONE, full_name="Some Person")


@pytest.fixture
def sees_all(client):
    client.force_login(User.objects.create_superuser("+998900000001", "x"))
    return client


@pytest.fixture
def sees_some(client):
    staff = User.objects.create_user("+998900000002", is_staff=True)
    wanted = ("view_user", "change_user", "view_delivery")
    staff.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(staff)
    return client


def page(client, name, *args, **query):
    response = client.get(reverse(f"admin:otp_app_{name}", args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_who_may_see_phones_reads_and_searches_them(sees_all, person):
    assert PHONE in page(sees_all, "user_changelist")
    assert PHONE in page(sees_all, "user_changelist", q="1234567")
    assert PHONE not in page(sees_all, "user_changelist", q="7654321")
    assert PHONE in page(sees_all, "user_change", person.pk)


def test_who_may_not_sees_a_mask_in_the_list_and_on_the_page(sees_some, person):
    for html in (page(sees_some, "user_changelist"), page(sees_some, "user_change", person.pk)):
        assert PHONE not in html
        assert "+998•••••••67" in html
        assert "Some Person" in html


def test_who_may_not_finds_a_phone_only_by_all_of_it(sees_some, person):
    assert "Some Person" in page(sees_some, "user_changelist", q=PHONE)
    assert "Some Person" not in page(sees_some, "user_changelist", q="1234567")


def test_who_may_not_see_phones_changes_a_name_and_leaves_the_phone(sees_some, person):
    data = {"full_name": "Another Name", "language": "", "is_active": "on"}
    response = sees_some.post(reverse("admin:otp_app_user_change", args=[person.pk]), data)
    assert response.status_code == 302
    person.refresh_from_db()
    assert (person.full_name, person.phone) == ("Another Name", PHONE)


def test_staff_add_a_user_by_any_spelling_of_the_phone(sees_all):
    data = {"phone": "+998 90 765-43-21", "usable_password": "false", "password1": "", "password2": ""}
    response = sees_all.post(reverse("admin:otp_app_user_add"), data)
    assert response.status_code == 302
    assert not User.objects.get(phone="+998907654321").has_usable_password()


def test_a_phone_that_is_none_is_refused_with_the_reason(sees_all):
    data = {"phone": "90 123", "usable_password": "false", "password1": "", "password2": ""}
    response = sees_all.post(reverse("admin:otp_app_user_add"), data)
    assert "country code" in response.content.decode()


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


def test_the_password_sign_in_takes_phone_and_password(client):
    User.objects.create_superuser(PHONE, "a long password")
    data = {"username": "+998 90 123 45 67", "password": "a long password"}
    assert client.post(reverse("admin:login"), data).status_code == 302


@pytest.mark.parametrize("lookup", ["phone__startswith", "phone__gt", "phone__regex", "phone"])
def test_who_may_not_see_phones_cannot_read_them_by_filters_in_the_address(sees_some, person, lookup):
    response = sees_some.get(reverse("admin:otp_app_user_changelist"), {lookup: "+998"})
    assert response.status_code == 400 or "Some Person" not in response.content.decode()


def test_who_may_see_phones_may_filter_by_them(sees_all, person):
    assert "Some Person" in page(sees_all, "user_changelist", phone__startswith="+99890123")


def test_who_may_not_see_phones_cannot_sort_by_them(sees_some, person):
    assert "sortable column-masked_phone" not in page(sees_some, "user_changelist")


def test_the_page_of_the_password_is_titled_by_the_phone_and_closed_to_who_may_not_see_it(sees_some, person):
    assert sees_some.get(reverse("admin:auth_user_password_change", args=[person.pk])).status_code == 403


def test_the_page_of_the_password_is_open_to_who_may(sees_all, person):
    assert sees_all.get(reverse("admin:auth_user_password_change", args=[person.pk])).status_code == 200


class TestBlocks:
    HOUR = 3_600_000

    @pytest.fixture
    def rows(self):
        """One that is active, one that is over, one that was lifted."""
        now = stores.current().now()
        made = {}
        for number, (subject, since, until, lifted) in enumerate(
            [
                ("prefix +99890111", now - self.HOUR, now + self.HOUR, None),
                ("prefix +99890222", now - 3 * self.HOUR, now - self.HOUR, None),
                ("region KZ", now - self.HOUR, now + self.HOUR, now),
            ]
        ):
            key = f"{number:032x}"
            values = {
                "limit": "unconverted_per_prefix_hour",
                "reason": "10 of 10 in 3600 s",
                "since": since,
                "until": until,
            }
            made[subject] = BlockRow.objects.create(key=key, forgives=key, subject=subject, lifted_at=lifted, **values)
        return made

    @pytest.fixture
    def lifts(self, monkeypatch):
        """The calls of lift that the store gets."""
        calls, store = [], stores.current()
        monkeypatch.setattr(store, "lift", lambda *call: calls.append(call), raising=False)
        return calls

    def operator(self, client, *permissions):
        staff = User.objects.create_user("+998900000003", is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(staff)
        return staff

    def unblock(self, client, *rows):
        data = {"action": "unblock", "_selected_action": [row.pk for row in rows]}
        return client.post(reverse("admin:otp_app_blockrow_changelist"), data, follow=True)

    def test_they_are_listed_with_their_state_and_their_times(self, sees_all, rows):
        html = page(sees_all, "blockrow_changelist")
        assert all(subject in html for subject in rows)
        assert [html.count(f">{state}<") for state in ("active", "over", "lifted")] == [2, 2, 2]  # a cell and a filter
        assert "10 of 10 in 3600 s" in html
        assert "1970" not in html

    def test_who_may_not_see_phones_sees_prefixes_masked_everywhere(self, client, rows, lifts):
        self.operator(client, "view_blockrow", "change_blockrow", "view_logentry")
        row = rows["prefix +99890111"]
        html = page(client, "blockrow_changelist") + page(client, "blockrow_change", row.pk)
        html += self.unblock(client, row).content.decode() + client.get(reverse("admin:index")).content.decode()
        assert "prefix +998901••" in html
        assert "+99890111" not in html
        assert "region KZ" in html

    def test_who_may_not_see_phones_cannot_read_prefixes_by_filters_in_the_address(self, client, rows):
        self.operator(client, "view_blockrow")
        for lookup in ("subject__startswith", "subject"):
            address = reverse("admin:otp_app_blockrow_changelist")
            assert client.get(address, {lookup: "prefix +99890111"}).status_code == 400

    def test_who_may_see_phones_may_filter_by_them(self, sees_all, rows):
        html = page(sees_all, "blockrow_changelist", subject__startswith="prefix +99890111")
        assert [subject for subject in rows if subject in html] == ["prefix +99890111"]

    def test_the_page_of_one_shows_the_whole_prefix_to_who_may_see_phones(self, sees_all, rows):
        assert "prefix +99890111" in page(sees_all, "blockrow_change", rows["prefix +99890111"].pk)

    @pytest.mark.parametrize(
        ("state", "found"),
        [("active", "prefix +99890111"), ("over", "prefix +99890222"), ("lifted", "region KZ")],
    )
    def test_the_filter_shows_those_of_one_state(self, sees_all, rows, state, found):
        html = page(sees_all, "blockrow_changelist", state=state)
        assert [subject for subject in rows if subject in html] == [found]

    def test_a_state_that_there_is_not_shows_all(self, sees_all, rows):
        html = page(sees_all, "blockrow_changelist", state="open")
        assert all(subject in html for subject in rows)

    def test_they_are_to_read_only_even_for_who_may_do_all(self, sees_all, rows):
        (row, *_) = rows.values()
        assert "unconverted_per_prefix_hour" in page(sees_all, "blockrow_change", row.pk)
        assert sees_all.post(reverse("admin:otp_app_blockrow_change", args=[row.pk])).status_code == 403
        assert sees_all.post(reverse("admin:otp_app_blockrow_delete", args=[row.pk])).status_code == 403
        assert sees_all.get(reverse("admin:otp_app_blockrow_add")).status_code == 403

    def test_lifting_one_tells_the_store_stamps_it_and_says_who_did_it(self, client, rows, lifts, caplog):
        operator = self.operator(client, "view_blockrow", "change_blockrow")
        row = rows["prefix +99890111"]
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            response = self.unblock(client, row)
        assert "1 block was lifted." in response.content.decode()
        assert lifts == [(row.key if isinstance(row.key, str) else row.key.hex, RINGS["unconverted_per_prefix_hour"])]
        row.refresh_from_db()
        assert abs(row.lifted_at - stores.current().now()) < 60_000
        (record,) = [record for record in caplog.records if record.name == "otp_app.guard"]
        assert record.otp["event"] == "unblocked"
        assert (record.otp["subject"], record.otp["by"]) == ("prefix +998901••", str(operator.pk))
        entry = LogEntry.objects.get()
        assert (entry.user_id, entry.object_id, entry.get_edited_object()) == (operator.pk, str(row.pk), row)
        assert (str(entry.object_repr), entry.get_change_message()) == ("prefix +998901••", "Lifted the block.")

    def test_those_that_are_over_or_lifted_are_left_alone(self, sees_all, rows, lifts):
        stamp = rows["region KZ"].lifted_at
        response = self.unblock(sees_all, rows["prefix +99890222"], rows["region KZ"])
        assert "0 blocks were lifted." in response.content.decode()
        assert lifts == []
        assert set(BlockRow.objects.values_list("lifted_at", flat=True)) == {None, stamp}

    def test_while_the_store_is_down_they_can_be_seen_and_lifting_says_why_not(self, sees_all, rows, monkeypatch):
        def fail(*_call):
            raise Unavailable

        store = stores.current()
        monkeypatch.setattr(store, "now", fail, raising=False)
        monkeypatch.setattr(store, "lift", fail, raising=False)
        assert "prefix +99890111" in page(sees_all, "blockrow_changelist", state="active")
        response = self.unblock(sees_all, *rows.values())
        assert "The service is not available at the moment." in response.content.decode()
        assert not BlockRow.objects.filter(subject="prefix +99890111").exclude(lifted_at=None).exists()

    def test_who_may_only_look_cannot_lift(self, client, rows, lifts):
        self.operator(client, "view_blockrow")
        assert "Unblock the selected" not in page(client, "blockrow_changelist")
        self.unblock(client, *rows.values())
        assert lifts == []

    def test_who_may_not_look_sees_nothing(self, client, rows):
        self.operator(client)
        assert client.get(reverse("admin:otp_app_blockrow_changelist")).status_code == 403

    @pytest.mark.django_db(transaction=True)
    def test_lifting_works_under_atomic_requests(self, sees_all, rows, monkeypatch):
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
        response = self.unblock(sees_all, *rows.values())
        assert "1 block was lifted." in response.content.decode()


class TestSites:
    """Sites and apps that send people here to sign in."""

    BACK = "https://shop.example.com/back"

    @pytest.fixture
    def site(self):
        return AuthorizationClient.objects.create(name="The Shop", redirect_uris=self.BACK)

    def test_one_is_added_by_name_and_addresses_and_gets_an_id(self, sees_all):
        data = {"name": "The Shop", "redirect_uris": f"{self.BACK}\r\ncom.example.app:/cb", "is_active": "on"}
        assert sees_all.post(reverse("admin:otp_app_authorizationclient_add"), data).status_code == 302
        site = AuthorizationClient.objects.get()
        assert site.pk.isalnum()
        assert (site.name, site.redirect_uris.split()) == ("The Shop", [self.BACK, "com.example.app:/cb"])
        assert site.pk in page(sees_all, "authorizationclient_changelist")
        assert site.pk in page(sees_all, "authorizationclient_change", site.pk)

    def test_no_id_is_shown_before_there_is_one(self, sees_all):
        assert "field-id" not in sees_all.get(reverse("admin:otp_app_authorizationclient_add")).content.decode()

    def test_an_address_that_no_code_may_be_sent_to_is_refused_with_the_reason(self, sees_all):
        data = {"name": "The Shop", "redirect_uris": f"{self.BACK}\nmyapp:/cb", "is_active": "on"}
        response = sees_all.post(reverse("admin:otp_app_authorizationclient_add"), data)
        assert "myapp:/cb is no address to go back to" in response.content.decode()
        assert not AuthorizationClient.objects.exists()

    def test_its_id_stays_when_it_is_changed(self, sees_all, site):
        data = {"id": "mine", "name": "Another name", "redirect_uris": self.BACK}
        address = reverse("admin:otp_app_authorizationclient_change", args=[site.pk])
        assert sees_all.post(address, data).status_code == 302
        changed = AuthorizationClient.objects.get()
        assert (changed.pk, changed.name, changed.is_active) == (site.pk, "Another name", False)

    def test_one_is_found_by_its_name_or_its_id_and_by_whether_it_is_active(self, sees_all, site):
        for asked in ({"q": "shop"}, {"q": site.pk}, {"is_active__exact": "1"}):
            assert site.pk in page(sees_all, "authorizationclient_changelist", **asked)
        assert site.pk not in page(sees_all, "authorizationclient_changelist", is_active__exact="0")

    def test_who_may_not_see_them_sees_none(self, sees_some, site):
        address = reverse("admin:otp_app_authorizationclient_change", args=[site.pk])
        assert sees_some.get(address).status_code == 403

    def test_codes_on_their_way_have_no_pages(self):
        assert not admin.site.is_registered(AuthorizationCode)
