"""Each refusal is one record for the operator, in words and in facts, and never shows a phone in full."""

import logging
import re
from contextlib import suppress

import pytest
from django.db import OperationalError

from otp_app import accounts, audit, phones, services, stores
from otp_app.errors import Block, InvalidOrExpiredCode, Limited, ProofRequired
from otp_app.models import BlockRow
from otp_app.signals import blocked, limited
from tests.factories import new_phone, other_than

PHONE = "+998901234567"
BLOCK = Block("a" * 32, 0, "prefix +99890123", "unconverted_per_prefix_hour", "10 of 10 in 3600 s", 1000, 61_000)


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

    for signal in (limited, blocked):
        signal.connect(hear)
    yield heard
    for signal in (limited, blocked):
        signal.disconnect(hear)


def test_a_refusal_is_one_record_with_its_facts_and_the_phone_masked(records, told):
    audit.record_refusal(Limited("sends_per_phone_day", 77), PHONE, "192.0.2.1")
    (record,) = records
    assert record.levelno == logging.INFO
    assert record.getMessage() == (
        "limited limit=sends_per_phone_day retry_after=77 phone=+998•••••••67 client=192.0.2.1"
    )
    assert record.otp == {
        "event": "limited",
        "limit": "sends_per_phone_day",
        "retry_after": 77,
        "phone": "+998•••••••67",
        "client": "192.0.2.1",
    }
    facts = {"limit": "sends_per_phone_day", "retry_after": 77, "phone": PHONE, "client": "192.0.2.1"}
    assert told == [(limited, facts)]


def test_an_account_that_is_no_phone_is_told_by_its_name_for_logs(records, told):
    audit.record_refusal(Limited("passwords_per_account_hour", 60), "", "192.0.2.1", account="0f" * 4)
    assert records[0].otp["account"] == "0f0f0f0f"
    assert "phone" not in records[0].otp
    assert told[0][1]["phone"] == ""


@pytest.mark.django_db
def test_a_block_is_a_row_a_signal_and_one_record_of_an_error(records, told):
    audit.record_refusal(Limited("unconverted_per_prefix_hour", 60, block=BLOCK), new_phone(), None)
    row = BlockRow.objects.get()
    assert (row.key.hex, row.subject, row.limit) == (BLOCK.key, BLOCK.subject, BLOCK.limit)
    assert row.forgives == row.key  # for processes of the release before
    assert (row.reason, row.since, row.until, row.lifted_at) == (BLOCK.reason, 1000, 61_000, None)
    (error,) = [record for record in records if record.levelno == logging.ERROR]
    assert error.otp == {
        "event": "blocked",
        "subject": "prefix +998901••",
        "limit": "unconverted_per_prefix_hour",
        "reason": "10 of 10 in 3600 s",
        "seconds": 60,
    }
    assert "subject='prefix +998901••'" in error.getMessage()
    assert (blocked, {"block": BLOCK}) in told


def test_the_alarm_is_raised_although_the_block_cannot_be_written_down(records, monkeypatch):
    def fail(**_values):
        raise OSError("no database")

    monkeypatch.setattr(BlockRow.objects, "create", fail)
    with pytest.raises(OSError, match="no database"):
        audit.record_refusal(Limited("x", 60, block=BLOCK), PHONE, None)
    assert [record.otp["event"] for record in records] == ["limited", "blocked"]


def test_a_block_that_cannot_be_written_down_is_lifted_for_nobody_else_could(monkeypatch):
    store, lifted = stores.current(), []

    def fail(**_values):
        raise OperationalError

    monkeypatch.setattr(BlockRow.objects, "create", fail)
    monkeypatch.setattr(store, "lift", lambda *call: lifted.append(call), raising=False)
    with pytest.raises(OperationalError):
        audit.record_refusal(Limited("x", 60, block=BLOCK), PHONE, None)
    assert lifted == [(BLOCK.key, BLOCK.forgives)]


def unknown(phone, text):
    """The number of digits of a phone that a reader lacks who lays every fitting number of ``text`` over it."""
    known = set()
    for found in re.findall(r"\+[\d•]+", text):
        pairs = list(enumerate(zip(found, phone, strict=False)))
        if all(one in ("•", other) for _, (one, other) in pairs):
            known |= {place for place, (one, _) in pairs if one != "•"}
    return len(phone) - len(known)


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_the_whole_log_of_a_block_lacks_four_digits_of_each_number(caplog, outbox):
    sent = [f"+99655700{number:02d}07" for number in range(12)]
    with caplog.at_level(logging.DEBUG):
        for phone in sent:
            with suppress(Limited):
                services.send_code(phone=phone, client="192.0.2.1")
        audit.record_lifted_block(BlockRow.objects.get(), 7)
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records) + str(BlockRow.objects.get())
    assert all(event in text for event in ("send sent", "limited ", "blocked ", "unblocked "))
    assert BlockRow.objects.get().subject == "prefix +99655700"
    assert [unknown(phone, text) for phone in sent] == [4] * 12


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
    assert records[0].getMessage() == (
        f"check_failed reason=wrong_code by=phone phone=+998•••••••6{known:d} client=192.0.2.1"
    )


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
        facts = {"event": "signed_in", "user": str(done.user.pk), "is_new": is_new, "client": CLIENT}
        assert (records[-1].otp, records[-1].levelno) == (facts, logging.INFO)
        text = f"{vars(records[-1])} {records[-1].getMessage()}"
        assert not any(secret in text for secret in (code, done.issued.token, done.device, phone))
    assert len(records) == 2


@pytest.mark.django_db(transaction=True)
def test_a_proof_of_work_that_is_asked_for_is_one_record(records, settings):
    settings.OTP_PROOFS, settings.OTP_UNCONVERTED_PER_CLIENT_HOUR = True, 1
    phone = new_phone()
    with pytest.raises(ProofRequired):
        services.send_code(phone=phone, client=CLIENT)
    facts = {"event": "proof_required", "phone": phones.mask(phone), "client": CLIENT}
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


def test_who_lifted_a_block_is_one_record(records):
    audit.record_lifted_block(BlockRow(subject="region UZ", limit="conversion"), 7)
    (record,) = records
    assert record.levelno == logging.WARNING
    assert record.otp == {"event": "unblocked", "subject": "region UZ", "limit": "conversion", "by": "7"}
