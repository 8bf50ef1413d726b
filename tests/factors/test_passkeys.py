"""Passkeys: what adds one, what it proves, and what no forger, copy or other site gets past."""

import copy
import json
from collections import Counter

import pytest
from django.db import DatabaseError

from otp_app.errors import InvalidOrExpiredCode, InvalidRequest
from otp_app.factors import passkeys
from otp_app.factors.relying_party import TTL_SECONDS
from otp_app.models import Passkey, User
from tests.factories import new_phone
from tests.passkeys import BACKED_UP, ELIGIBLE, HONEST, PRESENT, VERIFIED, Authenticator, b64, relying_party, unb64  # noqa: F401
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("relying_party")]

SIGN_IN = passkeys.SIGN_IN


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


@pytest.fixture
def authenticator():
    return Authenticator()


@pytest.fixture
def row(user, authenticator):
    return passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "Firefox")


def sign(authenticator, **client):
    return authenticator.get(passkeys.sign_in_options(), **client)


class TestAdding:
    def test_the_options_ask_for_a_passkey_that_names_its_user_and_verifies_the_person(self, user):
        options = passkeys.creation_options(user, "+998901••••••")
        assert options["rp"] == {"name": "OTP", "id": "example.com"}
        assert (options["user"]["name"], options["attestation"]) == ("+998901••••••", "none")
        assert len(unb64(options["user"]["id"])) == 32
        assert options["timeout"] == 300_000
        wanted = options["authenticatorSelection"]
        assert wanted == {"residentKey": "required", "requireResidentKey": True, "userVerification": "required"}

    def test_the_name_for_authenticators_is_one_for_a_user_and_tells_neither_key_nor_phone(self, user):
        first, again = (unb64(passkeys.creation_options(user, "x")["user"]["id"]) for _ in range(2))
        other = unb64(passkeys.creation_options(User.objects.create_user(new_phone()), "x")["user"]["id"])
        assert first == again != other

    def test_what_the_authenticator_says_is_kept(self, row, user, authenticator):
        kept = Passkey.objects.get()
        assert (kept.user, kept.name, kept.sign_count, kept.used_at) == (user, "Firefox", 1, None)
        assert (bytes(kept.credential_id), bytes(kept.user_handle)) == (authenticator.id, authenticator.handle)
        assert (kept.backup_eligible, kept.backed_up) == (False, False)
        assert kept.transports == ["hybrid", "internal"]

    def test_a_passkey_that_has_a_copy_is_kept_as_one(self, user):
        made = Authenticator(flags=HONEST | ELIGIBLE | BACKED_UP).create(passkeys.creation_options(user, "x"))
        passkeys.add(user, made, "")
        kept = Passkey.objects.get()
        assert (kept.backup_eligible, kept.backed_up) == (True, True)

    @pytest.mark.parametrize("transports", [None, "usb", {"usb": 1}, ["carrier pigeon", 7, [], None]])
    def test_transports_that_nobody_knows_are_left_out(self, user, transports):
        made = Authenticator(transports=transports).create(passkeys.creation_options(user, "x"))
        assert passkeys.add(user, made, "").transports == []

    def test_an_authenticator_is_told_which_passkeys_the_user_has(self, row, user, authenticator):
        (excluded,) = passkeys.creation_options(user, "x")["excludeCredentials"]
        known = {"id": b64(authenticator.id), "type": "public-key", "transports": ["hybrid", "internal"]}
        assert excluded == known

    def test_a_passkey_is_nobody_elses_as_well(self, row, authenticator):
        other = User.objects.create_user(new_phone())
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(other, authenticator.create(passkeys.creation_options(other, "x")), "")
        assert Passkey.objects.get().user == row.user

    def test_a_challenge_adds_one_passkey_also_with_another_authenticator(self, user):
        options = passkeys.creation_options(user, "x")
        passkeys.add(user, Authenticator().create(options), "")
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(user, Authenticator().create(options), "")
        assert Passkey.objects.count() == 1

    def test_an_answer_to_another_users_challenge_adds_nothing(self, user):
        options = passkeys.creation_options(User.objects.create_user(new_phone()), "x")
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(user, Authenticator().create(options), "")

    def test_a_user_has_twenty_at_most(self, user):
        for _ in range(20):
            passkeys.add(user, Authenticator().create(passkeys.creation_options(user, "x")), "")
        with pytest.raises(InvalidRequest) as refused:
            passkeys.creation_options(user, "x")
        assert refused.value.errors == {"passkeys": ["You have too many passkeys. Remove one first."]}

    @pytest.mark.parametrize(
        "lie",
        [
            {"origin": "https://login.examp1e.com"},
            {"origin": "https://example.com"},
            {"domain": "examp1e.com"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"flags": HONEST | BACKED_UP},
        ],
    )
    def test_what_is_made_elsewhere_or_without_the_person_is_refused(self, user, lie):
        made = Authenticator(**lie).create(passkeys.creation_options(user, "x"))
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(user, made, "")
        assert not Passkey.objects.exists()


