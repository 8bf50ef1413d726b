"""A number whose account nobody has used for long, and somebody who comes with it from a new device."""

from datetime import datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import accounts, factors, services, stores
from otp_app.accounts import authorization_codes, devices, events, released_numbers
from otp_app.challenges import Status
from otp_app.errors import InvalidOrExpiredCode, Limited, OtpError, PhoneTaken
from otp_app.models import AuthorizationCode, ReleasedNumber, Token
from tests import members
from tests.api.test_schema import component, make
from tests.api.test_statements import CONTROL
from tests.factories import new_phone, other_than
from tests.races import race
from tests.sites import new_site, requested

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600
IDLE = 91 * DAY
NEW = {"account": "new"}
FACTOR = {"factor": {"by": "authenticator", "answer": "123456"}}


def post(client, name, body, **headers):
    return client.post(f"/api/{name}/", body, content_type="application/json", headers=headers)


@pytest.fixture
def enter(client, outbox):
    """Ask for a code and return the request that signs in by it."""

    def enter(phone, **members):
        sent = post(client, "send-otp", {"phone": phone})
        assert sent.status_code == 200, sent.json()
        body = {"phone": phone, "otp": outbox[-1].code, "challenge_id": sent.json()["challenge_id"]}
        return lambda **more: post(client, "verify-otp", body | members | more)

    return enter


@pytest.fixture
def old(enter, clock):
    """An account whose owner was last there more than 90 days ago, and the answer to the sign-in of then."""
    phone = new_phone()
    answer = enter(phone)()
    clock.advance(IDLE)
    return get_user_model().objects.get(phone=phone), answer.json()


@pytest.fixture
def proven(monkeypatch):
    """The answers of a user who has an authenticator."""
    tried = []

    def prove(user, by, answer, bound_to=""):
        tried.append((user.pk, by, answer))
        return answer == "123456"

    monkeypatch.setattr(factors, "offered", lambda user, bound_to="": [{"by": "authenticator"}])
    monkeypatch.setattr(factors, "prove", prove)
    return tried


def code_of(response):
    return response.status_code, response.json().get("code")


ASKED = (403, "is_this_you")
REFUSED = (400, "invalid_or_expired_code")
TAKEN = (409, "phone_taken")


def test_a_new_device_does_not_open_an_account_that_was_idle_for_long(old, enter):
    user, _ = old
    verify = enter(user.phone)
    asked = verify()
    assert code_of(asked) == ASKED
    assert (asked.json()["factors"], asked.json()["since"]) == ([], user.date_joined.year)
    component(make(), "Problem").validate(asked.json())
    assert not Token.objects.filter(used_at__gt=Token.objects.earliest("pk").used_at).exists()


def test_the_question_names_nobody(old, enter):
    user, _ = old
    user.full_name = "A Former Owner"
    user.save()
    asked = enter(user.phone)()
    assert set(asked.json()) == {"type", "title", "status", "detail", "code", "factors", "since"}
    assert "Former" not in asked.content.decode()


def test_the_question_can_be_asked_again_and_each_time_costs_a_check(old, enter):
    verify = enter(old[0].phone)
    assert [code_of(verify()) for _ in range(6)] == [ASKED] * 5 + [REFUSED]


def test_the_code_stays_good_for_the_answer_and_for_one_only(old, enter):
    user, _ = old
    verify = enter(user.phone)
    assert code_of(verify()) == ASKED
    answer = verify(**NEW)
    assert answer.json()["user"]["is_new"] is True
    assert code_of(verify(**NEW)) == REFUSED


def test_a_wrong_code_is_a_wrong_code_whoever_owns_the_number(old, enter, outbox):
    verify = enter(old[0].phone)
    assert code_of(verify(otp=other_than(outbox[-1].code))) == REFUSED
    assert code_of(verify(otp=other_than(outbox[-1].code), **NEW)) == REFUSED
    assert not ReleasedNumber.objects.exists()


