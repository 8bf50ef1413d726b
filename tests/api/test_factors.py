"""A second factor that comes along with a code, answers a confirmation, and is added and removed through the API."""

import pytest
from django.db import connections

from otp_app import services, stores, tokens
from otp_app.accounts import events
from otp_app.factors import authenticators, recovery_codes
from otp_app.models import Authenticator, Confirmation, SecurityEvent
from tests.factories import new_phone, other_than
from tests.factors.test_authenticators import code_of, enrolled
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

CONTEXT = {"amount": "1 200 000 UZS", "payee": "Choyxona"}


@pytest.fixture(autouse=True)
def declared(settings):
    settings.OTP_POLICIES = {"payment": {}}


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def factor(user):
    return enrolled(user)


@pytest.fixture
def ask(client, user):
    """Ask as the user."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}"}

    def request(method, path, body=None, **headers):
        options = {"content_type": "application/json", "headers": bearer | headers}
        return getattr(client, method)(f"/api/{path}/", *([] if method == "get" else [body or {}]), **options)

    return request


@pytest.fixture
def sign_in(client, user, outbox):
    """Send a code and return how to answer it."""
    sent = client.post("/api/send-otp/", {"phone": user.phone}, content_type="application/json").json()
    named = {"phone": user.phone, "challenge_id": sent["challenge_id"], "otp": outbox[-1].code}

    def verify(by="", answer="", **other):
        given = {"factor": {"by": by, "answer": answer}} if by else {}
        return client.post("/api/verify-otp/", named | given | other, content_type="application/json")

    verify.challenge_id = sent["challenge_id"]
    return verify


def kinds(user):
    return [event.kind for event in events.of(user)]


class TestSignIn:
    def test_a_code_stands_alone_unless_the_operator_wants_more(self, sign_in, factor):
        assert sign_in().status_code == 200

    def test_whoever_has_none_is_asked_for_none(self, sign_in, settings):
        settings.OTP_CODE_ALONE = False
        assert sign_in().status_code == 200

    @pytest.mark.parametrize("which", ["authenticator", "recovery_code"])
    def test_whoever_has_one_is_asked_for_it_and_the_same_code_comes_again(self, sign_in, factor, settings, which):
        settings.OTP_CODE_ALONE = False
        asked = sign_in()
        assert (asked.status_code, asked.json()["code"]) == (403, "second_factor_required")
        assert asked.json()["factors"] == [{"by": "authenticator"}, {"by": "recovery_code"}]
        assert "errors" not in asked.json()
        assert services.state(challenge_id=sign_in.challenge_id).checks_left == 4
        answer = code_of(factor[0], 1) if which == "authenticator" else factor[1][0]
        assert sign_in(which, answer).status_code == 200

    def test_a_wrong_code_tells_nothing_of_factors(self, sign_in, factor, settings, outbox):
        settings.OTP_CODE_ALONE = False
        refused = sign_in(otp=other_than(outbox[-1].code))
        assert refused.json()["code"] == "invalid_or_expired_code"
        assert "factors" not in refused.json()

    @pytest.mark.parametrize("alone", [True, False])
    @pytest.mark.parametrize("by", ["authenticator", "recovery_code", "passkey", "code", "x"])
    def test_a_wrong_factor_opens_nothing_even_where_none_is_asked_for(self, sign_in, factor, settings, alone, by):
        settings.OTP_CODE_ALONE = alone
        refused = sign_in(by, "abcdef")
        assert refused.json()["code"] == "second_factor_required"
        assert refused.json()["errors"] == {"factor": ["This is wrong, or it was used already."]}
        assert sign_in("authenticator", code_of(factor[0], 1)).status_code == 200

    def test_another_persons_factor_is_wrong(self, sign_in, factor, settings):
        settings.OTP_CODE_ALONE = False
        other, codes = enrolled()
        assert sign_in("authenticator", code_of(other, 1)).status_code == 403
        assert sign_in("recovery_code", codes[0]).status_code == 403

    def test_a_deactivated_person_is_answered_as_for_a_wrong_code(self, sign_in, user, factor, settings):
        settings.OTP_CODE_ALONE = False
        user.is_active = False
        user.save()
        assert sign_in().json()["code"] == "invalid_or_expired_code"

    def test_the_checks_of_the_challenge_bound_the_tries(self, sign_in, factor):
        answers = [sign_in("authenticator", "abcdef").status_code for _ in range(6)]
        assert answers == [403] * 5 + [400]
        assert sign_in("authenticator", code_of(factor[0], 1)).status_code == 400

    def test_the_account_has_so_many_wrong_answers_a_day_whatever_the_factor(self, sign_in, factor, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 2
        assert sign_in("authenticator", "abcdef").status_code == 403
        assert sign_in("recovery_code", "0-aaaaa-aaaaa").status_code == 403
        limited = sign_in("authenticator", code_of(factor[0], 1))
        assert (limited.status_code, limited.json()["code"]) == (429, "limited")
        assert authenticators.prove(factor[0].user, code_of(factor[0], 1), "")  # it was not even looked at

    def test_a_recovery_code_that_was_used_is_written_down_for_its_owner(self, sign_in, user, factor):
        sign_in("recovery_code", factor[1][0])
        assert kinds(user).count("recovery_code_used") == 1

    @pytest.mark.parametrize("given", ["x", {}, {"by": "authenticator"}, {"by": 1, "answer": "1"}, {"by": "\ud800"}])
    def test_another_form_is_named_and_costs_no_check(self, client, user, given):
        body = {"phone": user.phone, "otp": "123456", "factor": given}
        refused = client.post("/api/verify-otp/", body, content_type="application/json")
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"factor"})

    @pytest.mark.django_db(transaction=True)
    def test_of_many_requests_with_one_code_and_one_answer_one_signs_in(self, sign_in, factor, settings):
        settings.OTP_CODE_ALONE = False
        code = code_of(factor[0], 1)
        answers = race(lambda _: sign_in("authenticator", code).status_code, 4)
        assert answers.count(200) == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_wrong_answer_stays_paid_for_under_atomic_requests(self, sign_in, factor, settings, monkeypatch):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 2
        monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
        assert [sign_in("authenticator", "abcdef").status_code for _ in range(3)] == [403, 403, 429]


class TestConfirmation:
    def begin(self, ask, by="authenticator", purpose="payment", context=CONTEXT):
        return ask("post", "confirm", {"purpose": purpose, "context": context, "by": by})

    def answer(self, ask, challenge_id, answer, by="authenticator"):
        return ask("post", "confirm/verify", {"challenge_id": challenge_id, "factor": {"by": by, "answer": answer}})

    def test_a_factor_confirms_without_a_message(self, ask, user, factor, outbox):
        begun = self.begin(ask)
        assert (set(begun.json()), begun.json()["expires_in"]) == ({"by", "challenge_id", "expires_in"}, 300)
        confirmed = self.answer(ask, begun.json()["challenge_id"], code_of(factor[0], 1)).json()
        assert confirmed["expires_in"] == 600
        assert not events.of(user)
        assert not outbox

    def test_a_recovery_code_confirms_if_it_was_chosen(self, ask, user, factor):
        begun = self.begin(ask, "recovery_code").json()
        assert self.answer(ask, begun["challenge_id"], code_of(factor[0], 1)).status_code == 400
        assert self.answer(ask, begun["challenge_id"], factor[1][0], "recovery_code").status_code == 200
        assert kinds(user) == ["recovery_code_used"]

    @pytest.mark.parametrize("by", ["authenticator", "code", "x"])
    def test_what_the_person_does_not_have_begins_nothing(self, ask, by):
        refused = self.begin(ask, by)
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"by"})
        assert not Confirmation.objects.exists()

    @pytest.mark.parametrize(("purpose", "context"), [("login", {}), ("x", {}), ("payment", {"payee": "a\nb"})])
    def test_purpose_and_context_are_as_strict_as_for_a_code(self, ask, factor, purpose, context):
        assert self.begin(ask, purpose=purpose, context=context).status_code == 400

    def test_an_answer_is_good_once_and_so_is_the_confirmation(self, ask, factor):
        begun, other = (self.begin(ask).json()["challenge_id"] for _ in range(2))
        code = code_of(factor[0], 1)
        assert self.answer(ask, begun, code).status_code == 200
        assert self.answer(ask, other, code).status_code == 400
        assert self.answer(ask, begun, factor[1][0], "recovery_code").status_code == 400

    def test_one_that_was_begun_by_a_code_takes_no_factor_and_the_other_way_round(self, ask, factor, outbox):
        sent = ask("post", "confirm", {"purpose": "payment"}).json()
        assert self.answer(ask, sent["challenge_id"], code_of(factor[0], 1)).status_code == 400
        begun = self.begin(ask).json()
        typed = {"challenge_id": begun["challenge_id"], "otp": outbox[-1].code}
        assert ask("post", "confirm/verify", typed).status_code == 400
        assert authenticators.prove(factor[0].user, code_of(factor[0], 1), "")  # it was not even looked at

    def test_five_tries_are_all(self, ask, factor):
        begun = self.begin(ask).json()["challenge_id"]
        assert {self.answer(ask, begun, "abcdef").json()["code"] for _ in range(5)} == {"invalid_or_expired_code"}
        assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 400
        assert authenticators.prove(factor[0].user, code_of(factor[0], 1), "")

    def test_it_ends_with_the_time_that_a_code_has(self, ask, factor, clock):
        begun = self.begin(ask).json()["challenge_id"]
        clock.advance(301)
        assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 400

    def test_a_changed_row_takes_no_answer(self, ask, factor):
        begun = self.begin(ask).json()["challenge_id"]
        for change in ({"context": "{}"}, {"purpose": "change_phone"}, {"by": "recovery_code"}):
            before = Confirmation.objects.values(*change).get()
            Confirmation.objects.update(**change)
            assert self.answer(ask, begun, factor[1][0], "recovery_code").status_code == 400
            assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 400
            Confirmation.objects.update(**before)
        assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 200

    def test_another_users_is_unknown(self, ask, factor, django_user_model):
        from otp_app.flows import confirmations

        other = django_user_model.objects.create_user(new_phone())
        enrolled(other)
        named = {"user": other, "purpose": "payment", "context": CONTEXT, "by": "authenticator"}
        theirs = confirmations.begin(**named)["challenge_id"]
        assert self.answer(ask, theirs, code_of(factor[0], 1)).status_code == 400

    @pytest.mark.parametrize("both", [True, False])
    def test_one_of_code_and_factor_comes(self, ask, both):
        given = {"otp": "123456", "factor": {"by": "x", "answer": "y"}} if both else {}
        refused = ask("post", "confirm/verify", {"challenge_id": "x"} | given)
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"otp"})

    def test_where_no_code_stands_alone_it_confirms_nothing_either(self, ask, user, factor, settings, outbox):
        settings.OTP_CODE_ALONE = False
        refused = ask("post", "confirm", {"purpose": "change_phone"})
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
        assert refused.json()["factors"][0] == {"by": "authenticator"}
        assert not outbox
        begun = self.begin(ask).json()["challenge_id"]
        assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_parallel_guesses_never_overshoot(self, ask, factor, monkeypatch):
        begun, looked_at = self.begin(ask).json()["challenge_id"], []
        monkeypatch.setattr(authenticators, "prove", lambda *given: looked_at.append(given))
        race(lambda _: self.answer(ask, begun, "123456"), 10)
        assert len(looked_at) == 5

    def test_a_store_that_is_down_is_said(self, ask, factor, monkeypatch):
        from django.db import OperationalError

        begun, store = self.begin(ask).json()["challenge_id"], stores.current()

        def take(_limits):
            raise OperationalError

        monkeypatch.setattr(type(store), "take", lambda _, limits: take(limits))
        assert self.answer(ask, begun, code_of(factor[0], 1)).status_code == 503


class TestEnrolment:
    @pytest.fixture
    def confirmed(self, ask, outbox, clock):
        """Return the header of a fresh confirmation by a code."""

        def confirm(purpose):
            clock.advance(600)
            sent = ask("post", "confirm", {"purpose": purpose}).json()
            typed = {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
            return {"otp-confirmation": ask("post", "confirm/verify", typed).json()["confirmation"]}

        return confirm

    def test_an_app_lists_a_person_without_a_user_name_by_the_number(self, ask, user, confirmed, monkeypatch):
        monkeypatch.setattr(type(user), "get_username", lambda _: None)
        begun = ask("post", "authenticator", **confirmed("add_authenticator")).json()
        assert begun["uri"] == authenticators.uri_of(authenticators.pending(user), user.phone)

    def test_a_person_adds_an_authenticator_and_gets_ten_recovery_codes_once(self, ask, user, confirmed):
        begun = ask("post", "authenticator", **confirmed("add_authenticator")).json()
        pending = authenticators.pending(user)
        assert begun["secret"] == authenticators.secret_of(pending)
        assert begun["uri"] == authenticators.uri_of(pending, user.phone)
        assert ask("get", "authenticator").json() == {"added_at": None, "recovery_codes_left": 0}
        added = ask("post", "authenticator/verify", {"code": code_of(pending)}).json()
        assert len(set(added["recovery_codes"])) == 10
        shown = ask("get", "authenticator")
        assert shown.json()["recovery_codes_left"] == 10
        assert shown.json()["added_at"]
        assert added["recovery_codes"][0] not in shown.content.decode()
        assert kinds(user) == ["authenticator_added"]

    @pytest.mark.parametrize("told", [True, False])
    def test_the_number_is_told_of_it_unless_the_operator_does_not_want_that(
        self, ask, user, confirmed, outbox, settings, told
    ):
        settings.OTP_NOTIFY_FACTOR_ADDED = told
        ask("post", "authenticator", **confirmed("add_authenticator"))
        before, typed = len(outbox), {"code": code_of(authenticators.pending(user))}
        assert ask("post", "authenticator/verify", typed, **{"accept-language": "en"}).status_code == 200
        sent = [(message.to, message.body) for message in outbox[before:]]
        text = "OTP: a new way to sign in was added to your account. Not you? Remove it at once."
        assert sent == ([(user.phone, text)] if told else [])

    def test_without_the_package_nobody_adds_one(self, ask, user, confirmed, monkeypatch):
        headers = confirmed("add_authenticator")
        with monkeypatch.context() as patch:
            patch.setattr("otp_app.api.factors.find_spec", lambda _: None)
            assert ask("post", "authenticator", **headers).status_code == 404
        assert authenticators.pending(user) is None
        assert ask("post", "authenticator", **headers).status_code == 200  # the confirmation is not used up

    def test_a_wrong_code_adds_nothing(self, ask, user, confirmed):
        ask("post", "authenticator", **confirmed("add_authenticator"))
        wrong = {"code": other_than(code_of(authenticators.pending(user)))}
        assert ask("post", "authenticator/verify", wrong).json()["code"] == "invalid_or_expired_code"
        assert not authenticators.is_held(user)

    def test_nobody_guesses_a_code_of_one_that_is_added(self, ask, user, confirmed, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 2
        ask("post", "authenticator", **confirmed("add_authenticator"))
        right = code_of(authenticators.pending(user))
        wrong = [ask("post", "authenticator/verify", {"code": other_than(right)}).status_code for _ in range(3)]
        assert wrong == [400, 400, 429]
        assert ask("post", "authenticator/verify", {"code": right}).json()["code"] == "limited"
        assert not authenticators.is_held(user)

    def test_a_right_code_is_no_wrong_one(self, ask, user, confirmed, settings):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
        ask("post", "authenticator", **confirmed("add_authenticator"))
        assert ask("post", "authenticator/verify", {"code": code_of(authenticators.pending(user))}).status_code == 200
        factor = {"by": "recovery_code", "answer": "x"}
        sent = ask("post", "confirm", {"purpose": "add_email", "by": "recovery_code"}).json()
        answer = {"challenge_id": sent["challenge_id"], "factor": factor}
        assert [ask("post", "confirm/verify", answer).status_code for _ in range(2)] == [400, 429]

    def test_without_a_beginning_there_is_nothing_to_show_a_code_of(self, ask):
        assert ask("post", "authenticator/verify", {"code": "123456"}).status_code == 400

    @pytest.mark.parametrize(
        ("method", "path", "purpose"),
        [
            ("post", "authenticator", "add_authenticator"),
            ("delete", "authenticator", "remove_authenticator"),
            ("post", "recovery-codes", "recovery_codes"),
        ],
    )
    def test_each_change_wants_a_confirmation_of_its_own(self, ask, user, factor, confirmed, method, path, purpose):
        other = confirmed("change_phone")
        for headers in ({}, other):
            refused = ask(method, path, **headers)
            assert (refused.status_code, refused.json()["purpose"]) == (403, purpose)
        assert authenticators.find(user) == factor[0]
        assert recovery_codes.prove(user, factor[1][0], "")

    @pytest.mark.parametrize("path", ["authenticator", "authenticator/verify", "recovery-codes"])
    def test_whoever_has_not_signed_in_has_nothing(self, client, path):
        assert client.post(f"/api/{path}/", {}, content_type="application/json").status_code == 401

    def test_new_recovery_codes_take_the_place_of_the_old(self, ask, user, factor, confirmed):
        new = ask("post", "recovery-codes", **confirmed("recovery_codes")).json()["recovery_codes"]
        assert not recovery_codes.prove(user, factor[1][0], "")
        assert recovery_codes.prove(user, new[0], "")
        assert kinds(user) == ["recovery_codes_renewed"]

    def test_without_a_factor_there_are_no_recovery_codes(self, ask, user, confirmed):
        assert ask("post", "recovery-codes", **confirmed("recovery_codes")).status_code == 404
        assert not recovery_codes.is_held(user)

    def test_one_that_is_removed_takes_its_recovery_codes_along(self, ask, user, factor, confirmed):
        assert ask("delete", "authenticator", **confirmed("remove_authenticator")).status_code == 204
        assert not authenticators.is_held(user)
        assert not recovery_codes.is_held(user)
        assert kinds(user) == ["authenticator_removed"]

    def test_where_there_is_none_nothing_is_removed(self, ask, user, confirmed):
        assert ask("delete", "authenticator", **confirmed("remove_authenticator")).status_code == 404
        assert not SecurityEvent.objects.exists()

    def test_a_refused_removal_does_not_use_the_confirmation_up(self, ask, user, confirmed):
        header = confirmed("remove_authenticator")
        refused = [ask("delete", "authenticator", **header).status_code for _ in range(2)]
        enrolled(user)
        done = [ask("delete", "authenticator", **header).status_code for _ in range(2)]
        assert refused + done == [404, 404, 204, 403]

    def test_the_last_way_in_stays(self, ask, user, factor, confirmed):
        header = confirmed("remove_authenticator")
        type(user).objects.filter(pk=user.pk).update(phone="")
        refused = ask("delete", "authenticator", **header)
        assert (refused.status_code, refused.json()["code"]) == (409, "last_way_in")
        assert authenticators.find(user) == factor[0]
        assert recovery_codes.left(user) == 10
        assert not SecurityEvent.objects.exists()

    def test_a_second_one_takes_the_place_of_the_first(self, ask, user, factor, confirmed):
        ask("post", "authenticator", **confirmed("add_authenticator"))
        assert authenticators.find(user) == factor[0]
        ask("post", "authenticator/verify", {"code": code_of(authenticators.pending(user))})
        assert Authenticator.objects.get().user_id == user.pk
        assert authenticators.find(user) != factor[0]


class TestStaff:
    """Somebody has the number of a member of staff, and maybe the password: the second factor must hold."""

    @pytest.fixture(autouse=True)
    def _staff(self, user):
        user.is_staff = user.is_superuser = True
        user.save()

    @pytest.mark.parametrize("purpose", ["add_authenticator", "remove_authenticator", "recovery_codes"])
    @pytest.mark.parametrize("has_one", [True, False])
    def test_a_code_alone_changes_none_of_their_factors(self, ask, user, outbox, purpose, has_one):
        factors = enrolled(user) and [{"by": "authenticator"}, {"by": "recovery_code"}] if has_one else None
        refused = ask("post", "confirm", {"purpose": purpose})
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
        assert refused.json().get("factors") == factors
        assert not outbox

    def test_their_factor_does(self, ask, factor):
        begun = ask("post", "confirm", {"purpose": "remove_authenticator", "by": "authenticator"}).json()
        given = {"by": "authenticator", "answer": code_of(factor[0], 1)}
        confirmed = ask("post", "confirm/verify", {"challenge_id": begun["challenge_id"], "factor": given}).json()
        removed = ask("delete", "authenticator", **{"otp-confirmation": confirmed["confirmation"]})
        assert removed.status_code == 204

    def test_a_code_confirms_other_things_and_all_where_it_makes_staff(self, ask, settings):
        assert ask("post", "confirm", {"purpose": "payment"}).status_code == 200
        settings.OTP_STAFF_BY_CODE, settings.OTP_WAITS = True, [0]
        assert ask("post", "confirm", {"purpose": "remove_authenticator"}).status_code == 200
