"""The admin of blocks and allowances: made, listed with their state, and lifted."""

import html
import logging
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse, reverse_lazy

from otp_app.db import clock
from otp_app.models import BlockRow, User
from tests.admin.pages import page

pytestmark = pytest.mark.django_db


class TestBlocks:
    HOUR = 3_600_000

    @pytest.fixture
    def rows(self):
        """One that is active, one that is over, one that was lifted."""
        now = clock.milliseconds()
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

    def operator(self, client, *permissions):
        staff = User.objects.create_user("+998900000003", is_staff=True)
        staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(staff)
        return staff

    def lift(self, client, *rows):
        data = {"action": "lift", "_selected_action": [row.pk for row in rows]}
        return client.post(reverse("admin:otp_app_blockrow_changelist"), data, follow=True)

    def test_they_are_listed_with_their_state_and_their_times(self, sees_all, rows):
        html = page(sees_all, "blockrow_changelist")
        assert all(subject in html for subject in rows)
        assert [html.count(f">{state}<") for state in ("active", "over", "lifted")] == [2, 2, 2]  # a cell and a filter
        assert "10 of 10 in 3600 s" in html
        assert "1970" not in html

    def test_who_may_not_see_phones_sees_prefixes_masked_everywhere(self, client, rows):
        self.operator(client, "view_blockrow", "change_blockrow", "view_logentry")
        row = rows["prefix +99890111"]
        html = page(client, "blockrow_changelist") + page(client, "blockrow_change", row.pk)
        html += self.lift(client, row).content.decode() + client.get(reverse("admin:index")).content.decode()
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

    def test_they_are_neither_changed_nor_deleted_even_by_who_may_do_all(self, sees_all, rows):
        (row, *_) = rows.values()
        assert "unconverted_per_prefix_hour" in page(sees_all, "blockrow_change", row.pk)
        assert sees_all.post(reverse("admin:otp_app_blockrow_change", args=[row.pk])).status_code == 403
        assert sees_all.post(reverse("admin:otp_app_blockrow_delete", args=[row.pk])).status_code == 403

    def test_lifting_one_stamps_it_and_says_who_did_it(self, client, rows, caplog):
        operator = self.operator(client, "view_blockrow", "change_blockrow")
        row = rows["prefix +99890111"]
        with caplog.at_level(logging.INFO, "otp_app.guard"):
            response = self.lift(client, row)
        assert "1 was lifted." in response.content.decode()
        row.refresh_from_db()
        assert abs(row.lifted_at - clock.milliseconds()) < 60_000
        (record,) = [record for record in caplog.records if record.name == "otp_app.guard"]
        assert record.otp["event"] == "lifted"
        assert (record.otp["subject"], record.otp["by"]) == ("prefix +998901••", str(operator.pk))
        entry = LogEntry.objects.get()
        assert (entry.user_id, entry.object_id, entry.get_edited_object()) == (operator.pk, str(row.pk), row)
        assert (str(entry.object_repr), entry.get_change_message()) == ("prefix +998901••", "Lifted.")

    def test_those_that_are_over_or_lifted_are_left_alone(self, sees_all, rows):
        stamp = rows["region KZ"].lifted_at
        response = self.lift(sees_all, rows["prefix +99890222"], rows["region KZ"])
        assert "0 were lifted." in response.content.decode()
        assert set(BlockRow.objects.values_list("lifted_at", flat=True)) == {None, stamp}

    def test_who_may_only_look_cannot_lift(self, client, rows):
        self.operator(client, "view_blockrow")
        assert "Lift the selected" not in page(client, "blockrow_changelist")
        self.lift(client, *rows.values())
        assert BlockRow.objects.filter(lifted_at=None).count() == 2

    def test_who_may_not_look_sees_nothing(self, client, rows):
        self.operator(client)
        assert client.get(reverse("admin:otp_app_blockrow_changelist")).status_code == 403


class TestMakingOne:
    ADDRESS = reverse_lazy("admin:otp_app_blockrow_add")

    def add(self, client, **values):
        return client.post(self.ADDRESS, {"mode": "shut", "reason": "a bomber", **values})

    def test_it_is_in_force_with_its_author_and_is_in_the_history_once(self, sees_all):
        ends = {"ends_0": "2100-01-01", "ends_1": "00:00:00"}
        assert self.add(sees_all, kind="phone", who="+998 90 123 45 67", **ends).status_code == 302
        row = BlockRow.objects.get()
        assert (row.subject, row.mode, row.reason) == ("phone +998901234567", "shut", "a bomber")
        assert datetime.fromtimestamp(row.until / 1000, UTC).year in (2099, 2100)
        entry = LogEntry.objects.get()
        assert (row.author, entry.action_flag) == (str(entry.user_id), ADDITION)
        assert str(entry.object_repr) == "phone +998901••••••"

    def test_the_page_asks_for_what_is_needed(self, sees_all):
        html = page(sees_all, "blockrow_add")
        assert all(f'name="{name}"' in html for name in ("kind", "who", "mode", "amount", "reason", "ends_0"))

    def test_a_network_may_be_held_open_for_good(self, sees_all):
        self.add(sees_all, kind="network", who="192.0.2.7/24", mode="open", amount="50")
        row = BlockRow.objects.get()
        assert (row.subject, row.mode, row.amount, row.until) == ("network 192.0.2.0/24", "open", 50, None)

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"kind": "prefix", "who": "abc"}, "Give + and the first digits"),
            ({"kind": "prefix", "who": "+99890", "mode": "watch"}, "Only a country can be watched"),
            ({"kind": "region", "who": "UZ", "mode": "open"}, "Give an amount"),
            ({"kind": "", "who": ""}, "This field is required."),
            ({"kind": "region", "who": "UZ", "reason": ""}, "This field is required."),
        ],
    )
    def test_what_makes_no_sense_is_said_on_the_page(self, sees_all, values, says):
        response = self.add(sees_all, **values)
        assert says in html.unescape(response.content.decode())
        assert not BlockRow.objects.exists()

    def test_it_needs_the_permission_to_add_one(self, client):
        client.force_login(User.objects.create_user("+998900000003", is_staff=True))
        assert self.add(client, kind="region", who="UZ").status_code == 403
