"""A number that may have another SIM or owner by now: a company is asked, and then the person."""

import io
import logging
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from otp_app import accounts, factors, services, stores, tokens
from otp_app.challenges import Status
from otp_app.delivery import executor
from otp_app.errors import OtpError, PhoneTaken
from otp_app.models import LineLookup, ReleasedNumber, Token
from otp_app.proofs import line_checks
from otp_app.providers.base import NotAccepted, ProviderError, Rejected, Unknown, Unsuited
from otp_app.providers.line_checks import Line, LineCheck
from otp_app.testing import line_checks as testing
from tests.api.test_statements import CONTROL
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600
NEW = {"account": "new"}
FACTOR = {"factor": {"by": "authenticator", "answer": "123456"}}
ASKED = (403, "is_this_you")
REFUSED = (400, "invalid_or_expired_code")
SWAPPED = Line(sim_swapped=True, line_type="mobile")
REASSIGNED = Line(reassigned=True)


def post(client, name, body, **headers):
    return client.post(f"/api/{name}/", body, content_type="application/json", headers=headers)


def code_of(response):
    return response.status_code, response.json().get("code")


@pytest.fixture
def lines(settings):
    """The company that is asked."""
    settings.OTP_WAITS = ()
    with testing.lines(PRICE="0.01") as lines:
        yield lines


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
def away(enter, clock, lines):
    """An account whose owner was last there eight days ago, and the answer to the sign-in of then."""
    phone = new_phone()
    answer = enter(phone)()
    clock.advance(8 * DAY)
    return get_user_model().objects.get(phone=phone), answer.json()


@pytest.fixture
def proven(monkeypatch):
    """The answer of a user who has an authenticator."""
    monkeypatch.setattr(factors, "offered", lambda user, bound_to="": [{"by": "authenticator"}])
    monkeypatch.setattr(factors, "prove", lambda user, by, answer, bound_to="": answer == "123456")


# who is asked about


def test_an_account_that_was_not_used_for_a_week_is_asked_about_at_a_new_device(away, enter, lines):
    user, before = away
    assert enter(user.phone)().json()["user"] == before["user"] | {"is_new": False}
    [(phone, last_seen)] = lines.asked
    assert phone == user.phone
    assert abs(last_seen - user.last_login) < timedelta(milliseconds=1)
    assert last_seen.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("days", "asked"), [(6, 0), (8, 1)])
def test_what_was_used_within_a_week_is_not_asked_about(enter, clock, lines, days, asked):
    phone = new_phone()
    enter(phone)()
    clock.advance(days * DAY)
    assert enter(phone)().status_code == 200
    assert len(lines.asked) == asked


@pytest.mark.parametrize(("days", "asked"), [(0, 1), (9, 0)])
def test_the_setting_says_after_how_many_days_and_0_is_always(away, enter, lines, settings, days, asked):
    settings.OTP_LINE_CHECK_IDLE_DAYS = days
    assert enter(away[0].phone)().status_code == 200
    assert len(lines.asked) == asked


