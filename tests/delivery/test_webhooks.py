"""POST /api/webhooks/<alias>/: the signature is verified first, then the report is read."""

import json
import logging
from io import BytesIO

import pytest
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connections
from django.http import UnreadablePostError
from django.test import Client, RequestFactory
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from otp_app import bodies, services
from otp_app.delivery import reports, webhooks
from otp_app.errors import Unavailable
from otp_app.models import Delivery, EventRow
from otp_app.providers.base import Event, Forged, Receipt
from tests.factories import new_phone
from tests.remote import RemoteProvider, remotes

PUBLIC = "https://login.example.com"
TOKEN = "0123456789abcdef" * 2
TWILIO = {
    "ALIAS": "twilio",
    "BACKEND": "otp_app.providers.twilio.TwilioProvider",
    "OPTIONS": {"account_sid": "AC" + TOKEN, "auth_token": TOKEN, "sender": "+15005550006"},
}
ESKIZ = {
    "ALIAS": "eskiz",
    "BACKEND": "otp_app.providers.eskiz.EskizProvider",
    "OPTIONS": {"email": "a@example.com", "password": "p", "secret": "the secret of the address"},
}
with_database = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _fresh(settings):
    settings.OTP_PUBLIC_URL = PUBLIC
    webhooks._logged.clear()


@pytest.fixture
def client(client):
    client.raise_request_exception = False
    return client


@pytest.fixture
def remote(monkeypatch):
    """A provider that accepts reports with the right word; ``seen`` keeps all reports it was shown."""
    with remotes() as providers:
        providers.seen = []
        providers.says = lambda report: [Event(**json.loads(report.body))]

        def events(self, report):
            providers.seen.append(report)
            if report.headers.get("x-word") != "sesame":
                raise Forged
            return providers.says(report)

        monkeypatch.setattr(RemoteProvider, "events", events)
        providers.behave(lambda message: Receipt("their-1"))
        yield providers


def report(client, body, alias="remote", *, word="sesame", address=None, **more):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-Word": word} | more.pop("headers", {})
    return client.post(address or f"/api/webhooks/{alias}/", raw, content_type="application/json", headers=headers)


# These run without a database: whoever asks it anything fails.


def test_a_forged_report_is_403_without_a_query(client, remote):
    response = report(client, {"status": "delivered", "reference": "their-1"}, word="guess")
    assert (response.status_code, response.content) == (403, b"")
    assert len(remote.seen) == 1


@pytest.mark.parametrize("alias", ["nobody", "test", "memory2", "remote ", "%00", "\u00e9", "x" * 500])
def test_an_unknown_provider_is_404_without_a_word(client, remote, alias):
    response = report(client, {}, alias)
    assert (response.status_code, response.content, remote.seen) == (404, b"", [])


def test_providers_that_reach_no_phone_get_no_reports(client, settings):
    settings.OTP_PROVIDERS = [
        {"ALIAS": name.lower(), "BACKEND": f"otp_app.providers.{name.lower()}.{name}Provider"}
        for name in ("Console", "Memory")
    ]
    assert {report(client, {}, alias).status_code for alias in ("console", "memory")} == {403}


def test_a_provider_that_cannot_be_made_shall_report_again_and_its_options_are_not_logged(client, settings, caplog):
    settings.OTP_PROVIDERS = [ESKIZ | {"OPTIONS": {"password": "very secret"}}]
    response = report(client, {}, "eskiz")
    assert (response.status_code, response.content) == (503, b"")
    assert "report by eskiz refused: misconfigured" in caplog.text
    assert "secret" not in caplog.text


def test_a_company_may_report_by_get(client, remote):
    client.get("/api/webhooks/remote/?id=1")
    (seen,) = remote.seen
    assert (seen.query, seen.body) == ({"id": "1"}, b"")


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "head"])
def test_other_methods_are_405(client, remote, method):
    response = getattr(client, method)("/api/webhooks/remote/")
    assert (response.status_code, response["Allow"], remote.seen) == (405, "GET, POST", [])


def test_a_report_larger_than_64_kb_is_413_and_not_read(client, remote):
    assert report(client, b"x" * (bodies.MAX_REPORT_BYTES + 1)).status_code == 413
    request = RequestFactory().post("/api/webhooks/remote/", b"", content_type="text/plain")
    request.META["CONTENT_LENGTH"] = str(bodies.MAX_REPORT_BYTES + 1)
    request._stream = stream = BytesIO(b"x" * (bodies.MAX_REPORT_BYTES + 1))
    assert webhooks.webhook(request, "remote").status_code == 413
    assert (stream.tell(), remote.seen) == (0, [])


