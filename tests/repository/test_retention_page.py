"""docs/retention.md: each table of the app has a line, and each line is played by the clock."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from otp_app import stores, tokens
from otp_app.accounts import (
    authorization_codes,
    confirmations,
    devices,
    events,
    notifications,
    number_changes,
    recoveries,
)
from otp_app.accounts.events import Kind
from otp_app.challenges import Claim, Status, random_id
from otp_app.conf import conf
from otp_app.delivery import sweeper
from otp_app.keys import phone_key
from otp_app.models import (
    Authenticator,
    AuthorizationCode,
    BlockRow,
    ChallengeRow,
    Confirmation,
    Counter,
    Delivery,
    DevicesEnd,
    EmailAddress,
    EventRow,
    Failure,
    KeptAnswer,
    LineLookup,
    Notification,
    NumberChange,
    Recovery,
    RefreshToken,
    SecurityEvent,
    Token,
    UserSession,
)
from otp_app.phones import as_phone
from otp_app.stores.sql import SqlStore
from otp_app.tokens.jwt import JwtTokens
from tests.asking import check, open_one, sending
from tests.factories import new_challenge, new_phone
from tests.programs import ROOT
from tests.sites import new_site, requested

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "retention.md").read_text(encoding="utf-8")
UNITS = {"min": 60, "h": 3600, "days": 24 * 3600}
STEP = 60  # seconds around the end


def lines(heading):
    """The lines of the table below a heading: by the first cell, for how long."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    return {name: period for name, _, period, *_ in cells[2:]}


TABLES, KEYS = lines("Tables"), lines("Keys in Redis")
ENDING = [name for name, period in TABLES.items() if period]


def seconds(period):
    """The period of a line: of a number and its unit, or of a setting."""
    if setting := re.fullmatch(r"`OTP_(\w+)`", period):
        return getattr(conf, setting[1])
    number, unit = period.split(" ")
    return int(number) * UNITS[unit]


def user():
    return get_user_model().objects.create_user(new_phone())


def now():
    return stores.current().now()


def answer(expires_at):
    named = {name: random_id() for name in ("key", "body", "challenge")}
    return KeptAnswer.objects.create(**named, expires_at=expires_at)


def report(**facts):
    values = {"digest": uuid4(), "provider": "one", "status": "sent", "raw": {}}
    return EventRow.objects.create(**values, received_at=timezone.now(), **facts)


def delivery():
    return Delivery.objects.create(challenge=uuid4(), sent_at=now(), channel="sms", provider="one")


def browser_session():
    session = SessionStore()
    session.set_expiry(timezone.now())
    session.save()
    return UserSession.objects.create(key=session.session_key, user=user(), expires_at=session.get_expiry_date())


def challenge():
    """One in the database, whose code expires now; also where the project went over to Redis since."""
    opened = open_one(SqlStore()).challenge
    ChallengeRow.objects.filter(id=opened.id).update(expires_at=now())
    return ChallengeRow.objects.get(id=opened.id)


def code():
    authorization_codes.issue(requested(new_site()), user())
    row = AuthorizationCode.objects.latest("pk")
    row.expires_at = now()
    row.save()
    return row


def confirmation():
    return Confirmation.objects.get(challenge=confirmations.begin(user(), "change_phone", "{}", random_id()))


def event():
    owner = user()
    events.record(owner, Kind.NEW_DEVICE)
    return SecurityEvent.objects.get(user=owner)


def token():
    owner = user()
    tokens.current().issue(owner, None)
    return Token.objects.get(user=owner)


def refresh_token():
    owner = user()
    JwtTokens().issue(owner, None)
    return RefreshToken.objects.get(user=owner)


def notification():
    owner = user()
    notifications.add(owner, "new_device", as_phone(owner.phone), "", "en")
    return Notification.objects.get(user=owner)


def end_of_devices(*, erased=False):
    phone = new_phone()
    devices.end_all(phone, erased=erased)
    return DevicesEnd.objects.get(phone=phone_key(phone))


def number_change():
    name, owner = random_id(), user()
    number_changes.begin(owner, owner.phone, new_phone(), name)
    return NumberChange.objects.get(pk=name)


def recovery():
    row = recoveries.ask(new_phone(), None)
    Recovery.objects.filter(pk=row.pk).update(expires_at=now())
    return row


def authenticator():
    return Authenticator.objects.create(user=user(), key="a")


def email_address():
    return EmailAddress.objects.create(user=user(), email="a@example.com", checks_left=5, created_at=now())


# What begins to age now, for each line whose rows end by time.
MAKE = {
    "`Token`": token,
    "`RefreshToken`": refresh_token,
    "`UserSession`": browser_session,
    "`AuthorizationCode`": code,
    "`Confirmation`": confirmation,
    "`ChallengeRow`": challenge,
    "`Delivery`": delivery,
    "`EventRow`": report,
    "`Failure`": lambda: Failure.objects.create(phone=uuid4(), at=now()),
    "`Counter`": lambda: Counter.objects.create(key=uuid4(), newest=[], rings=[], expires_at=now()),
    "`DevicesEnd`": end_of_devices,
    "`DevicesEnd` of a deleted account": lambda: end_of_devices(erased=True),
    "`KeptAnswer`": lambda: answer(now()),
    "`Notification`": notification,
    "`NumberChange`": number_change,
    "`Recovery`": recovery,
    "`Authenticator` that nobody has shown a code of": authenticator,
    "`EmailAddress` that was not proven": email_address,
    "`SecurityEvent`": event,
    "`LineLookup`": lambda: LineLookup.objects.create(phone=uuid4(), at=now(), finding="same"),
    "`BlockRow`": lambda: BlockRow.objects.create(subject=f"phone {new_phone()}", since=now(), until=now()),
}