class TestSigning:
    def test_a_signature_names_its_user_and_is_written_down(self, row, user, authenticator):
        assert passkeys.verify(sign(authenticator), SIGN_IN).user == user
        row.refresh_from_db()
        assert row.sign_count == 2
        assert row.used_at > row.created_at

    def test_the_options_of_a_sign_in_name_no_passkey_and_want_the_person_verified(self):
        options = passkeys.sign_in_options()
        assert (options["allowCredentials"], options["userVerification"]) == ([], "required")
        assert (options["rpId"], options["timeout"]) == ("example.com", 300_000)

    def test_whether_it_has_a_copy_is_kept_as_of_the_last_use(self, user):
        authenticator = Authenticator(flags=HONEST | ELIGIBLE)
        passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "")
        authenticator.flags |= BACKED_UP
        passkeys.verify(sign(authenticator), SIGN_IN)
        assert Passkey.objects.get().backed_up

    def test_a_passkey_that_could_not_be_copied_never_can(self, row, authenticator):
        authenticator.flags = HONEST | ELIGIBLE
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(authenticator), SIGN_IN)

    @pytest.mark.parametrize(
        "lie",
        [
            {"origin": "https://login.examp1e.com"},
            {"origin": "https://example.com"},
            {"origin": "http://login.example.com"},
            {"domain": "examp1e.com"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"handle": b"another user"},
        ],
    )
    def test_what_is_signed_elsewhere_or_without_the_person_is_refused(self, row, authenticator, lie):
        for name, value in lie.items():
            setattr(authenticator, name, value)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(authenticator), SIGN_IN)
        assert Passkey.objects.get().used_at is None

    @pytest.mark.parametrize("client", [{"crossOrigin": True}, {"type": "webauthn.create"}, {"type": "payment.get"}])
    def test_what_a_frame_or_another_ceremony_says_is_refused(self, row, authenticator, client):
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(authenticator, **client), SIGN_IN)

    def test_another_key_forges_nothing(self, row, authenticator):
        forger = Authenticator(id=authenticator.id, handle=authenticator.handle, count=9)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(forger), SIGN_IN)

    def test_what_was_made_to_add_a_passkey_signs_nobody_in(self, row, user, authenticator):
        made = authenticator.create(passkeys.creation_options(user, "x"))
        signed = authenticator.get(passkeys.creation_options(user, "x"))
        for answer in (made, signed, made | {"response": made["response"] | signed["response"]}):
            with pytest.raises(InvalidOrExpiredCode):
                passkeys.verify(answer, SIGN_IN)

    def test_what_was_signed_adds_no_passkey(self, user):
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(user, Authenticator().create(passkeys.sign_in_options() | {"user": {"id": ""}}), "")

    def test_a_passkey_that_nobody_has_added_is_refused(self):
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(Authenticator()), SIGN_IN)

    def test_a_removed_passkey_signs_nobody_in(self, row, user, authenticator):
        assert passkeys.remove(user, row.pk.hex)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(authenticator), SIGN_IN)

    def test_an_answer_without_a_user_handle_is_known_by_its_passkey(self, row, user, authenticator):
        answer = sign(authenticator)
        del answer["response"]["userHandle"]
        assert passkeys.verify(answer, SIGN_IN).user == user

    def test_the_rotation_of_the_secret_leaves_passkeys_as_they_are(self, row, user, authenticator, settings):
        settings.SECRET_KEY = "another one"
        assert passkeys.verify(sign(authenticator), SIGN_IN).user == user