def test_one_that_is_larger_than_it_says_is_read_no_further(remote):
    for length in ("\u00b2", "not a number", str(bodies.MAX_REPORT_BYTES)):
        request = RequestFactory().post("/api/webhooks/remote/", b"", content_type="text/plain")
        request.META["CONTENT_LENGTH"] = length
        request._stream = stream = BytesIO(b"x" * (bodies.MAX_REPORT_BYTES + 9))
        assert webhooks.webhook(request, "remote").status_code == 413
        assert stream.tell() == bodies.MAX_REPORT_BYTES + 1
    assert remote.seen == []


def test_one_of_exactly_64_kb_is_shown_to_the_provider(client, remote):
    report(client, b"x" * bodies.MAX_REPORT_BYTES, word="guess")
    assert len(remote.seen[0].body) == bodies.MAX_REPORT_BYTES


def test_a_provider_sees_the_public_address_never_the_host_header(client, remote, settings):
    settings.ALLOWED_HOSTS = ["*"]
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    report(client, {}, address="/api/webhooks/remote/?id=1&b=%20%2b&empty=", word="", headers=headers)
    (seen,) = remote.seen
    assert seen.url == f"{PUBLIC}/api/webhooks/remote/?id=1&b=%20%2b&empty="
    assert seen.query == {"id": "1", "b": " +", "empty": ""}
    assert seen.headers["x-forwarded-host"] == "evil.example"
    assert seen.body == b"{}"


def test_the_address_without_the_closing_slash_is_known_by_that_name(client, remote):
    report(client, {}, address="/api/webhooks/remote?id=1", word="")
    report(client, {}, address="/api/webhooks/remote", word="")
    assert [seen.url for seen in remote.seen] == [
        f"{PUBLIC}/api/webhooks/remote?id=1",
        f"{PUBLIC}/api/webhooks/remote",
    ]


def test_without_a_public_address_there_is_none(client, remote, settings):
    settings.OTP_PUBLIC_URL = ""
    report(client, {}, address="/api/webhooks/remote/?id=1", word="")
    report(client, {}, address="/api/webhooks/remote?id=1", word="")
    assert [seen.url for seen in remote.seen] == ["", ""]


@pytest.mark.parametrize(
    "error", [ValueError("a text of theirs"), KeyError("x"), RecursionError(), TypeError(), OSError(), DatabaseError()]
)
def test_what_a_provider_cannot_make_sense_of_is_400(client, remote, caplog, error):
    def fail(report):
        raise error

    caplog.set_level(logging.DEBUG)
    remote.says = fail
    assert report(client, {}).status_code == 400
    assert "a text of theirs" not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_provider_that_stumbles_while_its_events_are_read_is_400_too(client, remote):
    remote.says = lambda report: (int(word) for word in ["x"])
    assert report(client, {}).status_code == 400


def test_a_report_that_stops_half_way_is_400(remote):
    request = RequestFactory().post("/api/webhooks/remote/")

    class Gone:
        def read(self, *_):
            raise OSError("gone")

    request._stream = Gone()
    with pytest.raises(UnreadablePostError):
        request.read(1)
    assert webhooks.webhook(request, "remote").status_code == 400


def test_a_thousand_parameters_and_more_are_400(client, remote):
    address = "/api/webhooks/remote/?" + "&".join(f"a{n}=1" for n in range(1001))
    assert report(client, {}, address=address).status_code == 400


def test_a_flood_of_forged_reports_is_cheap_and_fills_no_log(client, remote, caplog):
    remote.seen = type("Forgetful", (), {"append": lambda *_: None})()
    caplog.set_level(logging.DEBUG)
    # Without the database: a query would be an error here.
    assert {report(client, {"secret": n}, word="guess").status_code for n in range(500)} == {403}
    (record,) = caplog.records
    assert record.getMessage() == "report by remote refused: forged"
    report(client, b"{", word="sesame")
    assert caplog.records[-1].getMessage() == "report by remote refused: unreadable"
    assert len(caplog.records) == 2


def test_it_is_logged_again_after_a_minute(client, remote, caplog, monkeypatch):
    for seconds in (0, 59, 60, 61, 120):
        monkeypatch.setattr(webhooks.time, "monotonic", lambda now=seconds: float(now))
        report(client, {}, word="guess")
    assert len(caplog.records) == 3


@pytest.mark.requests
def test_the_view_asks_for_no_csrf_token(remote):
    response = report(Client(enforce_csrf_checks=True, raise_request_exception=False), b"{")
    assert response.status_code == 400


def test_its_names_are_those_that_addresses_are_made_from():
    assert reverse("otp_app:webhook", args=["eskiz"]) == "/api/webhooks/eskiz/"
    assert reverse("otp_app:webhook-bare", args=["eskiz"]) == "/api/webhooks/eskiz"


# With a database


