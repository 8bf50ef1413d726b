"""Twilio: what its refusals mean, and the check of the account."""

from typing import ClassVar

import pytest

from otp_app.providers.base import (
    Blocked,
    NotAccepted,
    ProviderError,
    Rejected,
    Unknown,
    Unreachable,
    Unsuited,
)
from otp_app.testing.contracts.providers import MESSAGE
from tests.providers.twilio import ACCOUNT, API, CALL, GOOD, NUMBER, TwilioContract, refused


class TestRefusals:
    """The table of errors."""

    make = TwilioContract.make
    server = TwilioContract.server
    good = GOOD
    sender = NUMBER

    @pytest.mark.parametrize(
        ("status", "code", "word"),
        [
            (400, 21211, Rejected),
            (400, 21217, Rejected),
            (400, 21610, Rejected),
            (400, 30005, Rejected),
            (400, 21614, Unreachable),
            (400, 21635, Unreachable),
            (400, 21214, Unreachable),
            (400, 30003, Unreachable),
            (400, 30004, Unreachable),
            (400, 30006, Unreachable),
            (400, 63003, Unreachable),
            (400, 63014, Unreachable),
            (400, 63024, Unreachable),
            (400, 63032, Unreachable),
            (403, 30450, Blocked),
            (403, 60410, Blocked),
            (400, 21216, Blocked),
            (429, 20429, NotAccepted),
            (500, 20429, NotAccepted),
            (401, 20003, NotAccepted),
            (400, 21401, NotAccepted),
            (400, 21408, Unsuited),
            (400, 21421, NotAccepted),
            (400, 21606, NotAccepted),
            (400, 21608, NotAccepted),
            (400, 21612, Unsuited),
            (400, 21215, Unsuited),
            (503, 20503, NotAccepted),
            (500, 20500, Unknown),
            (400, 20500, Unknown),
            (504, 20504, Unknown),
            (502, 12345, Unknown),
        ],
    )
    def test_every_refusal_is_one_of_our_words_and_keeps_its_code(self, make, server, status, code, word):
        provider = make(server.url)
        for message in (MESSAGE, CALL):
            server.answers = {API: refused(status, code)}
            with pytest.raises(ProviderError) as raised:
                provider.send(message)
            assert type(raised.value) is word  # Unreachable and Blocked are kinds of Rejected
            assert raised.value.reason == str(code)
            assert raised.value.__context__ is None
            assert MESSAGE.code not in str(raised.value)

    @pytest.mark.parametrize(
        ("answer", "word", "reason"),
        [
            ((503, {"message": "busy"}), NotAccepted, "503"),
            ((400, {"code": None, "message": "no"}), Unsuited, "400"),
            ((400, {"code": f"about {MESSAGE.to}"}), Unsuited, "400"),
            ((400, {"code": "21610"}), Rejected, "21610"),
            ((502, "<html>"), Unknown, "502"),
            ((408, {}), Unknown, "408"),
        ],
    )
    def test_without_a_code_a_refusal_is_known_by_its_status(self, make, server, answer, word, reason):
        server.answers = {API: answer}
        with pytest.raises(ProviderError, match=f"^{reason}$") as raised:
            make(server.url).send(MESSAGE)
        assert type(raised.value) is word

    @pytest.mark.parametrize(("status", "word"), [(400, Rejected), ("?", Rejected)])
    def test_its_newer_shape_of_errors_is_understood(self, make, server, status, word):
        problem = {"type": "https://127.0.0.1", "title": MESSAGE.to, "status": status, "code": 21211}
        server.answers = {API: (400, problem)}
        with pytest.raises(word, match=r"^21211$"):
            make(server.url).send(MESSAGE)

    @pytest.mark.parametrize(("status", "word"), [(400, Unsuited), (429, NotAccepted), (500, Unknown)])
    def test_the_status_is_that_of_http_whatever_the_body_calls_it(self, make, server, status, word):
        server.answers = {API: (status, {"type": "", "title": "", "status": "?", "code": 1})}
        with pytest.raises(word, match=r"^1$") as raised:
            make(server.url).send(MESSAGE)
        assert type(raised.value) is word


class TestCheck:
    """The account, asked without sending anything."""

    make = TwilioContract.make
    server = TwilioContract.server
    sender = NUMBER
    active: ClassVar = {"sid": ACCOUNT, "owner_account_sid": ACCOUNT, "status": "active", "type": "Full"}
    good: ClassVar = {
        f"{API}.json": (200, active),
        f"{API}/Balance.json": (200, {"account_sid": ACCOUNT, "balance": "12.34", "currency": "USD"}),
    }

    def test_it_is_one_sentence(self, make, server):
        assert make(server.url).check() == "The account is active; its balance is 12.34 USD."
        assert {asked.method for asked in server.requests} == {"GET"}

    def test_a_trial_account_is_said_to_be_one(self, make, server):
        server.answers[f"{API}.json"] = (200, self.active | {"type": "Trial"})
        assert (
            "on trial, so it reaches only the numbers that you have verified; its balance" in make(server.url).check()
        )

    def test_a_subaccount_has_no_balance_of_its_own(self, make, server):
        server.answers[f"{API}.json"] = (200, self.active | {"owner_account_sid": "AC" + "9" * 32})
        assert make(server.url).check() == "The account is active; its balance is that of its parent account."
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        ("answer", "word", "reason"),
        [
            (refused(401, 20003), NotAccepted, "20003"),
            ((503, {}), NotAccepted, "503"),
            ((200, active | {"status": "suspended"}), NotAccepted, "suspended"),
            ((200, active | {"status": "closed"}), NotAccepted, "closed"),
            ((200, "no JSON"), Unknown, "unreadable"),
            ("cut", Unknown, "connection_lost"),
        ],
    )
    def test_what_is_wrong_is_raised(self, make, server, answer, word, reason):
        server.answers[f"{API}.json"] = answer
        with pytest.raises(word, match=f"^{reason}$") as raised:
            make(server.url).check()
        assert raised.value.__context__ is None or raised.value.__suppress_context__