def test_whoever_uses_a_token_is_not_asked_about(enter, clock, lines, client):
    phone = new_phone()
    token = enter(phone)().json()["token"]
    clock.advance(5 * DAY)
    assert client.get("/api/me/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    clock.advance(5 * DAY)
    assert enter(phone)().status_code == 200
    assert lines.asked == []


def test_a_live_session_elsewhere_does_not_keep_a_number_from_being_asked_about(away, enter, lines, client):
    """A thief of the SIM comes while the owner's own phone is still signed in."""
    user, before = away
    lines.otherwise = SWAPPED
    assert code_of(enter(user.phone)()) == ASKED
    assert client.get("/api/me/", headers={"authorization": f"Bearer {before['token']}"}).status_code == 200


def test_a_known_device_costs_nothing(away, enter, lines):
    user, before = away
    lines.otherwise = SWAPPED
    assert enter(user.phone, device=before["device"])().status_code == 200
    assert lines.asked == []


def test_a_factor_costs_nothing_and_opens_the_account(away, enter, lines, proven):
    user, before = away
    lines.otherwise = SWAPPED
    assert enter(user.phone)(**FACTOR).json()["user"]["id"] == before["user"]["id"]
    assert lines.asked == []


def test_a_newcomer_costs_nothing(enter, lines):
    assert enter(new_phone())().json()["user"]["is_new"] is True
    assert lines.asked == []


def test_whoever_was_never_there_is_not_asked_about(enter, lines, clock):
    user = get_user_model().objects.create_user(new_phone())
    clock.advance(8 * DAY)
    assert enter(user.phone)().json()["user"]["id"] == user.pk
    assert lines.asked == []


def test_a_dormant_account_is_asked_about_without_a_company(away, enter, lines, clock):
    clock.advance(90 * DAY)
    response = enter(away[0].phone)()
    assert code_of(response) == ASKED
    assert "long time" in response.json()["detail"]
    assert enter(away[0].phone)(**NEW).json()["user"]["is_new"] is True
    assert lines.asked == []


def test_a_test_number_costs_nothing(lines, clock, settings):
    phone = "+15005550009"
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810", "expires": "2999-01-01"}}
    lines.otherwise = SWAPPED
    for _ in range(2):
        services.send_code(phone=phone)
        services.sign_in(phone=phone, code="246810")
        clock.advance(8 * DAY)
    assert lines.asked == []


def test_a_deactivated_account_costs_nothing(away, enter, lines):
    get_user_model().objects.update(is_active=False)
    assert code_of(enter(away[0].phone)()) == REFUSED
    assert lines.asked == []


def test_a_wrong_code_costs_nothing(away, enter, lines, outbox):
    verify = enter(away[0].phone)
    assert code_of(verify(otp=other_than(outbox[-1].code))) == REFUSED
    assert code_of(verify(otp=other_than(outbox[-1].code), **NEW)) == REFUSED
    assert lines.asked == []


def test_nobody_is_asked_within_a_transaction(away, enter, monkeypatch):
    within, ask = [], executor.ask

    def asked(*given):
        within.append(connection.in_atomic_block)
        return ask(*given)

    monkeypatch.setattr(executor, "ask", asked)
    assert enter(away[0].phone)().status_code == 200
    assert within[-1:] == [False]


# what comes of it


@pytest.mark.parametrize("answer", [SWAPPED, REASSIGNED, Line(sim_swapped=False, reassigned=True)])
def test_a_number_that_has_moved_does_not_open_the_account(away, enter, lines, answer):
    user, _ = away
    lines.otherwise = answer
    response = enter(user.phone)()
    assert code_of(response) == ASKED
    assert (response.json()["factors"], response.json()["since"]) == ([], user.date_joined.year)
    assert "SIM card" in response.json()["detail"]
    assert Token.objects.count() == 1


@pytest.mark.parametrize(
    "answer", [Line(), Line(sim_swapped=False), Line(reassigned=False), Line(line_type="voip"), Line(error="60606")]
)
def test_a_line_of_which_no_change_is_known_opens_the_account(away, enter, lines, answer):
    lines.otherwise = answer
    assert enter(away[0].phone)().status_code == 200


def test_the_code_stays_good_for_a_factor(away, enter, lines, proven):
    user, before = away
    lines.otherwise = SWAPPED
    verify = enter(user.phone)
    assert verify().json()["factors"] == [{"by": "authenticator"}]
    assert code_of(verify(factor={"by": "authenticator", "answer": "999999"})) == (403, "second_factor_required")
    assert verify(**FACTOR).json()["user"]["id"] == before["user"]["id"]


def test_the_code_stays_good_for_a_new_account_which_takes_the_number(away, enter, lines, client):
    user, before = away
    lines.otherwise = SWAPPED
    verify = enter(user.phone)
    assert code_of(verify()) == ASKED
    answer = verify(**NEW).json()
    fresh = get_user_model().objects.get(phone=user.phone)
    assert answer["user"] == {"id": fresh.pk, "phone": fresh.phone, "is_new": True}
    user.refresh_from_db()
    assert (fresh.pk == user.pk, accounts.phone_of(user)) == (False, "")
    assert ReleasedNumber.objects.get().user == user
    assert client.get("/api/me/", headers={"authorization": f"Bearer {before['token']}"}).status_code == 401
    assert len(lines.asked) == 1


def test_a_new_account_can_be_asked_for_at_once(away, enter, lines):
    lines.otherwise = REASSIGNED
    assert enter(away[0].phone)(**NEW).json()["user"]["is_new"] is True


def test_nobody_takes_the_number_of_an_account_whose_line_is_the_same(away, enter, lines):
    user, _ = away
    assert enter(user.phone)(**NEW).json()["code"] == "phone_taken"
    assert not ReleasedNumber.objects.exists()


def test_the_new_account_is_nobody_elses_afterwards(away, enter, lines, clock):
    lines.otherwise = SWAPPED
    fresh = enter(away[0].phone)(**NEW).json()["user"]
    assert enter(away[0].phone)().json()["user"] == fresh | {"is_new": False}
    lines.otherwise = Line(sim_swapped=False)
    clock.advance(8 * DAY)
    assert enter(away[0].phone)().json()["user"] == fresh | {"is_new": False}
    assert len(lines.asked) == 2


def test_an_account_of_staff_never_gives_its_number_up(away, enter, lines):
    get_user_model().objects.update(is_staff=True)
    lines.otherwise = SWAPPED
    verify = enter(away[0].phone)
    assert code_of(verify()) == ASKED
    assert code_of(verify(**NEW)) == REFUSED


def test_an_owner_who_comes_back_after_the_question_keeps_the_number(away, lines, outbox, monkeypatch):
    user, _ = away
    lines.otherwise = SWAPPED
    start = tokens.sign_up_instead

    def late(*given):
        accounts.record_sign_in(get_user_model().objects.get(pk=user.pk))
        return start(*given)

    monkeypatch.setattr(services.tokens, "sign_up_instead", late)
    grant = services.send_code(phone=user.phone)
    with pytest.raises(PhoneTaken):
        services.sign_in(phone=user.phone, code=outbox[-1].code, anew=True)
    assert accounts.phone_of(get_user_model().objects.get()) == user.phone
    assert stores.current().get(grant.challenge.id).status is Status.PENDING


def test_where_a_code_alone_opens_nothing_the_question_comes_before_the_factor(away, enter, lines, proven, settings):
    settings.OTP_CODE_ALONE = False
    lines.otherwise = SWAPPED
    verify = enter(away[0].phone)
    assert code_of(verify()) == ASKED
    assert verify(**FACTOR).status_code == 200


def test_staff_that_knows_the_person_opens_the_account(away, enter, lines):
    user, before = away
    lines.otherwise = SWAPPED
    assert code_of(enter(user.phone)()) == ASKED
    call_command("otp_accounts", user.phone, "--open", stdout=io.StringIO())
    assert enter(user.phone)().json()["user"]["id"] == before["user"]["id"]


# once


def test_one_answer_is_good_for_all_tries_until_the_account_is_used(away, enter, lines):
    lines.otherwise = SWAPPED
    verify = enter(away[0].phone)
    assert [code_of(verify()) for _ in range(4)] == [ASKED] * 4
    assert code_of(enter(away[0].phone)()) == ASKED
    assert len(lines.asked) == LineLookup.objects.count() == 1


def test_an_answer_is_worth_nothing_once_the_account_was_used(away, enter, lines, clock):
    user, before = away
    lines.otherwise = SWAPPED
    assert code_of(enter(user.phone)()) == ASKED
    assert enter(user.phone, device=before["device"])().status_code == 200
    clock.advance(8 * DAY)
    lines.otherwise = Line(sim_swapped=False)
    assert enter(user.phone)().status_code == 200
    assert len(lines.asked) == 2


def test_after_the_days_of_the_setting_the_company_is_asked_again(away, enter, lines, clock, settings):
    settings.OTP_LINE_CHECK_DAYS = 3
    lines.otherwise = SWAPPED
    for days in (2, 2):
        assert code_of(enter(away[0].phone)()) == ASKED
        clock.advance(days * DAY)
    assert code_of(enter(away[0].phone)()) == ASKED
    assert len(lines.asked) == 2


def test_of_many_at_once_one_asks_and_none_goes_past_the_answer(away, lines, outbox):
    """Else whoever sends the right code many times has one that was turned away, and gets in by it."""
    user, _ = away
    lines.otherwise = SWAPPED
    grant = services.send_code(phone=user.phone)
    code, phone = outbox[-1].code, user.phone

    def sign_in(_):
        try:
            return services.sign_in(phone=phone, code=code, challenge_id=grant.challenge.id).user.pk
        except OtpError as error:
            return error.code

    results = race(sign_in, 4)
    assert set(results) <= {"is_this_you", "unavailable"}
    assert "is_this_you" in results
    assert len(lines.asked) == 1


# what it keeps and costs


def test_what_is_kept_names_no_number_and_has_its_price(away, enter, lines):
    lines.otherwise = SWAPPED
    enter(away[0].phone)()
    row = LineLookup.objects.get()
    assert (row.finding, row.line_type, row.price) == ("sim_swapped", "mobile", Decimal("0.01"))
    assert away[0].phone[1:] not in str(vars(row))
    assert str(row).startswith("sim_swapped")


@pytest.mark.parametrize(
    ("answer", "finding", "line_type"),
    [
        (Line(sim_swapped=False, line_type="voip"), "same", "voip"),
        (Line(reassigned=False), "same", ""),
        (Line(sim_swapped=True, reassigned=True), "reassigned", ""),
        (Line(line_type="a submarine"), "unknown", ""),
    ],
)
def test_each_answer_is_one_finding(away, enter, lines, answer, finding, line_type):
    lines.otherwise = answer
    enter(away[0].phone)()
    row = LineLookup.objects.get()
    assert (row.finding, row.line_type) == (finding, line_type)


@pytest.mark.parametrize(
    ("price", "kept"), [({"UZ": "0.02", "*": "1"}, Decimal("0.02")), ({"KZ": "0.02"}, None), (None, None)]
)
def test_the_price_may_be_one_for_each_country_or_missing(away, enter, lines, settings, price, kept):
    settings.OTP_LINE_CHECK = settings.OTP_LINE_CHECK | {"PRICE": price}
    enter(away[0].phone)()
    assert LineLookup.objects.get().price == kept


def test_where_it_is_off_a_sign_in_costs_what_it_did(away, enter, settings):
    settings.OTP_LINE_CHECK = None
    verify = enter(away[0].phone)
    with CaptureQueriesContext(connection) as made:
        assert verify().status_code == 200
    count = sum(not query["sql"].startswith(CONTROL) for query in made)
    assert count == (3 if connection.vendor == "postgresql" else 16)
    assert not any("line_lookup" in query["sql"] for query in made)


# when there is no answer


@pytest.fixture
def told(caplog):
    """What the operator reads."""
    caplog.set_level(logging.INFO, "otp_app.lines")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "otp_app.lines"]