@with_database
def test_a_genuine_report_is_204_and_done(client, remote):
    challenge = services.send_code(phone=new_phone()).challenge
    response = report(client, {"status": "delivered", "reference": "their-1"})
    assert (response.status_code, response.content) == (204, b"")
    assert Delivery.objects.get(challenge=challenge.id).status == "delivered"


@with_database
def test_what_is_known_already_or_of_nobody_is_204_for_else_it_would_come_again(client, remote):
    for _ in range(3):
        assert report(client, {"status": "sent", "reference": "of somebody else"}).status_code == 204
    remote.says = lambda report: []
    assert report(client, {}).status_code == 204
    assert EventRow.objects.count() == 1


@with_database
def test_a_report_on_several_messages_is_applied_to_each(client, remote):
    remote.says = lambda report: (Event("sent", reference=str(n)) for n in range(5))  # read only once, in its place
    assert report(client, {}).status_code == 204
    assert EventRow.objects.count() == 5


@with_database
def test_a_status_that_there_is_not_is_400_and_nothing_is_kept(client, remote):
    assert report(client, {"status": "read", "reference": "1"}).status_code == 400
    assert not EventRow.objects.exists()


@pytest.mark.parametrize(
    "error", [OperationalError("secret"), InterfaceError("secret"), InternalError("secret"), Unavailable()]
)
def test_while_the_database_is_down_the_provider_shall_report_again(client, remote, monkeypatch, caplog, error):
    def fail(alias, event):
        raise error

    monkeypatch.setattr(reports, "apply", fail)
    response = report(client, {"status": "sent", "reference": "1"})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert type(error).__name__ in caplog.text
    assert "secret" not in caplog.text


@with_database
def test_nothing_of_a_report_is_logged(client, remote, caplog):
    caplog.set_level(logging.DEBUG, "otp_app")
    report(client, {"status": "failed", "reference": "very-secret-1", "error": "very-secret-2"})
    assert "very-secret" not in caplog.text


@with_database
def test_it_works_under_atomic_requests_and_a_later_event_undoes_no_earlier_one(client, remote, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    remote.says = lambda report: [Event("sent", reference="1"), Event("read", reference="2")]
    assert report(client, {}).status_code == 400
    assert EventRow.objects.count() == 1


@with_database
@bounds(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_a_body_is_it_is_answered(client, settings, body):
    settings.OTP_PROVIDERS = [ESKIZ, TWILIO]
    known = f"/api/webhooks/eskiz/?id={'1' * 32}&secret=the+secret+of+the+address"
    assert report(client, body, address=known).status_code in (204, 400)
    assert report(client, body, "eskiz").status_code == 403
    assert report(client, body, "twilio").status_code == 403


# Real ones


def signed(address, fields, token=TOKEN, public=PUBLIC):
    return RequestValidator(token).compute_signature(public + address, fields)


@with_database
def test_twilio_reports_are_known_by_the_signature_that_its_sdk_makes(client, settings):
    settings.OTP_PROVIDERS = [TWILIO]
    delivery = Delivery.objects.create(
        challenge="1" * 32, sent_at=1, channel="sms", provider="twilio", reference="2" * 32, status="sent"
    )
    address = f"/api/webhooks/twilio/?id={'2' * 32}"
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+998901234567", "AccountSid": "AC" + TOKEN}
    form = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in fields.items())

    def post(to, signature):
        kind, headers = "application/x-www-form-urlencoded", {"X-Twilio-Signature": signature}
        return client.post(to, form, content_type=kind, headers=headers).status_code

    good = signed(address, fields)
    assert post(address.replace("id=2", "id=3"), good) == 403
    assert post(address, signed(address, fields, token="f" * 32)) == 403
    assert post(address, signed(address, fields, public="http://testserver")) == 403
    assert post(address, signed(address, fields | {"MessageStatus": "failed"})) == 403
    assert not EventRow.objects.exists()
    assert post(address, good) == 204
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reference) == ("delivered", "SM1")
    assert "+998901234567" not in json.dumps(EventRow.objects.get().raw)


@with_database
def test_a_secret_in_the_address_is_compared_and_not_kept(client, settings):
    settings.OTP_PROVIDERS = [ESKIZ]
    body = {"request_id": "9", "status": "DELIVRD", "phone_number": "998901234567"}
    assert report(client, body, address="/api/webhooks/eskiz/?secret=guess").status_code == 403
    good = "/api/webhooks/eskiz/?secret=the+secret+of+the+address"
    assert report(client, body, address=good).status_code == 204
    event = EventRow.objects.get()
    assert (event.reference, event.status) == ("9", "delivered")
    assert "998901234567" not in json.dumps(event.raw)
    assert "secret" not in json.dumps(event.raw)