def test_a_known_device_opens_it_as_always(old, enter):
    user, answer = old
    assert enter(user.phone, device=answer["device"])().json()["user"] == {
        "id": user.pk,
        "phone": user.phone,
        "is_new": False,
    }


def test_a_known_device_cannot_give_the_account_up(old, enter):
    user, answer = old
    assert code_of(enter(user.phone, device=answer["device"], **NEW)()) == TAKEN
    assert not ReleasedNumber.objects.exists()


def test_the_device_of_another_number_is_no_known_one(old, enter):
    other = enter(new_phone())().json()["device"]
    assert code_of(enter(old[0].phone, device=other)()) == ASKED


@pytest.mark.parametrize(("days", "idle"), [(89, False), (91, True)])
def test_an_account_is_idle_after_90_days(enter, clock, days, idle):
    phone = new_phone()
    enter(phone)()
    clock.advance(days * DAY)
    assert (code_of(enter(phone)()) == ASKED) is idle


def test_the_setting_says_how_long_and_0_is_never(old, enter, settings):
    settings.OTP_DORMANT_DAYS = 92
    assert enter(old[0].phone)().status_code == 200
    settings.OTP_DORMANT_DAYS, settings.OTP_WAITS = 0, ()
    get_user_model().objects.update(last_login=datetime(2001, 1, 1, tzinfo=old[0].date_joined.tzinfo))
    assert enter(old[0].phone)().status_code == 200


def test_after_a_sign_in_the_ninety_days_begin_anew(old, enter, clock, proven):
    user, _ = old
    assert enter(user.phone)(**FACTOR).status_code == 200
    clock.advance(80 * DAY)
    assert enter(user.phone)().status_code == 200


def test_who_was_never_signed_in_is_not_idle(enter, clock):
    """Nobody knows when an imported account was last used; its owner must be able to come."""
    user = get_user_model().objects.create_user(new_phone())
    clock.advance(IDLE)
    assert enter(user.phone)().json()["user"]["id"] == user.pk


