"""DELETE /api/me/ ends an account: what is left of it, who may not, and what happens when something fails."""

import base64
import hashlib
import json
import re

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import IntegrityError, OperationalError, connection, models, transaction
from django.test import Client

from otp_app import person, signals, stores, tokens
from otp_app.accounts import Accounts, authorization_codes, confirmations, devices, events, notifications
from otp_app.accounts.events import Kind
from otp_app.errors import ConfirmationRequired, ErasureRefused, InsideTransaction
from otp_app.keys import phone_key
from otp_app.limits import request_limits
from otp_app.models import (
    Authenticator,
    BlockRow,
    DevicesEnd,
    EmailAddress,
    KeptAnswer,
    LineLookup,
    RecoveryCode,
    Token,
)
from otp_app.phones import as_phone
from otp_app.providers import memory
from otp_app.rulings import changes
from otp_app.stores.redis import RedisStore
from otp_app.stores.sql import SqlStore
from tests.factories import new_phone, other_than
from tests.races import race
from tests.rulings.made import ruled
from tests.sites import new_site, requested

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requests]

PK = 987_654_321  # occurs nowhere by chance


class Owner:
    """A person with an app."""

    def __init__(self, phone):
        self.phone, self.client, self.token, self.device = phone, Client(), "", ""

    def post(self, path, body, **headers):
        return self._ask("post", path, body, headers)

    def _ask(self, method, path, body, headers):
        held = {"authorization": f"Bearer {self.token}"} if self.token else {}
        call = getattr(self.client, method)
        return call(f"/api/{path}/", body, content_type="application/json", headers=held | headers)

    def send(self):
        return self.post("send-otp", {"phone": self.phone}).json()

    def sign_in(self, **headers):
        self.send()
        body = {"phone": self.phone, "otp": memory.outbox[-1].code}
        answer = self.post("verify-otp", body, **headers).json()
        self.token, self.device = answer["token"], answer["device"]
        return answer

    def confirm(self, purpose="delete_account", **context):
        device = {"device": self.device}
        sent = self.post("confirm", {"purpose": purpose, **context} | device).json()
        body = {"challenge_id": sent["challenge_id"], "otp": memory.outbox[-1].code} | device
        return self.post("confirm/verify", body).json()["confirmation"]

    def delete(self, confirmation=""):
        headers = {"otp-confirmation": confirmation} if confirmation else {}
        return self._ask("delete", "me", None, headers)

    def status(self):
        return self.client.get("/api/me/", headers={"authorization": f"Bearer {self.token}"}).status_code


@pytest.fixture(autouse=True)
def _no_waits(settings, outbox):
    settings.OTP_WAITS = ()


@pytest.fixture
def owner(clock):
    phone = new_phone()
    get_user_model().objects.create_user(phone, pk=PK)
    owner = Owner(phone)
    owner.sign_in()
    return owner


@pytest.fixture
def heard():
    """What ``account_deleted`` told."""
    heard = []

    def hear(**told):
        heard.append((told["user"].pk, told["phone"]))

    signals.account_deleted.connect(hear)
    yield heard
    signals.account_deleted.disconnect(hear)


# what is left


def spellings(phone):
    """The phone as somebody may have written it, and its plain hashes."""
    national = phone.removeprefix("+998")
    texts = [phone, phone[1:], f"8{national}", national, f"+998 {national[:2]} {national[2:5]} {national[5:]}"]
    hashed = [hashlib.new(kind, text.encode()) for kind in ("md5", "sha1", "sha256") for text in texts]
    hexadecimal = [part for each in hashed for part in (each.hexdigest(), each.hexdigest()[:32])]
    digests = [*hexadecimal, *(base64.b64encode(each.digest()).decode() for each in hashed)]
    return [national, *digests]


