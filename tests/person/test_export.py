"""GET /api/me/export/ copies all that is kept of a person, no secret, and nothing of others."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from otp_app import person, services, tokens
from otp_app.accounts import (
    Accounts,
    authorization_codes,
    confirmations,
    devices,
    events,
    notifications,
    number_changes,
    recoveries,
    second_phones,
)
from otp_app.accounts.events import Kind
from otp_app.challenges import random_id
from otp_app.factors import authenticators
from otp_app.keys import phone_key
from otp_app.models import (
    Authenticator,
    Confirmation,
    Delivery,
    EmailAddress,
    LineLookup,
    Passkey,
    RecoveryCode,
    ReleasedNumber,
    Token,
)
from otp_app.person import export
from otp_app.phones import as_phone
from otp_app.tokens.jwt import JwtTokens
from tests.factories import new_phone
from tests.sites import new_site, requested

pytestmark = pytest.mark.django_db

# Tables that name no person, or hold only keyed hashes that no list can be made of, or what an operator ruled.
NOTHING_TO_COPY = {
    *("AuthorizationClient", "SigningKey", "Counter", "Failure", "KeptAnswer", "BlockRow"),
    "ChallengeRow",  # gone within a day; its messages are listed
    "EventRow",  # goes with its message
}
COPIED_BY_PHONE = {"Delivery", "DevicesEnd", "LineLookup", "User"}


class Shop(Accounts):
    def shown(self, user):
        return {"nickname": "Azi", "id": "never"}

    def export(self, user):
        return {"orders": [{"number": 7, "of": user.pk}]}


@pytest.fixture
def user(outbox):
    """Somebody who has a row in each table."""
    phone = new_phone()
    services.send_code(phone=phone)
    user = services.sign_in(phone=phone, code=outbox[-1].code).user
    live(user)
    return user


def live(user):
    tokens.current().issue(user, None)
    JwtTokens().issue(user, None)
    user.otp_sessions.create(key=random_id(), expires_at=user.last_login or user.date_joined)
    authorization_codes.issue(requested(new_site()), user)
    confirmations.begin(user, "change_phone", '{"text": "a context"}', random_id())
    events.record(user, Kind.NEW_DEVICE)
    notifications.add(user, "new_device", as_phone(user.phone), "", "en")
    authenticators.new(user, random_id()).save(force_insert=True)
    facts = {"sign_count": 0, "backup_eligible": True, "backed_up": True, "created_at": timezone.now()}
    Passkey.objects.create(user=user, credential_id=random_id().encode(), public_key=b"", user_handle=b"", **facts)
    number_changes.begin(user, user.phone, new_phone(), random_id())
    ReleasedNumber.objects.create(user=user, phone=new_phone(), at=1)
    second_phones.keep(user, new_phone(), random_id(), None)
    recoveries.ask(user.phone, EmailAddress(user=user, email="owner@example.com", checks_left=0, created_at=1))
    EmailAddress.objects.create(user=user, email="owner@example.com", checks_left=0, created_at=1)
    RecoveryCode.objects.create(user=user, number=RecoveryCode.objects.count(), hash="pbkdf2$secret")


def document(user):
    """The copy as the API answers it."""
    return json.loads(json.dumps(person.copy_of(user), cls=JSONEncoder))


def test_each_table_is_copied_or_has_nothing_of_a_person():
    copied = {model.__name__ for model, *_ in export.OF_USER.values()} | COPIED_BY_PHONE
    models = {model.__name__ for model in apps.get_app_config("otp_app").get_models()}
    assert copied | NOTHING_TO_COPY == models
    assert not copied & NOTHING_TO_COPY


def test_all_lists_are_there_with_times_that_programs_read(user):
    devices.end_all(user.phone)
    copy = document(user)
    assert all(copy[name] for name in export.OF_USER)
    assert copy["user"] == {
        "id": user.pk,
        "phone": user.phone,
        "full_name": "",
        "language": "",
        "last_login": copy["user"]["last_login"],
    }
    (confirmation,) = copy["confirmations"]
    assert (confirmation["context"], confirmation["used_at"]) == ('{"text": "a context"}', None)
    assert confirmation["created_at"].endswith("Z")
    assert copy["events"][0]["at"].endswith("Z")
    assert copy["devices_forgotten_at"].endswith("Z")


def test_a_company_is_named_and_of_its_reference_the_end(user):
    Delivery.objects.update(reference="SM0123456789abcdef")
    (message,) = document(user)["messages"]
    assert (message["provider"], message["status"], message["reference"]) == ("memory", "sent", "…cdef")
    Delivery.objects.update(reference="")
    assert document(user)["messages"][0]["reference"] == ""


def test_what_was_asked_about_the_line_of_the_number_is_in_it(user):
    user.date_joined = datetime.fromtimestamp(600, UTC)
    for phone in (user.phone, new_phone()):
        LineLookup.objects.create(phone=phone_key(phone), at=1000, finding="same", line_type="mobile", price=1)
    (lookup,) = document(user)["line_lookups"]
    assert lookup == {"at": "1970-01-01T00:00:01Z", "finding": "same", "line_type": "mobile"}


def former_of(user):
    """What was sent to the number, and asked about it, a week ago."""
    at = user.date_joined - timedelta(days=7)
    sent = {"phone": phone_key(user.phone), "sent_at": int(at.timestamp() * 1000), "channel": "sms"}
    Delivery.objects.create(challenge=UUID(random_id()), **sent)
    LineLookup.objects.create(phone=sent["phone"], at=sent["sent_at"], finding="same")
    return at


def test_what_whoever_had_the_number_before_was_sent_is_not_in_it(user):
    former_of(user)
    copy = document(user)
    assert (len(copy["messages"]), copy["line_lookups"]) == (1, [])


@pytest.mark.parametrize(("kind", "seen"), [("number_changed", 1), ("number_given_back", 1), ("number_restored", 2)])
def test_nor_of_a_number_that_an_old_user_has_got_unless_it_was_kept_for_the_user(user, kind, seen):
    at = former_of(user)
    user.date_joined = at - timedelta(days=1)
    assert len(document(user)["messages"]) == 2
    events.record(user, Kind(kind))
    assert len(document(user)["messages"]) == seen


def test_no_secret_and_nothing_of_others_is_in_it(user, outbox):
    text = json.dumps(document(user))
    other = get_user_model().objects.create_user(new_phone())
    services.send_code(phone=other.phone)
    live(other)
    assert json.dumps(document(user)) == text
    for secret in (bytes(Token.objects.first().digest).hex(), Confirmation.objects.first().nonce.hex, "pbkdf2", "S256"):
        assert secret not in text
    assert authenticators.secret_of(Authenticator.objects.get(user=user)) not in text


def test_the_project_adds_its_own(user, settings):
    settings.OTP_ACCOUNTS = f"{__name__}.Shop"
    copy = document(user)
    assert copy["project"] == {"orders": [{"number": 7, "of": user.pk}]}
    assert (copy["user"]["nickname"], copy["user"]["id"]) == ("Azi", user.pk)


def test_a_user_without_a_phone_has_no_messages(user, monkeypatch):
    monkeypatch.setattr(Accounts, "phone_of", lambda *_: "")
    copy = document(user)
    assert (copy["messages"], copy["line_lookups"], copy["devices_forgotten_at"]) == ([], [], None)


def test_the_work_is_bounded_however_much_there_is(user, monkeypatch):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            document(user)
        return len(captured)

    before = queries()
    for _ in range(5):
        live(user)
    assert queries() == before <= len(export.OF_USER) + 3
    monkeypatch.setattr(export, "MAX_LISTED", 3)
    assert {len(document(user)[name]) for name in ("tokens", "browser_sessions", "events", "confirmations")} == {3}