FAILURES = [NotAccepted("401"), Unknown("timeout"), Unsuited("404"), Rejected("21211"), RuntimeError("of the project")]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("answer", [{}, NEW])
def test_without_an_answer_the_sign_in_goes_on_and_the_operator_is_told(away, enter, lines, told, error, answer):
    user, before = away
    lines.otherwise = error
    entered = enter(user.phone)(**answer)
    if answer:  # the account is in use, so no new one takes its number
        assert (entered.status_code, entered.json()["code"]) == (409, "phone_taken")
    else:
        assert entered.json()["user"]["id"] == before["user"]["id"]
    reason = error.reason if isinstance(error, ProviderError) else "RuntimeError"
    assert told() == [f"the line check does not answer ({reason}): people sign in without it"]
    assert not LineLookup.objects.exists()


def test_the_operator_is_told_without_the_number(away, enter, lines, told):
    lines.otherwise = NotAccepted("503")
    user, _ = away
    assert enter(user.phone)().status_code == 200
    assert user.phone[4:] not in "".join(told())


def test_a_number_that_has_moved_is_told_of_masked(away, enter, lines, told):
    lines.otherwise = SWAPPED
    enter(away[0].phone)()
    [line] = told()
    assert away[0].phone not in line
    assert "another SIM or owner" in line