def shown(value):
    """A value of a column as text in which each spelling would be found."""
    if isinstance(value, (bytes, memoryview)):
        return f"{bytes(value).hex()} {base64.b64encode(bytes(value)).decode()} {bytes(value)!r}"
    text = json.dumps(value, default=str)
    return f"{text} {re.sub('[^0-9a-f]', '', text)}"


def rows():
    """Each row of each table of the app, and of Django's sessions, as text by the table's name."""
    for model in [*apps.get_app_config("otp_app").get_models(), Session]:
        names = [field.attname for field in model._meta.concrete_fields]
        for row in model._base_manager.values(*names):
            if model is Session:
                row["session_data"] = Session(session_data=row["session_data"]).get_decoded()
            yield model.__name__, " ".join(map(shown, row.values()))


def keys(server):
    """Each key of Redis with its value, as text."""
    for key in server.command("KEYS", "*"):
        kind = server.command("TYPE", key).decode()
        read = {"string": ("GET", key), "list": ("LRANGE", key, 0, -1), "zset": ("ZRANGE", key, 0, -1)}[kind]
        yield key.decode(), f"{key} {server.command(*read)}"


def found(marks, places):
    return {place for place, text in places if any(mark in text for mark in marks)}


def lead_a_life(owner):
    """Leave a trace in every table that can hold one of a person."""
    user = get_user_model().objects.get(pk=PK)
    user.full_name, user.language = "Aziza", "uz"
    user.save()
    owner.post("send-otp", {"phone": owner.phone}, idempotency_key="one")
    wrong = other_than(memory.outbox[-1].code)
    owner.post("verify-otp", {"phone": owner.phone, "otp": wrong})
    owner.sign_in(idempotency_key="two")
    owner.confirm("change_phone", context={"text": "a context"})
    browser = Client()
    browser.force_login(user)
    session = browser.session
    session["otp_app_phone"] = owner.phone
    session.save()
    user.otp_sessions.create(key=session.session_key, expires_at=session.get_expiry_date())
    authorization_codes.issue(requested(new_site()), user)
    events.record(user, Kind.NEW_DEVICE)
    notifications.add(user, "new_device", as_phone(owner.phone), "", "en")
    Authenticator.objects.create(user=user, key="a", last_step=1)
    EmailAddress.objects.create(user=user, email="owner@example.com", checks_left=0, created_at=1, verified_at=2)
    RecoveryCode.objects.create(user=user, number=1, hash="x")
    devices.end_all(owner.phone)
    LineLookup.objects.create(phone=phone_key(owner.phone), at=stores.current().now(), finding="same", price=1)
    changes.lift(ruled(f"phone {owner.phone}").subject, "otp_allow")


@pytest.mark.parametrize("moment", ["soon", "late"])
def test_after_an_erasure_nothing_tells_who_it_was_but_the_keyed_ledger_and_that_for_thirty_days(
    owner, each_store, request, clock, moment
):
    marks = [*spellings(owner.phone), str(PK)]
    lead_a_life(owner)
    redis = request.getfixturevalue("redis_server") if "Redis" in type(each_store).__name__ else None
    before = found(marks, rows())
    held = {
        "User",
        "Token",
        "UserSession",
        "Confirmation",
        "SecurityEvent",
        "Authenticator",
        "EmailAddress",
        "Notification",
        "BlockRow",
        "Session",
    }
    assert before >= held | {"AuthorizationCode"}
    if redis:
        assert any(key.startswith("otp:c:") for key in found(marks, keys(redis)))
    else:
        assert "ChallengeRow" in before
    if moment == "late":
        clock.advance(2 * 3600)
    answer = owner.delete(owner.confirm())
    assert answer.status_code == 200, answer.content
    assert answer.json()["message"] == "Account deleted"
    assert answer.json()["kept"]["days"] == 30
    assert found(marks, rows()) == set()
    assert not redis or found(marks, keys(redis)) == set()
    assert not RecoveryCode.objects.exists()
    assert LineLookup.objects.get().price == 1  # what it has cost
    assert not KeptAnswer.objects.exists()
    ledger = [phone_key(owner.phone), phone_key(owner.phone, "any")]
    assert found(ledger, rows()) <= {"Delivery", "Failure", "DevicesEnd"}
    clock.advance(30 * 24 * 3600 + 3700)
    stores.current().purge()
    assert found(ledger, rows()) == set()


