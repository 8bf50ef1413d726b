"""Twilio's status callbacks: whose are believed, and what they become."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from otp_app.providers.base import Event, Forged, Report, Unreachable
from otp_app.providers.twilio import TwilioProvider
from otp_app.providers.twilio_codes import CALL_STATUSES, ERRORS, MESSAGE_STATUSES
from otp_app.testing.contracts.providers import MESSAGE

ACCOUNT, TOKEN, NUMBER = "AC" + "1" * 32, "a token of ours", "+12015550123"
SID, CALL_SID = "SM" + "4" * 32, "CA" + "5" * 32
VECTORS = json.loads((Path(__file__).parent / "twilio_vectors.json").read_text(encoding="utf-8"))
URL = MESSAGE.callback
DELIVERED = {
    "AccountSid": ACCOUNT,
    "ApiVersion": "2010-04-01",
    "Body": MESSAGE.body,
    "ChannelToAddress": "whatsapp:+998901234567",
    "ErrorMessage": f"about {MESSAGE.to}",
    "From": NUMBER,
    "MessageSid": SID,
    "MessageStatus": "delivered",
    "ProfileName": "Somebody",
    "SmsSid": SID,
    "SmsStatus": "sent",
    "To": MESSAGE.to,
    "WaId": "998901234567",
}
ENDED = {
    "AccountSid": ACCOUNT,
    "CallDuration": "21",
    "CallSid": CALL_SID,
    "CallStatus": "completed",
    "Called": MESSAGE.to,
    "Caller": NUMBER,
    "From": NUMBER,
    "SipResponseCode": "200",
    "To": MESSAGE.to,
    "ToCity": "Tashkent",
}


class Values(dict):
    """Fields with their values, as the validator asks for them."""

    def getlist(self, name):
        return self[name]


def signed(fields, url=URL, token=TOKEN, ours=MESSAGE.id):
    """A report as Twilio sends it."""
    values = Values({name: value if isinstance(value, list) else [value] for name, value in fields.items()})
    headers = {"x-twilio-signature": RequestValidator(token).compute_signature(url, values)}
    return Report(url, headers, {"id": ours}, urlencode(values, doseq=True).encode())


@pytest.fixture(scope="module")
def provider():
    provider = TwilioProvider(ACCOUNT, TOKEN, NUMBER)
    yield provider
    provider.close()


class TestEvents:
    """Reports that are Twilio's."""

    def test_a_report_on_a_message_becomes_an_event_without_numbers_and_text(self, provider):
        assert provider.events(signed(DELIVERED)) == [
            Event(
                "delivered",
                reference=SID,
                id=MESSAGE.id,
                raw={
                    "AccountSid": ACCOUNT,
                    "ApiVersion": "2010-04-01",
                    "MessageSid": SID,
                    "MessageStatus": "delivered",
                    "SmsSid": SID,
                    "SmsStatus": "sent",
                },
            )
        ]

    def test_a_report_on_a_call_becomes_an_event_without_numbers(self, provider):
        (event,) = provider.events(signed(ENDED))
        assert event == Event(
            "delivered",
            reference=CALL_SID,
            id=MESSAGE.id,
            raw={
                name: ENDED[name] for name in ("AccountSid", "CallSid", "CallStatus", "CallDuration", "SipResponseCode")
            },
        )

    def test_no_number_gets_through_in_whatever_field(self, provider):
        fields = {f"Field{number}": MESSAGE.to for number in range(50)} | {
            "ForwardedFrom": MESSAGE.to,
            "CallerName": "A B",
        }
        for report in (DELIVERED, ENDED):
            (event,) = provider.events(signed(fields | report))
            kept = str(event)
            assert not [word for word in (MESSAGE.to[1:], NUMBER[1:], MESSAGE.code, "Somebody", "A B") if word in kept]

    @pytest.mark.parametrize(
        ("theirs", "status"),
        [
            *((word, "sent") for word in ("accepted", "scheduled", "queued", "sending", "sent")),
            ("delivered", "delivered"),
            ("read", "delivered"),
            ("undelivered", "undelivered"),
            ("failed", "failed"),
            ("canceled", "failed"),
        ],
    )
    @pytest.mark.parametrize("field", ["MessageStatus", "SmsStatus"])
    def test_the_words_for_messages_become_ours(self, provider, theirs, status, field):
        (event,) = provider.events(signed({"MessageSid": SID, field: theirs}))
        assert (event.status, event.error) == (status, "")

    @pytest.mark.parametrize(
        ("theirs", "status", "error"),
        [
            *((word, "sent", "") for word in ("queued", "initiated", "ringing", "in-progress")),
            ("completed", "delivered", ""),
            ("busy", "undelivered", "busy"),
            ("no-answer", "undelivered", "no-answer"),
            ("canceled", "undelivered", "canceled"),
            ("failed", "failed", "failed"),
        ],
    )
    def test_the_words_for_calls_become_ours(self, provider, theirs, status, error):
        (event,) = provider.events(signed(ENDED | {"CallStatus": theirs}))
        assert (event.status, event.error) == (status, error)

    def test_all_words_of_the_tables_are_ours(self):
        assert {*MESSAGE_STATUSES.values(), *CALL_STATUSES.values()} == {"sent", "delivered", "undelivered", "failed"}

    @pytest.mark.parametrize(
        "fields", [{"MessageStatus": "receiving"}, {"CallStatus": "delivered"}, {"SmsStatus": "new"}]
    )
    def test_a_word_that_is_new_to_us_changes_nothing(self, provider, fields):
        assert provider.events(signed(fields)) == []

    @pytest.mark.parametrize("fields", [{}, {"MessageSid": SID}, {"MessageStatus": "", "SmsStatus": ""}])
    def test_a_report_of_nothing_makes_no_sense(self, provider, fields):
        with pytest.raises(ValueError, match="without a status"):
            provider.events(signed(fields))

    @pytest.mark.parametrize("code", ERRORS)
    def test_only_a_number_at_fault_for_good_is_told_so(self, provider, code):
        (event,) = provider.events(signed(DELIVERED | {"MessageStatus": "undelivered", "ErrorCode": code}))
        assert event.error == code
        assert event.rejected == (code in {"21211", "21217", "21610", "30005"})
        assert event.unreachable == (ERRORS.get(code) is Unreachable and code != "30003")  # a phone that is off

    @pytest.mark.parametrize(
        ("told", "error"), [("30007", "30007"), ("", ""), ("0", ""), ("None", ""), ("١٢", ""), ("9" * 99, "")]
    )
    def test_an_error_is_a_code_or_nothing(self, provider, told, error):
        (event,) = provider.events(signed(DELIVERED | {"MessageStatus": "failed", "ErrorCode": told}))
        assert (event.error, event.rejected) == (error, False)

    def test_a_call_with_a_code_keeps_the_code(self, provider):
        (event,) = provider.events(signed(ENDED | {"CallStatus": "failed", "ErrorCode": "21216"}))
        assert event.error == "21216"

    @pytest.mark.parametrize(
        ("told", "price"),
        [
            ("-0.00750", "0.00750"),
            ("0.0075", "0.0075"),
            ("-1", "1"),
            ("", None),
            ("NaN", None),
            ("-Infinity", None),
            ("1e9", None),
            ("null", None),
        ],
    )
    def test_a_price_is_what_it_cost(self, provider, told, price):
        (event,) = provider.events(signed(DELIVERED | {"Price": told}))
        assert event.price == (price and Decimal(price))

    @pytest.mark.parametrize(("told", "segments"), [("2", 2), ("", 0), ("many", 0), ("-1", 0), ("9" * 5000, 0)])
    def test_segments_are_counted_where_they_are_told(self, provider, told, segments):
        (event,) = provider.events(signed(DELIVERED | {"NumSegments": told}))
        assert event.segments == segments

    def test_an_address_without_our_id_leaves_theirs(self, provider):
        report = replace(signed(DELIVERED), query={})
        assert [(event.id, event.reference) for event in provider.events(report)] == [("", SID)]

    def test_an_id_is_at_most_as_long_as_the_column(self, provider):
        (event,) = provider.events(signed(DELIVERED | {"MessageSid": "S" * 300}))
        assert event.reference == "S" * 64

    @pytest.mark.parametrize("status", ["delivered", ["sent", "delivered"], ["sent", "sent", "delivered"]])
    def test_a_field_that_comes_twice_is_signed_with_all_its_values_and_the_last_counts(self, provider, status):
        (event,) = provider.events(signed(DELIVERED | {"MessageStatus": status}))
        assert event.status == "delivered"


