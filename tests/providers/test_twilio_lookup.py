"""Twilio Lookup: what is asked, what the answers mean, and what happens without one."""

import base64
import logging
from datetime import UTC, datetime, timedelta

import pytest

from otp_app.db import clock as clocks
from otp_app.providers import http
from otp_app.providers.base import NotAccepted, ProviderError, Rejected, Unknown, Unsuited
from otp_app.providers.line_checks import LINE_TYPES, Line
from otp_app.providers.twilio_lookup import TwilioLookup
from otp_app.testing.contracts.gateway import gateway
from tests.providers.twilio import ACCOUNT, TOKEN, refused

PHONE = "+447700900123"
PATH = "/v2/PhoneNumbers/%2B447700900123"
LAST_SEEN = datetime(2026, 5, 4, 23, 30, tzinfo=UTC)
NOTHING = {"sim_swap": None, "reassigned_number": None, "line_type_intelligence": None}


def told(**packages):
    """As Twilio answers: the packages that were not asked for are null."""
    basic = {"country_code": "GB", "phone_number": PHONE, "valid": True, "validation_errors": None, "caller_name": None}
    return 200, {**basic, **NOTHING, **packages}


def swap(date=None, *, within=None, period=None, error=None):
    last = {"last_sim_swap_date": date, "swapped_period": period, "swapped_in_period": within}
    carrier = {"carrier_name": "A carrier", "mobile_country_code": "234", "mobile_network_code": "02"}
    return {"sim_swap": {"last_sim_swap": None if error else last, **carrier, "error_code": error}}


def reassigned(word, error=None):
    package = {"last_verified_date": "20260504", "is_number_reassigned": word, "error_code": error}
    return {"reassigned_number": package}


def line(kind):
    return {"line_type_intelligence": {"type": kind, "carrier_name": None, "error_code": None}}


@pytest.fixture
def server():
    with gateway() as server:
        server.answer = told()
        yield server


@pytest.fixture
def make():
    made = []

    def make(url, **options):
        made.append(TwilioLookup(ACCOUNT, TOKEN, url, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def check(make, server):
    """Have Twilio answer so, and return what that means."""

    def check(answer=None, last_seen=LAST_SEEN, **options):
        server.answer = server.answer if answer is None else answer
        return make(server.url, **options).check(PHONE, last_seen=last_seen)

    return check


def test_all_packages_are_asked_for_in_one_request_with_the_day_of_the_last_use(check, server):
    check()
    (asked,) = server.requests
    assert (asked.method, asked.path) == ("GET", PATH)
    assert asked.query == {
        "Fields": "sim_swap,reassigned_number,line_type_intelligence",
        "LastVerifiedDate": "20260504",
    }
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(f'{ACCOUNT}:{TOKEN}'.encode()).decode()}"


def test_the_day_is_that_of_utc(check, server):
    check(last_seen=LAST_SEEN.replace(hour=1).astimezone(UTC).astimezone(clocks.timezone.get_fixed_timezone(-300)))
    assert server.requests[0].query["LastVerifiedDate"] == "20260504"


def test_only_the_packages_of_the_options_are_asked_and_paid_for(check, server):
    check(told(**swap("2026-05-05T10:00:00Z")), fields=["sim_swap"])
    assert server.requests[0].query == {"Fields": "sim_swap"}


def test_twilio_itself_is_the_default_address(make):
    assert make("")._http._base_url == "https://lookups.twilio.com"


@pytest.mark.parametrize(
    ("date", "swapped"),
    [
        ("2026-05-04T23:30:00Z", True),
        ("2026-05-06T00:00:00Z", True),
        ("2026-05-06T00:00:00", True),
        ("2026-05-05T01:00:00+02:00", False),
        ("2020-04-27T10:18:50Z", False),
    ],
)
def test_a_swap_counts_from_the_last_use_on(check, date, swapped):
    answer = check(told(**swap(date, within=not swapped, period="PT24H")))
    assert answer.sim_swapped is swapped


@pytest.mark.parametrize(
    ("within", "period", "days", "swapped"),
    [
        (True, "PT24H", 8, True),  # since yesterday, and the last use was before
        (True, "PT720H", 8, None),  # some time in this month, perhaps before the last use
        (False, "PT720H", 8, False),
        (False, "PT24H", 8, None),  # not since yesterday, and nothing is said of the week before
        (None, "PT24H", 8, None),
        (True, None, 8, None),
        (True, "for ever", 8, None),
        (True, "-PT24H", 8, None),
        ("true", "PT24H", 8, None),
    ],
)
def test_without_a_date_the_period_tells_what_it_can(check, within, period, days, swapped):
    last_seen = datetime.now(UTC) - timedelta(days=days)
    assert check(told(**swap(within=within, period=period)), last_seen=last_seen).sim_swapped is swapped


@pytest.mark.parametrize(("word", "meaning"), [("yes", True), ("no", False), ("no_data_available", None), (None, None)])
def test_a_number_was_given_to_somebody_else_or_not_or_nobody_knows(check, word, meaning):
    assert check(told(**reassigned(word))).reassigned is meaning


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        *(("mobile", "mobile"), ("landline", "landline"), ("fixedVoip", "voip"), ("nonFixedVoip", "voip")),
        *(("tollFree", "other"), ("pager", "other"), ("unknown", ""), (None, ""), ("", "")),
    ],
)
def test_the_kind_of_a_line_is_one_of_ours(check, kind, word):
    assert check(told(**line(kind))).line_type == word
    assert word in LINE_TYPES | {""}