def test_the_search_would_find_each_spelling():
    phone = "+998901234567"
    marks = spellings(phone)
    sha = hashlib.sha256(b"901234567").digest()
    for value in (phone, "998901234567", "+998 90 123-45-67", {"to": [phone]}, sha, sha.hex(), b"+998901234567"):
        assert any(mark in shown(value) for mark in marks), value
    assert not any(mark in shown("+998901234568") for mark in marks)


# who may not


@pytest.mark.parametrize("given", ["none", "of another purpose", "of another context", "of somebody else", "used"])
def test_without_a_fresh_confirmation_of_the_own_nothing_ends(owner, given, heard):
    confirmation = {
        "none": lambda: "",
        "of another purpose": lambda: owner.confirm("change_phone"),
        "of another context": lambda: owner.confirm(context={"text": "a prize"}),
    }.get(given, owner.confirm)()
    if given == "used":
        assert confirmations.use(get_user_model().objects.get(pk=PK), "delete_account", confirmation, {})
    asking = owner
    if given == "of somebody else":
        asking = Owner(new_phone())
        asking.sign_in()
    refused = asking.delete(confirmation)
    assert (refused.status_code, refused.json()["code"]) == (403, "confirmation_required")
    assert refused.json()["purpose"] == "delete_account"
    assert (asking.status(), owner.status(), heard) == (200, 200, [])


def test_nobody_ends_an_account_without_a_token(client):
    assert client.delete("/api/me/").status_code == 401


def untouched():
    """All rows but those of what a mere request counts."""
    return sorted(text for name, text in rows() if name != "Counter")


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_staff_is_refused_because_a_code_alone_must_not_end_what_the_password_guards(owner, flag):
    get_user_model().objects.filter(pk=PK).update(**{flag: True})
    confirmation = owner.confirm()
    before = untouched()
    refused = owner.delete(confirmation)
    assert (refused.status_code, refused.json()["code"]) == (409, "erasure_refused")
    assert "administrator" in refused.json()["detail"]
    assert untouched() == before


def test_an_account_that_rows_of_the_project_hold_stays_whole_and_the_operator_reads_which(owner, monkeypatch, caplog):
    monkeypatch.setattr(LogEntry._meta.get_field("user").remote_field, "on_delete", models.PROTECT)
    LogEntry.objects.create(user_id=PK, action_flag=1, object_repr="an invoice")
    confirmation = owner.confirm()
    before = untouched()
    refused = owner.delete(confirmation)
    assert (refused.status_code, refused.json()["code"]) == (409, "erasure_refused")
    assert "Nothing was changed" in refused.json()["detail"]
    assert "because of admin.LogEntry: override erase" in caplog.text
    assert untouched() == before
    assert owner.status() == 200
    LogEntry.objects.all().delete()
    assert owner.delete(confirmation).status_code == 200


class Patient(Accounts):
    def erase(self, user):
        raise ErasureRefused("Pay first.")


def test_a_project_refuses_in_its_own_words(owner, settings):
    settings.OTP_ACCOUNTS = f"{__name__}.Patient"
    assert owner.delete(owner.confirm()).json()["detail"] == "Pay first."
    assert owner.status() == 200


class Constrained(Accounts):
    def erase(self, user):
        raise IntegrityError("some table that Django knows nothing of")


def test_what_the_database_alone_holds_is_refused_too(owner, settings, caplog):
    settings.OTP_ACCOUNTS = f"{__name__}.Constrained"
    assert owner.delete(owner.confirm()).status_code == 409
    assert "because of IntegrityError" in caplog.text