def test_the_use_of_a_token_is_use_also_when_the_token_has_ended(enter, clock, client, settings):
    settings.OTP_TOKEN_TTL = 365 * DAY
    phone = new_phone()
    token = enter(phone)().json()["token"]
    for _ in range(10):
        clock.advance(10 * DAY)
        assert client.get("/api/me/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    post(client, "logout", {}, authorization=f"Bearer {token}")
    assert not Token.objects.exists()
    assert enter(phone)().status_code == 200


def test_the_use_of_a_token_is_written_to_its_user_once_a_day(enter, clock, client):
    token = enter(new_phone())().json()["token"]
    written = []
    for _ in range(48):
        clock.advance(3600)
        with CaptureQueriesContext(connection) as made:
            client.get("/api/me/", headers={"authorization": f"Bearer {token}"})
        written.append(sum('UPDATE "otp_app_user"' in query["sql"] for query in made))
    assert sum(written) == 2


def test_whoever_has_a_live_token_is_not_idle(enter, clock, settings):
    settings.OTP_TOKEN_TTL = settings.OTP_TOKEN_IDLE = 365 * DAY
    phone = new_phone()
    first = enter(phone)().json()
    clock.advance(IDLE)
    again = enter(phone)()
    assert again.json()["user"] == first["user"] | {"is_new": False}
    assert Token.objects.count() == 2


def test_a_new_account_gets_the_number_and_the_old_one_keeps_its_data(old, enter, client):
    user, before = old
    user.full_name = "A Former Owner"
    user.save()
    answer = enter(user.phone)(**NEW)
    fresh = get_user_model().objects.get(phone=before["user"]["phone"])
    assert answer.json()["user"] == {"id": fresh.pk, "phone": fresh.phone, "is_new": True}
    user.refresh_from_db()
    assert (fresh.pk == user.pk, user.full_name, user.is_active) == (False, "A Former Owner", True)
    assert accounts.phone_of(user) == ""
    [row] = ReleasedNumber.objects.all()
    assert (row.user, row.phone) == (user, fresh.phone)
    assert events.of(user)[0].kind == events.Kind.NUMBER_RELEASED
    me = client.get("/api/me/", headers={"authorization": f"Bearer {answer.json()['token']}"})
    assert (me.json()["id"], me.json()["phone"]) == (fresh.pk, fresh.phone)


def test_everything_by_which_the_old_owner_could_come_back_ends(old, enter, client, settings):
    """As everywhere, a token that nobody has used since is dead; here the setting was longer once."""
    user, before = old
    site = new_site()
    authorization_codes.issue(requested(site), user)
    answer = enter(user.phone)(**NEW).json()
    settings.OTP_TOKEN_TTL = settings.OTP_TOKEN_IDLE = 365 * DAY
    old_token = {"authorization": f"Bearer {before['token']}"}
    assert client.get("/api/me/", headers=old_token).status_code == 401
    assert not user.otp_tokens.exists()
    assert not AuthorizationCode.objects.exists()
    phone = before["user"]["phone"]
    assert not devices.recognise(phone, before["device"])
    assert devices.recognise(phone, answer["device"])


def test_the_new_account_is_nobody_elses_afterwards(old, enter, settings):
    settings.OTP_WAITS = ()
    user, _ = old
    fresh = enter(user.phone)(**NEW).json()["user"]
    assert enter(user.phone)().json()["user"] == fresh | {"is_new": False}


def test_who_wants_a_new_account_is_not_signed_in_to_one_in_use_and_the_code_stays_good(enter, settings):
    settings.OTP_WAITS = ()
    phone = new_phone()
    owner = enter(phone)().json()["user"]["id"]
    verify = enter(phone)
    refused = verify(**NEW)
    assert code_of(refused) == TAKEN
    assert "token" not in refused.json()
    component(make(), "Problem").validate(refused.json())
    assert (Token.objects.count(), ReleasedNumber.objects.count()) == (1, 0)
    assert verify().json()["user"]["id"] == owner


def test_a_number_of_nobody_makes_a_new_account_as_always(enter):
    assert enter(new_phone())(**NEW).json()["user"]["is_new"] is True


@pytest.mark.parametrize("answer", [{}, NEW, FACTOR])
def test_a_deactivated_account_is_refused_as_always(old, enter, proven, answer):
    get_user_model().objects.update(is_active=False)
    assert code_of(enter(old[0].phone)(**answer)) == REFUSED
    assert (proven, ReleasedNumber.objects.count()) == ([], 0)


def test_an_account_of_staff_is_asked_for_and_never_given_up(old, enter):
    get_user_model().objects.update(is_staff=True)
    verify = enter(old[0].phone)
    assert code_of(verify()) == ASKED
    assert code_of(verify(**NEW)) == REFUSED
    assert not ReleasedNumber.objects.exists()


def test_a_test_number_is_never_idle(enter, clock, settings):
    phone = "+15005550009"
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810", "expires": "2999-01-01"}}
    bodies = []
    for _ in range(2):
        services.send_code(phone=phone)
        bodies.append(services.sign_in(phone=phone, code="246810"))
        clock.advance(IDLE)
    assert [done.is_new for done in bodies] == [True, False]


@pytest.mark.parametrize("mode", ["closed", "invited"])
def test_who_may_not_sign_up_does_not_get_a_new_account_either(old, enter, settings, mode):
    settings.OTP_SIGN_UP, settings.OTP_ACCOUNTS = mode, members.path(members.Guests)
    verify = enter(old[0].phone)
    assert code_of(verify()) == ASKED
    assert code_of(verify(**NEW)) == REFUSED
    assert get_user_model().objects.get() == old[0]
    assert accounts.phone_of(get_user_model().objects.get())


def test_a_new_account_is_asked_for_the_members_of_a_sign_up(old, enter, settings):
    settings.OTP_ACCOUNTS = members.path(members.Named)
    verify = enter(old[0].phone)
    assert code_of(verify()) == ASKED
    assert code_of(verify(**NEW)) == (400, "profile_required")
    answer = verify(**NEW, profile={"full_name": "A Newcomer"})
    assert get_user_model().objects.get(pk=answer.json()["user"]["id"]).full_name == "A Newcomer"


def test_a_right_factor_opens_the_account(old, enter, proven):
    user, _ = old
    verify = enter(user.phone)
    assert verify().json()["factors"] == [{"by": "authenticator"}]
    assert verify(**FACTOR).json()["user"] == {"id": user.pk, "phone": user.phone, "is_new": False}
    assert proven == [(user.pk, "authenticator", "123456")]


def test_a_wrong_factor_opens_nothing_and_leaves_the_code_good(old, enter, proven):
    user, _ = old
    verify = enter(user.phone)
    assert code_of(verify(factor={"by": "authenticator", "answer": "999999"})) == (403, "second_factor_required")
    assert verify(**FACTOR).json()["user"]["id"] == user.pk


def test_a_factor_is_looked_at_after_the_code_only(old, enter, proven, outbox):
    verify = enter(old[0].phone)
    assert code_of(verify(otp=other_than(outbox[-1].code), **FACTOR)) == REFUSED
    assert proven == []


@pytest.fixture
def protected(proven, monkeypatch, settings):
    """The setting by which a code alone does not open an account that has a second factor."""
    monkeypatch.setattr(factors, "is_protected", lambda user, without="": True)
    settings.OTP_CODE_ALONE = False


def test_where_a_code_alone_opens_nothing_an_idle_account_is_asked_about_all_the_same(old, enter, protected):
    user, _ = old
    verify = enter(user.phone)
    assert code_of(verify()) == ASKED
    assert verify(**FACTOR).json()["user"]["id"] == user.pk


def test_where_a_code_alone_opens_nothing_a_new_owner_begins_anew(old, enter, protected):
    assert enter(old[0].phone)(**NEW).json()["user"]["is_new"] is True


@pytest.mark.parametrize(("answer", "refusal"), [({}, (403, "second_factor_required")), (NEW, TAKEN)])
def test_where_a_code_alone_opens_nothing_it_opens_no_account_in_use_whatever_else_is_said(
    enter, protected, settings, answer, refusal
):
    settings.OTP_WAITS = ()
    phone = new_phone()
    enter(phone)()
    assert code_of(enter(phone)(**answer)) == refusal


def test_where_a_code_alone_opens_nothing_no_answer_goes_past_the_factor_of_a_live_session(
    enter, clock, protected, settings
):
    settings.OTP_TOKEN_TTL = settings.OTP_TOKEN_IDLE = 365 * DAY
    phone = new_phone()
    enter(phone)()
    clock.advance(IDLE)
    assert code_of(enter(phone)(**NEW)) == TAKEN


def test_an_owner_who_comes_back_after_the_code_was_looked_at_keeps_the_account(old, outbox, monkeypatch):
    """Nobody is signed in to an account by a request for a new one, not even by the right code."""
    user, _ = old
    start = services.tokens.sign_up_instead

    def late(*given):
        accounts.record_sign_in(get_user_model().objects.get(pk=user.pk))
        return start(*given)

    monkeypatch.setattr(services.tokens, "sign_up_instead", late)
    services.send_code(phone=user.phone)
    with pytest.raises(PhoneTaken):
        services.sign_in(phone=user.phone, code=outbox[-1].code, anew=True)
    assert accounts.phone_of(get_user_model().objects.get()) == user.phone


def test_an_account_that_is_deleted_meanwhile_is_a_code_that_came_too_late(old, outbox, monkeypatch):
    user, _ = old
    start = services.tokens.sign_up_instead

    def late(*given):
        user.delete()
        return start(*given)

    monkeypatch.setattr(services.tokens, "sign_up_instead", late)
    services.send_code(phone=user.phone)
    with pytest.raises(InvalidOrExpiredCode):
        services.sign_in(phone=user.phone, code=outbox[-1].code, anew=True)


def test_the_limit_of_a_factor_leaves_the_code_good(old, enter, proven, monkeypatch):
    def refuse(*_):
        raise Limited("factors_per_account_day", 60)

    verify = enter(old[0].phone)
    with monkeypatch.context() as patch:
        patch.setattr(factors, "prove", refuse)
        assert code_of(verify(**FACTOR)) == (429, "limited")
    assert verify(**FACTOR).status_code == 200


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("account", "old"),
        ("account", True),
        ("factor", "123456"),
        ("factor", {"by": "authenticator"}),
        ("factor", {"by": 1, "answer": "123456"}),
        ("factor", {"by": "authenticator", "answer": "123456", "more": 1}),
    ],
)
def test_an_answer_of_another_form_is_refused_before_a_check_is_spent(old, enter, member, value):
    verify = enter(old[0].phone)
    refused = verify(**{member: value})
    assert code_of(refused) == (400, "invalid_request")
    assert set(refused.json()["errors"]) == {member}