def test_each_table_of_the_app_has_a_line_and_no_other():
    models = {f"`{model.__name__}`" for model in apps.get_app_config("otp_app").get_models()}
    assert {re.match("`[^`]+`", name)[0] for name in TABLES} == models


def test_each_line_whose_rows_end_by_time_is_played():
    assert set(ENDING) == set(MAKE)


@pytest.fixture
def time(clock, monkeypatch):
    """The app's clock, which is also Django's."""
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(seconds=clock.seconds))
    monkeypatch.setattr("otp_app.tokens.lives.now", timezone.now)
    return clock


def exists(row):
    return type(row)._base_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", ENDING)
def test_a_purge_deletes_what_is_older_than_its_line_says_and_spares_what_is_younger(name, time, each_store):
    period = seconds(TABLES[name])
    if not period:  # it ends at an instant of its own
        time.advance(STEP)
    old = MAKE[name]()
    time.advance(2 * STEP)
    young = MAKE[name]()
    time.advance(period - STEP if period else -STEP)
    sweeper.purge()
    assert (exists(old), exists(young)) == (False, True)


def test_a_report_goes_with_its_delivery(time):
    kept = delivery()
    its = report(delivery=kept)
    time.advance(seconds(TABLES["`EventRow`"]) - STEP)
    sweeper.purge()
    assert exists(its)
    time.advance(2 * STEP)
    sweeper.purge()
    assert not exists(its)


def test_a_token_in_use_ends_all_the_same(time, settings):
    settings.OTP_TOKEN_IDLE = 10 * conf.TOKEN_TTL
    held = token()
    time.advance(conf.TOKEN_TTL - STEP)
    sweeper.purge()
    assert exists(held)
    time.advance(2 * STEP)
    sweeper.purge()
    assert not exists(held)


def test_a_block_that_nobody_lifts_stays_and_one_that_was_lifted_goes(time):
    forever = BlockRow.objects.create(subject="phone +998901234567", since=now())
    lifted = BlockRow.objects.create(subject="phone +998901234567", since=now(), lifted_at=now())
    time.advance(seconds(TABLES["`BlockRow`"]) + STEP)
    sweeper.purge()
    assert (exists(forever), exists(lifted)) == (True, False)


# Redis


@pytest.fixture
def server(settings, redis_server, clock):
    redis_server.flush()
    settings.OTP_STORE = "otp_app.stores.redis.RedisStore"
    settings.OTP_REDIS_URL = redis_server.url
    return redis_server


def lives(server, key):
    """For how many seconds Redis keeps a key yet; None: until somebody deletes it."""
    left = server.command("PTTL", key)
    return None if left == -1 else left / 1000


def approved(store):
    opened = open_one(store).challenge
    store.close(check(store, opened), Status.APPROVED)
    return opened


def test_each_key_in_redis_has_a_line_and_lives_no_longer_than_it_says(server):
    store = stores.current()
    opened, failed = open_one(store).challenge, open_one(store).challenge
    check(store, failed)
    store.fail(failed)
    answered = approved(store)
    claimed = new_challenge()
    store.open(claimed, sending(claimed), {"sms": Claim("memory")})
    key = random_id()
    store.set_blocks({key: now() + 60_000})
    since = {  # seconds from now until a line begins to count
        f"otp:c:{opened.id}": ("`otp:c:`", opened.ttl),
        f"otp:p:{phone_key(opened.phone)}": ("`otp:p:`", 0),
        f"otp:p:{phone_key(failed.phone)}": ("`otp:p:` with failed checks", 0),
        f"otp:k:{key}": ("`otp:k:`", 60 + 3600),
        "otp:converted": ("`otp:converted`", 0),
    }
    assert {name for name, _ in since.values()} | {"`otp:journal`", "`otp:generation`"} == set(KEYS)
    for key, (name, seconds_before) in since.items():
        end = seconds_before + seconds(KEYS[name])
        assert end - STEP < lives(server, key) <= end, key
    assert answered
    found = {each.decode() for each in server.command("KEYS", "*")}
    prefixes = tuple(re.match("`(.+?)`", name)[1] for name in KEYS)
    assert all(key.startswith(prefixes) for key in found)
    assert {key for key in found if lives(server, key) is None} == {"otp:generation", "otp:journal"}


def test_what_is_under_way_leaves_the_journal_when_its_line_says(server, clock):
    store = stores.current()
    claimed = new_challenge()
    store.open(claimed, sending(claimed), {"sms": Claim("memory")})
    for waited, left in ((seconds(KEYS["`otp:journal`"]) - STEP // 2, 1), (STEP, 0)):
        clock.advance(waited)
        sweeper.sweep()
        sweeper.sweep()  # the entry goes with the next question, once its row is written
        assert server.command("ZCARD", "otp:journal") == left


def test_what_a_token_backend_of_before_has_issued_is_purged_too(time, settings):
    held = token()
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
    time.advance(seconds(TABLES["`Token`"]) + STEP)
    assert sweeper.purge()[1] == 1
    assert not exists(held)