def test_a_package_that_is_not_there_tells_nothing(check):
    assert check(told()) == Line()
    assert check(told(sim_swap={"last_sim_swap": None, "error_code": None})) == Line()


@pytest.mark.parametrize(
    ("packages", "error"),
    [
        (swap(error=60606) | reassigned(None, 60607), "60606"),
        (swap(error=60606) | reassigned("no"), ""),
        (swap("2026-05-05T10:00:00Z") | reassigned(None, "60607"), ""),
    ],
)
def test_an_error_is_told_if_no_package_has_an_answer(check, packages, error):
    assert check(told(**packages, **line("mobile"))).error == error


def test_the_kind_of_a_line_alone_is_no_error(check):
    assert check(told(**line("mobile")), fields=["line_type_intelligence"]) == Line(line_type="mobile")


@pytest.mark.parametrize(
    "answer",
    [
        (200, "no JSON"),
        (200, "[]"),
        (200, {}),
        told(sim_swap="x"),
        told(sim_swap={"last_sim_swap": "x"}),
        told(**swap("yesterday")),
        told(**swap(7)),
        told(**swap(within=True, period="P999999999999D")),
    ],
)
def test_an_answer_that_makes_no_sense_is_none(check, answer):
    with pytest.raises(Unknown, match="unreadable"):
        check(answer)


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (refused(401, 20003), NotAccepted, "20003"),
        (refused(429, 20429), NotAccepted, "20429"),
        ((503, "<html>no upstream</html>"), NotAccepted, "503"),
        (refused(404, 20404), Unsuited, "404"),
        (refused(400, 21211), Rejected, "21211"),
        ((500, {}), Unknown, "500"),
        ((302, {}, {"Location": "/"}), Unknown, "302"),
        ("cut", Unknown, "connection_lost"),
    ],
)
def test_without_an_answer_it_says_why_and_asks_once(check, server, answer, error, reason):
    with pytest.raises(ProviderError) as raised:
        check(answer)
    assert (type(raised.value), raised.value.reason) == (error, reason)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            ["sim_swap", "reassigned_number", "line_type_intelligence"],
            "The credentials are right."
            " Only a question that is billed tells whether the account may use sim_swap and reassigned_number.",
        ),
        (["line_type_intelligence"], "The credentials are right."),
    ],
)
def test_the_account_is_tried_by_a_lookup_without_packages_of_a_number_of_nobody(make, server, fields, sentence):
    server.answer = 200, {"phone_number": "+12025550100", "valid": False, "validation_errors": ["INVALID_BUT_POSSIBLE"]}
    assert make(server.url, fields=fields).check_account() == sentence
    (asked,) = server.requests
    assert (asked.method, asked.path, asked.query) == ("GET", "/v2/PhoneNumbers/%2B12025550100", {})
    assert asked.headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (refused(401, 20003), NotAccepted, "20003"),
        (refused(404, 20404), Unsuited, "404"),
        ((200, {}), Unknown, "unreadable"),
        ((200, "<html>welcome</html>"), Unknown, "unreadable"),
    ],
)
def test_an_account_that_cannot_be_tried_is_told_with_the_reason(make, server, answer, error, reason):
    server.answer = answer
    with pytest.raises(error, match=f"^{reason}$"):
        make(server.url).check_account()


def test_one_that_says_nothing_is_waited_for_as_long_as_its_own_timeout_says(make, server):
    server.answer = "hang"
    lookup = make(server.url)
    lookup._http.close()
    lookup._http = http.Http(server.url, timeouts=(1, 0.2))
    with pytest.raises(Unknown, match="timeout"):
        lookup.check(PHONE, last_seen=LAST_SEEN)


def test_the_timeouts_are_shorter_than_those_of_a_message(make):
    adapter = make("http://127.0.0.1")._http._session.get_adapter("http://127.0.0.1")
    assert sum(adapter._timeouts) < http.CONNECT_TIMEOUT + http.READ_TIMEOUT


def test_the_number_is_not_logged(check, caplog):
    caplog.set_level(logging.DEBUG)
    check()
    assert PHONE[1:] not in caplog.text