def test_of_many_requests_for_a_new_account_one_gets_it(old, outbox):
    user, _ = old
    grant = services.send_code(phone=user.phone)
    code, phone = outbox[-1].code, user.phone

    def sign_in(_):
        try:
            done = services.sign_in(phone=phone, code=code, challenge_id=grant.challenge.id, anew=True)
        except OtpError as error:
            return error.code
        return done.user.pk

    results = race(sign_in, 4)
    made = [result for result in results if isinstance(result, int)]
    assert len(made) == 1
    assert set(map(str, results)) - {str(made[0])} <= {"invalid_or_expired_code"}
    assert get_user_model().objects.count() == 2
    assert ReleasedNumber.objects.count() == 1


def test_an_owner_who_comes_back_meanwhile_keeps_the_number(old, outbox, monkeypatch):
    """Between the question whether the account is idle and the taking of its number its owner has signed in."""
    user, _ = old
    release = released_numbers._release

    def late(alias, found, *rest):
        accounts.record_sign_in(get_user_model().objects.get(pk=user.pk))
        return release(alias, found, *rest)

    monkeypatch.setattr(released_numbers, "_release", late)
    grant = services.send_code(phone=user.phone)
    with pytest.raises(PhoneTaken):
        services.sign_in(phone=user.phone, code=outbox[-1].code, anew=True)
    assert accounts.phone_of(get_user_model().objects.get()) == user.phone
    assert stores.current().get(grant.challenge.id).status is Status.PENDING