@pytest.mark.parametrize(
    "step",
    [
        (tokens, "revoke_all"),
        (Accounts, "erase"),
        (devices, "end_all"),
        (SqlStore, "forget"),
        (RedisStore, "_ask"),
    ],
    ids=lambda step: step[1],
)
def test_a_failure_in_between_leaves_the_account_whole_and_the_confirmation_good(
    owner, step, monkeypatch, heard, settings, redis_server
):
    if step[0] is RedisStore:
        redis_server.flush()
        settings.OTP_STORE, settings.OTP_REDIS_URL = "otp_app.stores.redis.RedisStore", redis_server.url
    confirmation = owner.confirm()
    before = untouched()

    def fail(*_, **__):
        raise OperationalError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(*step, fail)
        answer = owner.delete(confirmation)
    assert (answer.status_code, answer.json()["code"], heard) == (503, "unavailable", [])
    assert untouched() == before
    assert owner.delete(confirmation).status_code == 200
    assert heard == [(PK, owner.phone)]


def test_inside_a_transaction_nothing_is_erased(owner):
    user = get_user_model().objects.get(pk=PK)
    with transaction.atomic(), pytest.raises(InsideTransaction):
        person.erase(user=user)
    assert owner.status() == 200


# what goes on


def test_a_program_erases_by_its_own_proof_and_all_are_told_after_the_commit(owner, heard, caplog):
    caplog.set_level("INFO")
    user = get_user_model().objects.get(pk=PK)
    person.erase(user=user)
    assert heard == [(PK, owner.phone)]
    assert f"account_deleted user={PK} client=None" in caplog.text
    assert owner.status() == 401
    with pytest.raises(ConfirmationRequired):
        person.erase(user=user)


def test_a_user_without_a_phone_is_erased_too(django_user_model, heard, monkeypatch):
    user = django_user_model.objects.create_user(new_phone())
    monkeypatch.setattr(Accounts, "phone_of", lambda *_: "")
    person.erase(user=user)
    assert not django_user_model.objects.exists()
    assert heard == [(user.pk, "")]


def test_failed_checks_go_on_counting_in_both_lanes(owner, each_store):
    for _ in range(2):
        owner.send()
        owner.post("verify-otp", {"phone": owner.phone, "otp": other_than(memory.outbox[-1].code)})
    confirmed = owner.confirm()
    owner.post("send-otp", {"phone": owner.phone, "device": owner.device})
    body = {"phone": owner.phone, "otp": other_than(memory.outbox[-1].code), "device": owner.device}
    owner.post("verify-otp", body)

    def failures(device):
        limits = request_limits.for_send(owner.phone, None, checks=5, device=device).limits
        used = stores.current().usage(limits, phone=owner.phone, device=bool(device))
        return [each.used for each in used if each.limit.name.startswith("failures")]

    before = failures(""), failures("d")
    assert owner.delete(confirmed).status_code == 200
    assert (failures(""), failures("d")) == ([2, 2], [1])
    assert all(
        left <= one
        for lane, kept in zip((failures(""), failures("d")), before, strict=True)
        for left, one in zip(lane, kept, strict=True)
    )


def test_of_one_phone_an_account_is_erased_once_a_day_because_its_sends_may_count_anew(owner, clock):
    owner.delete(owner.confirm())
    owner.sign_in()
    refused = owner.delete(owner.confirm())
    assert (refused.status_code, refused.json()["code"]) == (429, "limited")
    assert 86_000 < refused.json()["retry_after"] <= 86_400
    assert owner.status() == 200
    clock.advance(86_401)
    assert owner.delete(owner.confirm()).status_code == 200


def test_the_devices_of_an_erased_account_are_forgotten_and_a_later_end_is_kept_for_its_own_time(owner):
    owner.delete(owner.confirm())
    assert devices.recognise(owner.phone, owner.device) == ""
    assert DevicesEnd.objects.get().erased
    devices.end_all(owner.phone)
    assert not DevicesEnd.objects.get().erased