class TestOnce:
    @pytest.mark.usefixtures("each_store")
    def test_an_answer_works_once(self, row, authenticator):
        answer = sign(authenticator)
        passkeys.verify(answer, SIGN_IN)
        with pytest.raises(InvalidOrExpiredCode):  # no ClonedPasskey: its owner need not be alarmed
            passkeys.verify(answer, SIGN_IN)

    def test_a_challenge_is_good_for_one_of_two_signatures(self, row, authenticator):
        options = passkeys.sign_in_options()
        passkeys.verify(authenticator.get(options), SIGN_IN)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(authenticator.get(options), SIGN_IN)

    def test_a_wrong_answer_uses_no_challenge_up(self, row, authenticator):
        options = passkeys.sign_in_options()
        forger = Authenticator(id=authenticator.id, handle=authenticator.handle)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(forger.get(options), SIGN_IN)
        passkeys.verify(authenticator.get(options), SIGN_IN)

    def test_a_challenge_is_good_for_five_minutes(self, row, authenticator, clock):
        answer = sign(authenticator)
        clock.advance(TTL_SECONDS)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(answer, SIGN_IN)

    def test_a_challenge_stays_used_up_as_long_as_it_would_be_good(self, row, authenticator, clock):
        options = passkeys.sign_in_options()
        passkeys.verify(authenticator.get(options), SIGN_IN)
        clock.advance(TTL_SECONDS - 10)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(authenticator.get(options), SIGN_IN)

    def test_a_challenge_outlives_a_rotation_of_the_secret(self, row, authenticator, settings):
        answer = sign(authenticator)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", [settings.SECRET_KEY]
        passkeys.verify(answer, SIGN_IN)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("each_store")
    @pytest.mark.parametrize("count", [1, None], ids=["counts", "does not count"])
    def test_of_many_at_once_one_gets_through(self, user, count):
        authenticator = Authenticator(count=count)
        passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "")
        answer = sign(authenticator)
        got = race(lambda _: passkeys.verify(answer, SIGN_IN), 8)
        assert Counter(map(type, got)) == {Passkey: 1, InvalidOrExpiredCode: 7}

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_one_adds_the_passkey(self, user):
        options = passkeys.creation_options(user, "x")
        answers = [Authenticator().create(options) for _ in range(8)]
        got = race(lambda number: passkeys.add(user, answers[number], ""), 8)
        assert Counter(map(type, got)) == {Passkey: 1, InvalidOrExpiredCode: 7}


class TestCounter:
    def test_a_counter_that_went_back_is_refused_and_tells_whose_it_is(self, row, user, authenticator):
        copied = copy.copy(authenticator)
        authenticator.count = 7
        passkeys.verify(sign(authenticator), SIGN_IN)
        with pytest.raises(passkeys.ClonedPasskey) as refused:
            passkeys.verify(sign(copied), SIGN_IN)
        assert refused.value.user == user
        assert Passkey.objects.get().sign_count == 7

    @pytest.mark.parametrize("count", [1, 0, None])
    def test_a_counter_that_stands_still_or_is_lost_is_refused(self, row, authenticator, count):
        authenticator.count = count
        with pytest.raises(passkeys.ClonedPasskey):
            passkeys.verify(sign(authenticator), SIGN_IN)

    def test_an_authenticator_that_does_not_count_may_go_on(self, user):
        authenticator = Authenticator(count=None)
        passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "")
        for _ in range(2):
            passkeys.verify(sign(authenticator), SIGN_IN)
        assert Passkey.objects.get().sign_count == 0

    def test_an_authenticator_may_begin_to_count(self, user):
        authenticator = Authenticator(count=None)
        passkeys.add(user, authenticator.create(passkeys.creation_options(user, "x")), "")
        authenticator.count = 1
        passkeys.verify(sign(authenticator), SIGN_IN)
        assert Passkey.objects.get().sign_count == 1


class TestFactor:
    """What proves a user beside a code, or instead of one."""

    def offered(self, user, bound_to=""):
        return passkeys.offer(user, bound_to)["options"]

    def test_whoever_has_one_holds_it(self, user, row):
        assert passkeys.is_held(user)
        assert not passkeys.is_held(User.objects.create_user(new_phone()))

    def test_where_no_relying_party_is_known_nobody_holds_or_proves_anything(self, user, row, authenticator, settings):
        answer = authenticator.get(self.offered(user))
        settings.OTP_PASSKEY_RP_ID = ""
        assert not passkeys.is_held(user)
        assert not passkeys.prove(user, answer, "")

    def test_the_options_name_the_users_passkeys(self, user, row, authenticator):
        (known,) = self.offered(user)["allowCredentials"]
        assert known["id"] == b64(authenticator.id)

    def test_an_answer_proves_its_user_once(self, user, row, authenticator):
        answer = authenticator.get(self.offered(user, "a" * 32))
        assert passkeys.prove(user, answer, "a" * 32)
        assert not passkeys.prove(user, answer, "a" * 32)

    @pytest.mark.parametrize(("signed", "wanted"), [("a" * 32, "b" * 32), ("", "b" * 32), ("a" * 32, "")])
    def test_an_answer_for_one_thing_proves_no_other(self, user, row, authenticator, signed, wanted):
        answer = authenticator.get(self.offered(user, signed))
        assert not passkeys.prove(user, answer, wanted)
        assert passkeys.prove(user, answer, signed)

    def test_an_answer_for_a_sign_in_proves_nothing_else_nor_the_other_way_round(self, user, row, authenticator):
        assert not passkeys.prove(user, sign(authenticator), "")
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(authenticator.get(self.offered(user)), SIGN_IN)

    def test_another_users_passkey_proves_nobody(self, row, authenticator):
        other = User.objects.create_user(new_phone())
        assert not passkeys.prove(other, authenticator.get(self.offered(other)), "")
        assert not passkeys.prove(other, authenticator.get(self.offered(row.user)), "")

    def test_a_copy_is_told(self, user, row, authenticator):
        authenticator.count = 0
        with pytest.raises(passkeys.ClonedPasskey):
            passkeys.prove(user, authenticator.get(self.offered(user)), "")

    @pytest.mark.parametrize("answer", ["123456", None, [], {}, 7])
    def test_what_is_no_answer_proves_nobody(self, user, row, answer):
        assert not passkeys.prove(user, answer, "")