def test_an_error_of_the_company_that_could_tell_nothing_is_told(away, enter, lines, told):
    lines.otherwise = Line(error="60606")
    enter(away[0].phone)()
    assert told() == ["the line check cannot tell (60606): people sign in without it"]


class Wrong(LineCheck):
    """Answers with something else."""

    def check(self, phone, *, last_seen):
        return {"sim_swapped": True}


class Slow(LineCheck):
    """Answers when nobody waits any more."""

    release = threading.Event()

    def check(self, phone, *, last_seen):
        self.release.wait(30)
        return SWAPPED


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(line_checks, "DEADLINE_SECONDS", 0.2)
    Slow.release.clear()
    yield
    Slow.release.set()
    executor._pool.cache_clear()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"BACKEND": f"{__name__}.Wrong"}, "TypeError"),
        ({"BACKEND": f"{__name__}.Slow"}, "deadline"),
        ({"BACKEND": f"{__name__}.Nothing"}, "ImportError"),
        ({"BACKEND": f"{__name__}.Wrong", "OPTIONS": {"a": 1}}, "TypeError"),
    ],
)
def test_a_class_that_does_not_work_locks_nobody_out(away, enter, settings, told, slow, entry, reason):
    settings.OTP_LINE_CHECK = entry
    assert enter(away[0].phone)().status_code == 200
    assert told() == [f"the line check does not answer ({reason}): people sign in without it"]
