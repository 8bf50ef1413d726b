"""The admin of blocks: listed with their state, and lifted."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connections
from django.urls import reverse

from otp_app import stores
from otp_app.errors import Unavailable
from otp_app.limits import RINGS
from otp_app.models import BlockRow, User
from tests.admin.pages import page

pytestmark = pytest.mark.django_db


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
