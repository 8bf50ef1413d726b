"""Each refusal is one record for the operator, in words and in facts, and never shows a phone in full."""

import logging
import re
from contextlib import suppress

import pytest
from django.urls import reverse

from otp_app import accounts, audit, phones, rulings, services, stores
from otp_app.errors import (
    ChannelNotOffered,
    InvalidOrExpiredCode,
    Limited,
    OtpError,
    ProofRequired,
    RegionNotAllowed,
    Unavailable,
    UndeliverablePhone,
)
from otp_app.providers import memory
from otp_app.providers.base import Rejected
from otp_app.signals import limited
from tests.factories import new_phone, other_than
from tests.rulings.made import ruled

PHONE = "+998901234567"


@pytest.fixture
def records():
    """The records of the log otp_app.guard."""
    logger, kept = logging.getLogger("otp_app.guard"), []
    handler = logging.Handler()
    handler.emit = kept.append
    logger.addHandler(handler)
    yield kept
    logger.removeHandler(handler)


@pytest.fixture
def told():
    """The signals that were sent, with their arguments."""
    heard = []

    def hear(signal, **facts):
        heard.append((signal, {name: value for name, value in facts.items() if name != "sender"}))

    limited.connect(hear)
    yield heard
    limited.disconnect(hear)


def test_a_refusal_is_one_record_with_its_facts_and_the_phone_masked(records, told):
    audit.record_refusal(Limited("sends_per_phone_day", 77), PHONE, "192.0.2.1")
    (record,) = records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        "limited limit=sends_per_phone_day retry_after=77 phone=+998901•••••• client=192.0.2.1"
    )
    assert record.otp == {
        "event": "limited",
        "limit": "sends_per_phone_day",
        "retry_after": 77,
        "phone": "+998901••••••",
        "client": "192.0.2.1",
    }
    facts = {"limit": "sends_per_phone_day", "retry_after": 77, "phone": PHONE, "client": "192.0.2.1"}
    assert told == [(limited, facts | {"challenge": "", "channel": "", "request": None})]


def test_an_account_that_is_no_phone_is_told_by_its_name_for_logs(records, told):
    audit.record_refusal(Limited("passwords_per_account_hour", 60), "", "192.0.2.1", account="0f" * 4)
    assert records[0].otp["account"] == "0f0f0f0f"
    assert "phone" not in records[0].otp
    assert told[0][1]["phone"] == ""


def test_a_refusal_by_a_bucket_names_it(records):
    audit.record_refusal(Limited("unconverted_per_prefix_day", 77, subject="prefix +99890123"), PHONE, "192.0.2.1")
    assert records[0].otp["subject"] == "prefix +998901••"
    assert "subject='prefix +998901••' phone=+998901•••••• client=192.0.2.1" in records[0].getMessage()


def unknown(phone, text):
    """The number of digits of a phone that a reader lacks who lays every fitting number of ``text`` over it."""
    known = set()
    for found in re.findall(r"\+[\d•]+", text):
        pairs = list(enumerate(zip(found, phone, strict=False)))
        if all(one in ("•", other) for _, (one, other) in pairs):
            known |= {place for place, (one, _) in pairs if one != "•"}
    return len(phone) - len(known)


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_the_whole_log_of_a_session_lacks_six_digits_of_each_number(caplog, outbox, settings):
    """One line tells as much of a number as all of them: of sends, wrong codes, refusals, blocks and sign-ins."""
    settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 8
    sent, rows = [f"+99655700{number:02d}07" for number in range(12)], []
    with caplog.at_level(logging.DEBUG):
        for phone in [*sent, sent[-1]]:
            with suppress(Limited):
                services.send_code(phone=phone, client="192.0.2.1")
            for code in (other_than(outbox[-1].code), outbox[-1].code):
                with suppress(OtpError):
                    services.sign_in(phone=phone, code=code, client="192.0.2.1")
        settings.OTP_UNCONVERTED_PER_PREFIX_DAY = 0
        for subject in (f"phone {sent[0]}", "prefix +99655700", f"prefix {sent[1][:11]}"):
            row = ruled(subject)
            for phone in sent[:3]:
                with suppress(Limited):
                    services.send_code(phone=phone, client="192.0.2.1")
            rulings.lift(subject, "otp_block")
            rows.append(str(row))
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records) + "".join(rows)
    events = ("send sent", "limited ", "ruled ", "lifted ", "signed_in ", "check_failed ", "unconverted_per_prefix_day")
    assert [event for event in events if event not in text] == []
    assert [unknown(phone, text) for phone in sent] == [6] * 12


CLIENT = "192.0.2.1"


def verify(phone, code, **more):
    with suppress(InvalidOrExpiredCode):
        services.sign_in(phone=phone, code=code, client=CLIENT, **more)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_code_is_one_record_that_is_the_same_whether_there_is_an_account(records, outbox, known):
    phone = f"+99890123456{known:d}"
    if known:
        accounts.user_for(phone)
    challenge = services.send_code(phone=phone).challenge
    verify(phone, other_than(outbox[-1].code))
    verify(phone, other_than(outbox[-1].code), challenge_id=challenge.id)
    shared = {"event": "check_failed", "reason": "wrong_code", "phone": phones.mask(phone), "client": CLIENT}
    assert [record.otp for record in records] == [shared | {"by": "phone"}, shared | {"by": "challenge_id"}]
    assert {record.levelno for record in records} == {logging.INFO}
    assert records[0].getMessage() == ("check_failed reason=wrong_code by=phone phone=+998901•••••• client=192.0.2.1")


