"""PATCH /api/me/ changes what a person may change, and GET /api/me/events/ tells what happened."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from rest_framework import serializers

from otp_app import person, tokens
from otp_app.accounts import Accounts, adapter, events, profiles
from otp_app.accounts.events import Kind
from tests.factories import new_phone

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone(), full_name="Aziza")


@pytest.fixture
def ask(client, user):
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}"}

    def ask(method, path="", body=None, **headers):
        call = getattr(client, method)
        return call(f"/api/me/{path}", body, content_type="application/json", headers=bearer | headers)

    return ask


@pytest.fixture
def patch(ask):
    return lambda body: ask("patch", body=body)


@pytest.mark.parametrize("slash", ["", "/"])
def test_name_and_language_are_changed_and_answered_as_they_are_read(client, user, ask, slash):
    answer = ask("patch", slash.removeprefix("/"), {"full_name": "Aziza K.", "language": "uz"})
    assert answer.json() == {"id": user.pk, "phone": user.phone, "full_name": "Aziza K.", "language": "uz"}
    assert answer["Cache-Control"] == "no-store"
    user.refresh_from_db()
    assert (user.full_name, user.language) == ("Aziza K.", "uz")


def test_what_is_not_sent_stays_and_nothing_may_be_sent(patch, user):
    assert patch({"language": "ru"}).json()["full_name"] == "Aziza"
    assert patch({}).json()["language"] == "ru"


@pytest.mark.parametrize("name", ["phone", "is_staff", "is_superuser", "is_active", "password", "id", "fullname"])
def test_neither_the_phone_nor_rights_nor_anything_unknown_is_changed(patch, user, name):
    refused = patch({"full_name": "x", name: "1"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["errors"] == {name: ["This field is unknown."]}
    user.refresh_from_db()
    assert (user.full_name, user.is_staff) == ("Aziza", False)


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"full_name": 151 * "x"}, "full_name"),
        ({"full_name": 5}, "full_name"),
        ({"full_name": None}, "full_name"),
        ({"full_name": "a\0b"}, "full_name"),
        ({"language": "de"}, "language"),
        ([1], "body"),
        ('{"full_name": "\\ud800"}', "body"),
    ],
)
def test_what_is_not_of_the_form_is_named(patch, body, member):
    refused = patch(body)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {member})


@pytest.mark.parametrize(
    "body", [{"full_name": 151 * "x"}, {"full_name": 5}, {"full_name": None}, {"language": "de"}, {"language": None}]
)
def test_it_is_named_in_each_of_our_languages(ask, body):
    told = [ask("patch", body=body, accept_language=code).json()["errors"] for code in ("en", "ru", "uz")]
    assert len({text for errors in told for texts in errors.values() for text in texts}) == 3


def test_a_body_that_is_too_large_is_refused_unread(patch):
    assert patch({"full_name": 5000 * "x"}).status_code == 413


def test_nobody_changes_anything_without_a_token(client):
    for method, path in (("patch", ""), ("get", "events/"), ("get", "export/")):
        assert getattr(client, method)(f"/api/me/{path}").status_code == 401


def test_who_was_erased_meanwhile_is_not_signed_in(patch, user, monkeypatch):
    monkeypatch.setattr(profiles, "lock", lambda _: None)
    assert patch({"full_name": "x"}).status_code == 401


# a project's own


class Members(serializers.Serializer):
    full_name = serializers.CharField(max_length=10)
    terms = serializers.BooleanField()
    is_staff = serializers.BooleanField(required=False)
    shown = serializers.CharField(read_only=True)


class Customers(Accounts):
    sign_up_serializer = Members

    def shown(self, user):
        return {"name": user.full_name}


class Noted(Customers):
    noted: list = []  # noqa: RUF012

    def update(self, user, members):
        self.noted.append((user.pk, dict(members)))


class Refusing(Customers):
    def update(self, user, members):
        raise ValidationError({"full_name": ["Taken."]}) if members["full_name"] == "taken" else IntegrityError


@pytest.fixture
def customers(settings):
    settings.OTP_ACCOUNTS = f"{__name__}.Customers"


def test_the_members_of_the_sign_up_are_changed_as_far_as_the_user_has_fields_for_them(customers, patch, user):
    assert patch({"full_name": "Olim"}).json() == {"id": user.pk, "phone": user.phone, "name": "Olim"}
    for unknown in ("terms", "is_staff", "shown", "language"):
        assert patch({unknown: True}).json()["errors"] == {unknown: ["This field is unknown."]}
    assert set(patch({"full_name": "longer than ten"}).json()["errors"]) == {"full_name"}


def test_a_project_writes_them_itself_but_never_rights(settings, patch, user):
    settings.OTP_ACCOUNTS = f"{__name__}.Noted"
    assert patch({"full_name": "Olim", "terms": True}).status_code == 200
    assert Noted.noted.pop() == (user.pk, {"full_name": "Olim", "terms": True})
    assert patch({"is_staff": True}).status_code == 400


def test_what_the_model_or_the_database_refuses_is_named(settings, patch):
    settings.OTP_ACCOUNTS = f"{__name__}.Refusing"
    assert patch({"full_name": "taken"}).json()["errors"] == {"full_name": ["Taken."]}
    assert patch({"full_name": "other"}).json()["errors"] == {"full_name": ["This value is not possible."]}


def test_where_users_have_nothing_to_change_everything_is_unknown(patch, monkeypatch):
    monkeypatch.setattr("otp_app.api.me.issubclass", lambda *_: False, raising=False)
    assert patch({"full_name": "x"}).json()["errors"] == {"full_name": ["This field is unknown."]}
    assert adapter.own_members(object()) == {}


# events


def test_events_are_told_in_the_persons_language_the_newest_first(ask, user, rf):
    request = rf.get("/", HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.7")
    events.record(user, Kind.NEW_DEVICE, request)
    events.record(user, Kind.SESSIONS_ENDED)
    newest, oldest = ask("get", "events/", accept_language="ru").json()["events"]
    assert (newest["kind"], newest["text"]) == ("sessions_ended", "Сеансы завершены.")
    assert (oldest["client"], oldest["network"]) == ("Firefox, Windows", "192.0.2.0/24")
    assert oldest["at"].endswith("Z")
    assert newest["at"] >= oldest["at"]


def test_no_more_than_a_hundred_are_told_and_nobody_elses(ask, user, django_user_model):
    for _ in range(103):
        events.record(user, Kind.NEW_DEVICE)
    events.record(django_user_model.objects.create_user(new_phone()), Kind.NEW_DEVICE)
    assert len(ask("get", "events/").json()["events"]) == 100


def test_an_event_of_a_later_release_is_told_by_its_kind(ask, user):
    events.record(user, "of_tomorrow")
    assert ask("get", "events").json()["events"][0]["text"] == "of_tomorrow"


def test_each_kind_of_event_has_a_text():
    assert set(Kind) <= set(events.TEXTS)


def test_of_many_copies_in_a_day_one_is_told(ask, user, clock):
    """Or they would drive everything else out of the list."""
    for _ in range(3):
        ask("get", "export/")
    assert [event.kind for event in events.of(user)] == ["data_exported"]
    clock.advance(24 * 3600 + 60)
    ask("get", "export/")
    assert [event.kind for event in events.of(user)] == ["data_exported"] * 2


def test_the_copy_is_an_event_of_its_own(ask, user):
    answer = ask("get", "export/", user_agent=FIREFOX)
    assert answer.json()["events"][0]["kind"] == "data_exported"
    assert answer.json()["user"] == person.copy_of(user)["user"] | {"last_login": None}
