"""Sessions of both kinds are counted, ended and recorded alike, wherever Django keeps them."""

import random
from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.middleware import SessionMiddleware
from django.utils import timezone

from otp_app import accounts, services, tokens
from otp_app.accounts import events
from otp_app.models import Token, UserSession
from otp_app.testing.contracts.races import race
from otp_app.tokens.opaque import OpaqueTokens
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db
BACKENDS = pytest.mark.parametrize("backend", [OpaqueTokens(), SessionTokens()])
KEPT = 3


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone())


@pytest.fixture
def request_of(rf, settings):
    """Return a function that makes a request of a browser, with the session of that key, or a new one."""

    def make(key=None):
        request = rf.get("/")
        if key:
            request.COOKIES[settings.SESSION_COOKIE_NAME] = key
        SessionMiddleware(lambda _: None).process_request(request)
        return request

    return make


@BACKENDS
@pytest.mark.django_db(transaction=True)
def test_of_many_sign_ins_at_once_the_newest_stay_and_no_fewer(user, request_of, outbox, settings, backend):
    """Each ends what is beyond the maximum when it looks; whoever looks last sees all."""
    settings.OTP_MAX_SESSIONS = KEPT
    requests = [request_of() for _ in range(12)]

    def sign_in(number):
        issued = tokens.issue(backend, user, requests[number])
        tokens.sessions.end_oldest(user, requests[number])
        return issued.session

    begun = race(sign_in, len(requests))
    left = [session.id for session in tokens.sessions.of(user)]
    assert len(left) == KEPT
    assert set(left) <= set(begun)
    assert events.of(user) == []  # nobody has ended them: new ones have taken their places


def test_a_sign_up_that_another_sign_in_has_overtaken_keeps_to_the_maximum_too(outbox, settings, monkeypatch):
    settings.OTP_MAX_SESSIONS = 1
    sign_up = accounts.sign_up

    def overtaken(phone, *asked):
        user, is_new = sign_up(phone, *asked)
        tokens.issue(OpaqueTokens(), user, None)
        tokens.sessions.end_oldest(user, None)
        return user, is_new

    monkeypatch.setattr(accounts, "sign_up", overtaken)
    services.send_code(phone=(phone := new_phone()))
    done = services.sign_in(phone=phone, code=outbox[-1].code)
    assert done.is_new
    assert [session.id for session in tokens.sessions.of(done.user)] == [done.issued.session]


def test_of_sessions_that_began_at_once_all_take_the_same_for_the_oldest(user, monkeypatch):
    """Whatever order the database lists them in; else two sign-ins at once would end two in place of one."""
    for _ in range(5):
        tokens.issue(OpaqueTokens(), user, None)
    Token.objects.update(began_at=None)
    listed = OpaqueTokens.sessions

    def shuffled(self, *asked):
        return sorted(listed(self, *asked), key=lambda _: random.random())

    monkeypatch.setattr(OpaqueTokens, "sessions", shuffled)
    orders = {tuple(session.id for session in tokens.sessions.of(user)) for _ in range(20)}
    assert len(orders) == 1


@BACKENDS
def test_what_a_sign_in_answers_names_its_session(user, request_of, backend):
    issued = [tokens.issue(backend, user, request_of()) for _ in range(2)]
    assert {each.session for each in issued} == {each.id for each in tokens.sessions.of(user)}


def test_a_session_that_is_not_listed_has_no_name(user, request_of, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert tokens.issue(SessionTokens(), user, request_of()).session == ""


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file"])
def test_an_ended_session_is_nobodys_whichever_engine_keeps_it(user, request_of, settings, tmp_path, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for _ in range(2):
        request = request_of()
        tokens.issue(SessionTokens(), user, request)
        request.session.save()
    ended, kept = UserSession.objects.order_by("pk")
    assert tokens.sessions.end(user, ended.public_id)
    assert SessionTokens().authenticate(request_of(ended.key)) is None
    assert SessionTokens().authenticate(request_of(kept.key)) == user
    assert not store().exists(ended.key)


@BACKENDS
def test_who_ends_one_or_the_others_finds_an_event_and_a_second_time_none(user, request_of, rf, backend):
    issued = [tokens.issue(backend, user, request_of()) for _ in range(3)]
    request = rf.get("/", HTTP_USER_AGENT="Bazaar/2.1 (Android 15)")
    for _ in range(2):
        tokens.sessions.end(user, issued[0].session, request)
    (event,) = events.of(user)
    assert (event.kind, event.client_name) == ("sessions_ended", "Bazaar, Android")
    own = request_of()
    for _ in range(2):
        tokens.sessions.end_others(user, own)
    assert [event.kind for event in events.of(user)] == ["sessions_ended"] * 2


@pytest.mark.django_db(transaction=True)
def test_of_many_who_end_one_session_at_once_one_has_ended_it(user):
    issued = tokens.issue(OpaqueTokens(), user, None)
    assert sum(race(lambda _: tokens.sessions.end(user, issued.session), 8)) == 1
    assert len(events.of(user)) == 1


def test_signing_out_everywhere_is_an_event(user, rf):
    services.sign_out_everywhere(user=user, request=rf.get("/", HTTP_USER_AGENT="Bazaar/2.1"))
    (event,) = events.of(user)
    assert (event.kind, event.client_name) == ("sessions_ended", "Bazaar")


def test_the_oldest_goes_by_its_beginning_not_by_its_last_use(user, settings):
    settings.OTP_MAX_SESSIONS = 1
    _, newest = (tokens.issue(OpaqueTokens(), user, None) for _ in range(2))
    Token.objects.filter(pk=Token.objects.order_by("pk")[0].pk).update(used_at=timezone.now() + timedelta(hours=1))
    tokens.sessions.end_oldest(user, None)
    assert [session.id for session in tokens.sessions.of(user)] == [newest.session]