@pytest.mark.django_db(transaction=True)
def test_a_code_for_which_no_challenge_is_open_any_more_is_told_apart_from_a_wrong_one(records, outbox, monkeypatch):
    phone = new_phone()
    verify(phone, "123456")
    services.send_code(phone=phone)
    monkeypatch.setattr(stores.current(), "close", lambda *_: False, raising=False)  # another request was faster
    verify(phone, outbox[-1].code)
    assert [record.otp["reason"] for record in records] == ["no_open_challenge"] * 2


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_is_one_record_with_the_key_of_its_user_and_nothing_of_code_or_token(records, outbox):
    phone = new_phone()
    for is_new in (True, False):
        services.send_code(phone=phone)
        done = services.sign_in(phone=phone, code=(code := outbox[-1].code), client=CLIENT)
        facts = {
            "event": "signed_in",
            "user": str(done.user.pk),
            "is_new": is_new,
            "new_device": not is_new,
            "client": CLIENT,
        }
        assert (records[-1].otp, records[-1].levelno) == (facts, logging.INFO)
        text = f"{vars(records[-1])} {records[-1].getMessage()}"
        assert not any(secret in text for secret in (code, done.issued.token, done.device, phone))
    assert len(records) == 2


@pytest.mark.django_db(transaction=True)
def test_a_proof_of_work_that_is_asked_for_is_one_record(records, settings):
    settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_REGION_DAY = True, 1
    phone = new_phone()
    with pytest.raises(ProofRequired):
        services.send_code(phone=phone, client=CLIENT)
    bucket = {"limit": "unconverted_per_region_day", "subject": "region UZ"}
    facts = {"event": "proof_required", **bucket, "phone": phones.mask(phone), "client": CLIENT}
    assert [(record.otp, record.levelno) for record in records] == [(facts, logging.INFO)]


def test_a_receiver_that_fails_changes_nothing(told):
    def fail(**_facts):
        raise ValueError

    limited.connect(fail)
    try:
        audit.record_refusal(Limited("x", 1), PHONE, None)
    finally:
        limited.disconnect(fail)
    assert len(told) == 1


class TestRefusedByNoLimit:
    """Each leaves one record, with the phone masked and without what was typed."""

    @pytest.fixture(autouse=True)
    def _database(self, transactional_db, outbox):
        pass

    def refused(self, records, error, **more):
        phone = new_phone()
        with pytest.raises(error):
            services.send_code(phone=phone, client=CLIENT, **more)
        facts = {"event": "refused", "error": error.__name__, "phone": phones.mask(phone), "client": CLIENT}
        assert [(record.otp, record.levelno) for record in records] == [(facts, logging.INFO)]

    def test_a_channel_that_no_route_offers(self, records):
        self.refused(records, ChannelNotOffered, channel="telegram")

    def test_a_country_without_a_route(self, records, settings):
        settings.OTP_ROUTES = {"KZ": {"sms": ["memory"]}}
        self.refused(records, RegionNotAllowed)

    def test_a_number_that_gets_no_messages(self, records, monkeypatch):
        def reject(*_args, **_more):
            raise Rejected("unreachable")

        monkeypatch.setattr(memory.MemoryProvider, "send", reject)
        self.refused(records, UndeliverablePhone)

    @pytest.mark.parametrize(
        ("typed", "settings_of", "facts"),
        [
            ("+998 12", {}, {"error": "InvalidPhone"}),
            ("+77011234567", {"OTP_ALLOWED_REGIONS": "UZ"}, {"error": "RegionNotAllowed", "region": "KZ"}),
            ("secret", {}, {"error": "InvalidRequest"}),
        ],
    )
    def test_what_the_api_cannot_read_or_does_not_serve(self, client, settings, records, typed, settings_of, facts):
        for name, value in settings_of.items():
            setattr(settings, name, value)
        body = {"phone": typed} if typed != "secret" else {"phone": new_phone(), typed: typed}
        assert client.post("/api/send-otp/", body, content_type="application/json").status_code == 400
        assert [record.otp for record in records] == [{"event": "refused", **facts, "client": "127.0.0.1"}]
        assert typed not in str(vars(records[0]))

    def test_what_the_page_cannot_read_or_does_not_serve(self, client, settings, records):
        settings.OTP_ALLOWED_REGIONS = "UZ"
        client.post(reverse("otp_web:phone"), {"phone": "+77011234567"})
        client.post(reverse("otp_web:elsewhere"), {"phone": "12", "code": "123456"})
        client.post(reverse("otp_web:phone"), {"phone": ""})
        facts = [{"error": "RegionNotAllowed", "region": "KZ"}, {"error": "InvalidPhone"}]
        assert [record.otp for record in records] == [
            {"event": "refused", **each, "client": "127.0.0.1"} for each in facts
        ]

    def test_what_was_recorded_already_is_not_recorded_again_by_the_api(self, client, settings, records):
        phone = new_phone()
        for path, body in [
            ("send-otp", {"phone": phone, "channel": "telegram"}),
            ("send-otp", {"phone": phone}),
            ("send-otp", {"phone": phone}),
            ("verify-otp", {"phone": phone, "otp": "000000"}),
            ("verify-otp", {"phone": phone, "otp": "000000", "challenge_id": "0" * 32}),
        ]:
            client.post(f"/api/{path}/", body, content_type="application/json")
        settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_REGION_DAY = True, 2
        client.post("/api/send-otp/", {"phone": new_phone()}, content_type="application/json")
        events = ["refused", "limited", "check_failed", "check_failed", "proof_required"]
        assert [record.otp["event"] for record in records] == events

    def test_a_failure_of_ours_is_no_refusal(self, records):
        audit.record_other_refusal(Unavailable(), CLIENT)
        assert records == []