def test_the_sign_in_of_an_idle_user_by_a_factor_is_recorded_by_the_clock(old, enter, clock, proven):
    enter(old[0].phone)(**FACTOR)
    last = accounts.last_login(get_user_model().objects.get())
    assert (last - old[0].last_login).days == 91


def test_whoever_is_not_idle_is_signed_in_by_one_statement_whatever_the_time_of_the_last_visit(old, enter, settings):
    """What a sign-in costs is counted in test_statements; here it is one for a user with a last visit as well."""
    settings.OTP_DORMANT_DAYS = 92
    verify = enter(old[0].phone)
    with CaptureQueriesContext(connection) as made:
        assert verify().status_code == 200
    count = sum(not query["sql"].startswith(CONTROL) for query in made)
    assert count == (3 if connection.vendor == "postgresql" else 16)


@pytest.mark.parametrize("backend", ["opaque.OpaqueTokens", "session.SessionTokens"])
def test_whatever_is_issued_the_sign_in_and_its_idle_time_go_by_the_clock(enter, clock, settings, client, backend):
    settings.OTP_TOKEN_BACKEND, settings.OTP_WAITS = f"otp_app.tokens.{backend}", ()
    clock.advance(IDLE)
    phone = new_phone()
    enter(phone)()
    client.cookies.clear()
    assert enter(phone)().status_code == 200
    clock.advance(IDLE)
    client.cookies.clear()
    assert code_of(enter(phone)()) == ASKED