class TestSignatures:
    """Whose reports are believed."""

    @pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
    def test_the_known_signatures_hold_and_no_other(self, vector):
        provider = TwilioProvider(ACCOUNT, vector["auth_token"], NUMBER)
        body = urlencode(vector["params"], doseq=True).encode()

        def told(**changes):
            """The events, or that an authentic report was of no status."""
            known = {
                "headers": {"x-twilio-signature": vector["signature"]},
                "url": vector["url"],
                "body": body,
            } | changes
            try:
                return provider.events(Report(query={}, **known))
            except ValueError:
                return "of no status"

        if "MessageStatus" in vector["params"]:
            (event,) = told()
            assert event.status == vector["params"]["MessageStatus"][0]
        else:
            assert told() == "of no status"
        for changes in (
            {"headers": {}},
            {"headers": {"x-twilio-signature": ""}},
            {"headers": {"x-twilio-signature": vector["signature"].swapcase()}},
            {"headers": {"x-twilio-signature": vector["signature"] + "="}},
            {"body": body + b"&MessageStatus=read"},
            {"url": vector["url"] + "&id=1"},
            {"url": "https://evil.example/" + vector["url"].partition("://")[2]},
        ):
            with pytest.raises(Forged):
                told(**changes)
        provider.close()

    @pytest.mark.parametrize(
        ("signed_for", "comes_to"),
        [
            ("https://login.example.com/hook?id=1", "https://login.example.com:443/hook?id=1"),
            ("https://login.example.com:443/hook?id=1", "https://login.example.com/hook?id=1"),
            ("https://login.example.com/hook?id=1", "https://login.example.com:8443/hook?id=1"),
        ],
    )
    def test_the_port_in_the_address_may_be_there_or_not(self, provider, signed_for, comes_to):
        assert provider.events(replace(signed(DELIVERED, signed_for), url=comes_to))

    @pytest.mark.parametrize(
        "body",
        [
            b"\xff",
            b"MessageStatus=%FF",
            b"MessageStatus=%ED%A0%80",
            b'{"MessageStatus": "delivered"}',
            b"&".join(b"a=1" for _ in range(201)),
        ],
    )
    def test_what_is_no_form_is_forged(self, provider, body):
        with pytest.raises(Forged) as raised:
            provider.events(replace(signed(DELIVERED), body=body))
        assert raised.value.__cause__ is None

    def test_what_is_decoded_by_guessing_is_forged(self, provider):
        report = signed(DELIVERED | {"Note": "\ufffd"})
        assert provider.events(report)
        with pytest.raises(Forged):
            provider.events(replace(report, body=report.body.replace(b"%EF%BF%BD", b"%FF")))

    def test_more_fields_than_any_report_has_are_not_even_looked_at(self, provider):
        assert provider.events(signed({f"Field{number}": "" for number in range(199)} | {"SmsStatus": "sent"}))
        with pytest.raises(Forged):
            provider.events(signed({f"Field{number}": "" for number in range(200)} | {"SmsStatus": "sent"}))

    @pytest.mark.parametrize(
        "url", ["", "no address", "https://[", "https://login.example.com:notaport/", URL + "\ud800"]
    )
    def test_an_address_that_is_none_is_forged(self, provider, url):
        with pytest.raises(Forged):
            provider.events(replace(signed(DELIVERED), url=url))

    def test_without_a_token_nobody_can_sign(self):
        provider = TwilioProvider(ACCOUNT, "", NUMBER)
        with pytest.raises(Forged):
            provider.events(signed(DELIVERED, token=""))
        provider.close()

    def test_the_signature_is_asked_for_before_sense(self, provider):
        with pytest.raises(Forged):
            provider.events(Report(URL, {}, {}, b""))

    FIELDS = st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map("x{}".format),  # no word of Twilio's
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=3),
        max_size=6,
    )
    PATHS = st.text("abcXYZ019-_~%/'", max_size=12)
    PORTS = st.sampled_from(["", ":443", ":80", ":8443"])

    @settings(max_examples=150, deadline=None)
    @given(FIELDS, PORTS, PATHS, st.sampled_from(sorted(MESSAGE_STATUSES)), st.data())
    def test_what_the_sdk_signs_is_accepted_and_what_is_changed_is_forged(
        self, provider, fields, port, path, status, data
    ):
        report = signed(fields | {"MessageStatus": [status]}, f"https://login.example.com{port}/{path}?id=1")
        fields = Values(parse_qs(report.body.decode(), keep_blank_values=True))
        signature = report.headers["x-twilio-signature"]
        official = RequestValidator(TOKEN)
        assert official.validate(report.url, fields, signature)
        (event,) = provider.events(report)
        assert event.status == MESSAGE_STATUSES[status]

        place = data.draw(st.integers(0, len(signature) - 1))
        name = data.draw(st.sampled_from(sorted(fields)))
        more = Values(fields | {name: [*fields[name], max(fields[name]) + "1"]})
        changed = [
            replace(report, headers={"x-twilio-signature": signature[:place] + "!" + signature[place + 1 :]}),
            replace(report, headers={"x-twilio-signature": signature[:place]}),
            replace(report, headers={}),
            replace(report, url=report.url + "0"),
            replace(report, url=report.url.replace("https", "http")),
            replace(report, body=urlencode(more, doseq=True).encode()),
            replace(
                report, body=urlencode({each: fields[each] for each in fields if each != name}, doseq=True).encode()
            ),
            signed(fields, report.url, token=TOKEN + "!"),
        ]
        for forged in changed:
            theirs = Values(parse_qs(forged.body.decode(), keep_blank_values=True))
            assert not official.validate(forged.url, theirs, forged.headers.get("x-twilio-signature", ""))
            with pytest.raises(Forged):
                provider.events(forged)