def test_a_repeated_verification_does_not_bring_back_the_token_of_the_erased_account(owner):
    owner.send()
    body = {"phone": owner.phone, "otp": memory.outbox[-1].code}
    owner.token = owner.post("verify-otp", body, idempotency_key="k").json()["token"]
    assert owner.delete(owner.confirm()).status_code == 200
    answer = Owner(owner.phone).post("verify-otp", body, idempotency_key="k")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_or_expired_code")


def test_a_block_in_force_is_of_the_number_and_stays(owner):
    confirmation = owner.confirm()
    ruled(f"phone {owner.phone}")
    assert owner.delete(confirmation).status_code == 200
    assert BlockRow.objects.get().subject == f"phone {owner.phone}"


def test_where_the_browser_sends_a_cookie_the_cookie_goes_and_a_request_of_another_site_ends_nothing(owner, settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
    settings.SESSION_SAVE_EVERY_REQUEST = True
    browser = owner.client = Client(enforce_csrf_checks=True)
    browser.get("/admin/login/")
    csrf = browser.cookies[settings.CSRF_COOKIE_NAME].value
    owner.token = ""
    owner.sign_in()
    post, body = owner.post, {}
    owner.post = lambda path, body, **headers: post(path, body, x_csrftoken=csrf, **headers)
    csrf = browser.cookies[settings.CSRF_COOKIE_NAME].value
    confirmation = owner.confirm()
    assert browser.delete("/api/me/", headers={"otp-confirmation": confirmation}).status_code == 403
    answer = browser.delete("/api/me/", headers={"otp-confirmation": confirmation, "x-csrftoken": csrf})
    assert (answer.status_code, body) == (200, {})
    assert answer.cookies[settings.SESSION_COOKIE_NAME].value == ""
    assert not Session.objects.exists()


# races


def test_of_many_requests_with_one_confirmation_one_erases(owner, heard):
    confirmation = owner.confirm()
    statuses = race(lambda _: owner.delete(confirmation).status_code, 8)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 403}
    assert heard == [(PK, owner.phone)]


@pytest.mark.parametrize("backend", ["opaque.OpaqueTokens", "session.SessionTokens"])
def test_a_sign_in_that_found_the_user_before_the_erasure_begins_a_fresh_account(owner, backend, settings, monkeypatch):
    """The account ends between the moment when the sign-in finds it and the one when it writes the token."""
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{backend}"
    user = get_user_model().objects.get(pk=PK)
    pending = [user]

    def late(issue):
        def issue_late(*args):
            if pending:
                person.erase(user=pending.pop())
            return issue(*args)

        return issue_late

    monkeypatch.setattr(tokens, "issue", late(tokens.issue))
    monkeypatch.setattr(tokens, "issuing", lambda _: None)
    owner.token = ""
    answer = owner.sign_in()
    assert answer["user"]["is_new"]
    assert get_user_model().objects.get().pk == answer["user"]["id"] != PK
    if answer["token"]:
        assert owner.status() == 200
    assert not Token.objects.exclude(user=answer["user"]["id"]).exists()


def test_sign_ins_beside_an_erasure_end_in_one_fresh_account_or_none_and_in_no_dead_row(owner):
    """Each of them has a code of its own; who comes after the erasure finds the code void, or signs up."""
    confirmation = owner.confirm()
    owner.send()
    body = {"phone": owner.phone, "otp": memory.outbox[-1].code}

    def act(number):
        if number == 0:
            return owner.delete(confirmation).status_code
        return Client().post("/api/verify-otp/", body, content_type="application/json").status_code

    statuses = race(act, 4)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {200, 400}
    users = list(get_user_model().objects.filter(phone=owner.phone).values_list("pk", flat=True))
    assert len(users) <= 1
    assert PK not in users
    assert set(Token.objects.values_list("user", flat=True)) == set(users)
    connection.check_constraints()