class TestNonsense:
    """An answer is whatever a stranger writes."""

    @pytest.mark.parametrize(
        "change",
        [
            {"id": None},
            {"id": "é"},
            {"id": "x" * 5},
            {"rawId": "AAAA"},
            {"rawId": 7},
            {"type": "password"},
            {"type": []},
            {"response": None},
            {"response": []},
            {"authenticatorAttachment": "glued"},
        ],
    )
    def test_an_answer_of_another_form_is_refused(self, row, authenticator, change):
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(sign(authenticator) | change, SIGN_IN)

    @pytest.mark.parametrize("name", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
    @pytest.mark.parametrize("value", ["", "AA", "é", 7, [], {}, "A" * 3000, "W" * 4001])
    def test_a_part_of_another_form_is_refused(self, row, authenticator, name, value):
        answer = sign(authenticator)
        answer["response"][name] = value
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(answer, SIGN_IN)

    @pytest.mark.parametrize("said", ["[" * 3000, "null", "[]", '"x"', "{}", '{"challenge": 7}', '{"challenge": "AA"}'])
    def test_client_data_of_another_form_are_refused(self, row, authenticator, said):
        answer = sign(authenticator)
        answer["response"]["clientDataJSON"] = b64(said.encode())
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.verify(answer, SIGN_IN)

    @pytest.mark.parametrize("made", [b"", b"\x9f" * 2000, b"\xa0", b"\xa3cfmtdnonegattStmt\xa0hauthData\x41\x00"])
    def test_an_attestation_of_another_form_is_refused(self, user, made):
        answer = Authenticator().create(passkeys.creation_options(user, "x"))
        answer["response"]["attestationObject"] = b64(made)
        with pytest.raises(InvalidOrExpiredCode):
            passkeys.add(user, answer, "")

    def test_a_challenge_of_somebody_elses_making_is_refused(self, row, authenticator):
        for challenge in (b64(b"x" * 32), b64(json.dumps([SIGN_IN]).encode()), "", b64("é".encode())):
            with pytest.raises(InvalidOrExpiredCode):
                passkeys.verify(authenticator.get({"challenge": challenge}), SIGN_IN)

    def test_a_database_that_is_down_is_no_wrong_answer(self, row, authenticator, monkeypatch):
        def down():
            raise DatabaseError

        answer = sign(authenticator)
        monkeypatch.setattr(passkeys, "_rows", down)
        with pytest.raises(DatabaseError):
            passkeys.verify(answer, SIGN_IN)


class TestList:
    def test_it_holds_the_users_own_the_oldest_first(self, user, row):
        second = passkeys.add(user, Authenticator().create(passkeys.creation_options(user, "x")), "")
        other = User.objects.create_user(new_phone())
        passkeys.add(other, Authenticator().create(passkeys.creation_options(other, "x")), "")
        assert passkeys.of(user) == [row, second]

    def test_nobody_removes_anothers_nor_what_is_none(self, user, row):
        other = User.objects.create_user(new_phone())
        assert not passkeys.remove(other, row.pk.hex)
        assert not passkeys.remove(user, "x")
        assert not passkeys.remove(user, "0" * 32)
        assert passkeys.of(user) == [row]

    def test_it_ends_with_the_user(self, row, user):
        user.delete()
        assert not Passkey.objects.exists()

    def test_a_passkey_is_shown_by_its_name_and_user(self, row):
        assert str(row) == f"Firefox {row.user_id}"
