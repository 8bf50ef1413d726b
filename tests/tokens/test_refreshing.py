"""A refresh token has one successor: who asks twice gets the same one, and a reuse later ends the session."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from otp_app import tokens
from otp_app.accounts import events
from otp_app.errors import NotAuthenticated, RefreshReused
from otp_app.models import RefreshToken
from otp_app.signals import signed_out
from otp_app.tokens import jwt, refresh_tokens
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def _jwt(settings, clock):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def first(user):
    """The first refresh token of a session."""
    return tokens.current().issue(user, None).refresh_token


@pytest.fixture
def ended():
    """The users to whom ``signed_out`` was sent."""
    users = []

    def note(user, **_):
        users.append(user)

    signed_out.connect(note)
    yield users
    signed_out.disconnect(note)


def refresh(token):
    return tokens.refresh(token, None).refresh_token


def kinds(user):
    return [event.kind for event in events.of(user)]


def test_a_session_is_named_as_it_is_listed(user):
    issued = tokens.current().issue(user, None)
    assert [each.id for each in tokens.sessions.of(user)] == [issued.session]
    assert tokens.refresh(issued.refresh_token, None).session == issued.session


def test_each_refresh_gives_a_new_pair_of_the_same_session(user, first):
    second = tokens.refresh(first, None)
    third = tokens.refresh(second.refresh_token, None)
    assert len({first, second.refresh_token, third.refresh_token}) == 3
    assert tokens.authenticate(third.token) == user
    assert {refresh_tokens.read(each).sid for each in (first, third.refresh_token)} == {RefreshToken.objects.get().sid}


def test_who_lost_the_reply_gets_the_same_successor_for_thirty_seconds(first, clock):
    second = refresh(first)
    clock.advance(29)
    assert refresh(first) == second
    assert refresh(second)


def test_the_clocks_of_two_hosts_may_differ_by_more_than_that(first, monkeypatch):
    second = refresh(first)
    monkeypatch.setattr(jwt.clock, "milliseconds", lambda: 10**13)
    assert refresh(first) == second


def test_who_lost_a_reply_gets_it_although_another_request_has_gone_on_meanwhile(first, clock):
    second = refresh(first)
    clock.advance(10)
    third = refresh(second)
    clock.advance(15)
    assert (refresh(first), refresh(second)) == (second, third)
    clock.advance(10)
    assert refresh(second) == third


def test_a_reuse_after_that_ends_the_session_and_is_an_event_once(user, first, clock, ended):
    second = refresh(first)
    clock.advance(31)
    for token, refusal in ((first, RefreshReused), (first, NotAuthenticated), (second, NotAuthenticated)):
        with pytest.raises(NotAuthenticated) as refused:
            refresh(token)
        assert type(refused.value) is refusal
    assert (kinds(user), ended) == (["refresh_reused"], [user])
    assert not RefreshToken.objects.exists()


def test_a_reuse_ends_no_other_session(user, first, clock):
    other = tokens.current().issue(user, None).refresh_token
    refresh(first)
    clock.advance(31)
    with pytest.raises(RefreshReused):
        refresh(first)
    assert refresh(other)


@pytest.fixture
def meanwhile(monkeypatch):
    """Return a function that has something happen while the next refresh has read the session and not yet written."""

    def meanwhile(happen):
        read = jwt._row_of

        def read_and_wait(text):
            row = read(text)
            monkeypatch.setattr(jwt, "_row_of", read)
            happen()
            return row

        monkeypatch.setattr(jwt, "_row_of", read_and_wait)

    return meanwhile


def test_a_slow_request_gets_the_successor_too_and_does_not_set_the_session_back(first, meanwhile):
    meanwhile(lambda: refresh(refresh(first)))
    assert refresh(first) == str(refresh_tokens.read(first).successor())
    assert RefreshToken.objects.get().number == 2


def test_a_slow_request_does_not_bring_back_a_session_that_was_ended_meanwhile(user, first, meanwhile):
    meanwhile(lambda: tokens.revoke_all(user))
    with pytest.raises(NotAuthenticated):
        refresh(first)
    assert not RefreshToken.objects.exists()


def test_a_token_that_many_have_followed_at_once_is_a_reuse(first):
    newest = first
    for _ in range(17):
        newest = refresh(newest)
    with pytest.raises(RefreshReused):
        refresh(first)


def test_a_reuse_that_cannot_be_recorded_ends_nothing_until_it_can(user, first, clock, monkeypatch):
    second = refresh(first)
    clock.advance(31)
    with monkeypatch.context() as broken:
        broken.setattr(events, "record", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            refresh(first)
    assert refresh(second)


def test_the_successor_is_of_the_session_whatever_key_is_in_force_by_now(first, settings):
    second = refresh(first)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new" * 20
    again = refresh(first)
    assert refresh_tokens.read(again) == refresh_tokens.read(second)
    assert refresh(again) == refresh(second)


@pytest.mark.parametrize("change", ["root", "number", "sid"])
def test_a_token_that_the_service_made_for_no_session_is_refused_and_ends_nothing(first, change):
    text = refresh_tokens.read(first)
    other = refresh_tokens.new()
    values = {"sid": text.sid, "number": 7, "root": text.root}
    if change != "number":
        values |= {"number": 0, change: getattr(other, change)}
    with pytest.raises(NotAuthenticated) as refused:
        refresh(str(refresh_tokens.PlainToken(**values)))
    assert type(refused.value) is NotAuthenticated
    assert refresh(first)


def test_a_deactivated_or_deleted_user_is_refused(user, first):
    user.is_active = False
    user.save()
    with pytest.raises(NotAuthenticated):
        refresh(first)
    user.delete()
    with pytest.raises(NotAuthenticated):
        refresh(first)


@pytest.mark.parametrize(("every", "days"), [(10, 365), (14, 14)])
def test_a_session_ends_where_an_opaque_token_would(first, clock, every, days):
    token = first
    for _ in range((days - 1) // every):
        clock.advance(every * DAY)
        token = refresh(token)
    clock.advance(every * DAY)
    with pytest.raises(NotAuthenticated):
        refresh(token)


def test_a_backend_without_refresh_tokens_knows_none(settings, first):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.opaque.OpaqueTokens"
    with pytest.raises(NotAuthenticated):
        refresh(first)


def test_a_refresh_reads_once_and_writes_once(first):
    refresh(tokens.current().issue(RefreshToken.objects.get().user, None).refresh_token)  # knows the signing key
    with CaptureQueriesContext(connection) as made:
        refresh(first)
    assert [query["sql"].split()[0] for query in made] == ["SELECT", "UPDATE"]


def test_a_purge_deletes_what_has_ended(first, clock):
    clock.advance(14 * DAY)
    assert tokens.purge() == 1


@pytest.mark.django_db(transaction=True)
class TestRaces:
    """What happens when many ask at once."""

    def test_of_five_hundred_refreshes_all_get_the_one_successor(self, user, first):
        together = 25

        def many(_):
            return [refresh(first) for _ in range(500 // together)]

        answers = [answer for each in race(many, together) for answer in each]
        assert len(answers) == 500
        assert set(answers) == {str(refresh_tokens.read(first).successor())}
        assert RefreshToken.objects.get().number == 1
        assert kinds(user) == []

    def test_of_many_reuses_one_ends_the_session_and_is_the_event(self, user, first, clock):
        refresh(first)
        clock.advance(31)
        answers = race(lambda _: refresh(first), 20)
        assert {type(answer) for answer in answers} <= {RefreshReused, NotAuthenticated}
        assert RefreshReused in {type(answer) for answer in answers}
        assert kinds(user) == ["refresh_reused"]

    def test_no_refresh_brings_back_a_session_that_is_ended_meanwhile(self, user, first):
        def either(number):
            return refresh(first) if number % 2 else tokens.revoke_all(user)

        race(either, 8)
        assert not RefreshToken.objects.exists()
        with pytest.raises(NotAuthenticated):
            refresh(first)

    def test_a_rollback_around_a_refresh_leaves_the_token_that_was_shown_good(self, first):
        with transaction.atomic():
            refresh(first)
            transaction.set_rollback(True)
        assert refresh(first)

    def test_chains_that_cross_stay_one_chain(self, user, first):
        """Two clients refresh in turns, each with what it was answered last."""

        def chain(_):
            token = first
            for _ in range(8):
                token = refresh(token)
            return token

        last = race(chain, 4)
        assert set(last) == {last[0]}
        assert RefreshToken.objects.get().number == 8
