"""Sign-in by a passkey: who gets in, with which rights, and what is written down of it."""

import copy
import logging

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.test import RequestFactory

from otp_app import tokens
from otp_app.accounts import devices, events
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, LastWayIn, Limited
from otp_app.factors import passkeys as kept
from otp_app.flows import passkeys
from otp_app.models import User
from otp_app.signals import signed_in
from tests.factories import new_phone
from tests.factors.test_authenticators import enrolled
from tests.passkeys import Authenticator, relying_party  # noqa: F401
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("relying_party")]

CLIENT = "192.0.2.7"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


@pytest.fixture
def authenticator(user):
    return added(user)


@pytest.fixture
def heard():
    """What ``signed_in`` told."""
    heard = []

    def hear(**told):
        heard.append(told)

    signed_in.connect(hear)
    yield heard
    signed_in.disconnect(hear)


def added(user, **traits):
    authenticator = Authenticator(**traits)
    passkeys.add(user=user, answer=authenticator.create(passkeys.creation_options(user=user)))
    return authenticator


def sign_in(authenticator, **told):
    return passkeys.sign_in(answer=authenticator.get(kept.sign_in_options()), client=CLIENT, **told)


def kinds(user):
    return [event.kind for event in events.of(user)]


class TestAdding:
    def test_an_authenticator_lists_the_number_masked(self, user):
        assert passkeys.creation_options(user=user)["user"]["name"] == user.phone[:-6] + "••••••"

    def test_without_a_number_it_lists_the_user_name(self):
        user = User(pk=7, phone="")
        user.get_username = lambda: "aziza"
        assert passkeys.creation_options(user=user)["user"]["name"] == "aziza"

    def test_it_is_called_as_the_person_wants_or_as_the_client_and_written_down(self, user):
        request = RequestFactory().post("/", headers={"user-agent": FIREFOX})
        for name, called in (("my phone", "my phone"), ("", "Firefox, Windows")):
            answer = Authenticator().create(passkeys.creation_options(user=user))
            assert passkeys.add(user=user, answer=answer, name=name, request=request).name == called
        assert kinds(user) == ["passkey_added", "passkey_added"]
        assert events.of(user)[0].client_name == "Firefox, Windows"

    @pytest.mark.parametrize("told", [True, False])
    def test_the_number_is_told_of_it_unless_the_operator_does_not_want_that(self, user, outbox, settings, told):
        settings.OTP_NOTIFY_FACTOR_ADDED = told
        added(user)
        assert [message.to for message in outbox] == [user.phone] * told


class TestRemoving:
    def test_a_removal_is_written_down_once(self, user, authenticator):
        (row,) = kept.of(user)
        assert passkeys.remove(user=user, passkey_id=row.pk.hex)
        assert not passkeys.remove(user=user, passkey_id=row.pk.hex)
        assert kinds(user) == ["passkey_removed", "passkey_added"]

    def test_the_last_way_in_stays(self, user, authenticator):
        other, (row, _) = added(user), kept.of(user)
        User.objects.update(phone="")
        assert passkeys.remove(user=user, passkey_id=row.pk.hex)
        with pytest.raises(LastWayIn):
            passkeys.remove(user=user, passkey_id=kept.of(user)[0].pk.hex)
        assert [bytes(each.credential_id) for each in kept.of(user)] == [other.id]

    def test_an_authenticator_is_no_way_in(self, user, authenticator):
        enrolled(user)
        User.objects.update(phone="")
        with pytest.raises(LastWayIn):
            passkeys.remove(user=user, passkey_id=kept.of(user)[0].pk.hex)
        assert len(kept.of(user)) == 1


class TestSignIn:
    def test_the_user_of_the_passkey_gets_a_token_and_a_device_value(self, user, authenticator):
        done = sign_in(authenticator)
        assert (done.user, done.is_new) == (user, False)
        assert tokens.authenticate(done.issued.token) == user
        assert devices.recognise(user.phone, done.device)
        user.refresh_from_db()
        assert user.last_login is not None

    def test_the_signal_and_the_log_tell_of_it_without_a_challenge(self, user, authenticator, heard, caplog):
        caplog.set_level(logging.INFO, "otp_app.guard")
        sign_in(authenticator)
        (told,) = heard
        assert {name: told[name] for name in ("user", "phone", "challenge", "channel", "is_new", "new_device")} == {
            "user": user,
            "phone": user.phone,
            "challenge": "",
            "channel": "",
            "is_new": False,
            "new_device": True,
        }
        assert "signed_in" in [record.otp["event"] for record in caplog.records]

    def test_a_device_that_is_known_is_none_that_is_new_and_keeps_its_value(self, authenticator, heard):
        device = sign_in(authenticator).device
        assert sign_in(authenticator, device=device).device == device
        assert [told["new_device"] for told in heard] == [True, False]

    def test_a_new_device_is_an_event_and_where_wanted_a_message(self, user, authenticator, settings, outbox):
        settings.OTP_NOTIFY_NEW_DEVICE = True
        device = sign_in(authenticator).device
        sign_in(authenticator, device=device)
        assert kinds(user) == ["new_device", "passkey_added"]
        assert [message.to for message in outbox] == [user.phone]

    def test_a_user_without_a_phone_gets_in_without_a_device_value(self, user, authenticator):
        User.objects.update(phone="")
        assert sign_in(authenticator).device == ""

    def test_a_deactivated_user_is_refused_as_a_forger_is(self, user, authenticator, caplog):
        caplog.set_level(logging.INFO, "otp_app.guard")
        User.objects.update(is_active=False)
        with pytest.raises(InvalidOrExpiredCode):
            sign_in(authenticator)
        with pytest.raises(InvalidOrExpiredCode):
            sign_in(Authenticator())
        reasons = [record.otp["reason"] for record in caplog.records if record.otp["event"] == "check_failed"]
        assert reasons == ["deactivated", "invalid"]

    def test_a_copy_is_refused_and_its_owner_may_read_of_it(self, user, authenticator):
        copied = copy.copy(authenticator)
        sign_in(authenticator)
        with pytest.raises(InvalidOrExpiredCode):
            sign_in(copied)
        assert kinds(user)[0] == "passkey_cloned"

    def test_beyond_the_maximum_the_oldest_session_ends(self, user, authenticator, settings):
        settings.OTP_MAX_SESSIONS = 1
        first, second = (sign_in(authenticator).issued.token for _ in range(2))
        assert tokens.authenticate(first) is None
        assert tokens.authenticate(second) == user

    def test_where_no_code_stands_alone_a_passkey_does(self, authenticator, user, settings):
        settings.OTP_CODE_ALONE = False
        assert sign_in(authenticator).user == user


class TestStaff:
    """I12: neither a code nor a passkey alone opens the admin."""

    @pytest.fixture
    def user(self):
        return User.objects.create_superuser(new_phone(), "x")

    def test_a_token_has_no_rights_of_staff(self, user, authenticator):
        found = tokens.authenticate(sign_in(authenticator).issued.token)
        assert found == user
        assert [found.is_staff, found.is_superuser, found.has_perm("otp_app.view_user")] == [False] * 3

    def test_a_session_has_none_either(self, user, authenticator, settings):
        settings.OTP_TOKEN_BACKEND = "otp_app.tokens.session.SessionTokens"
        request = RequestFactory().post("/")
        request.session = SessionStore()
        sign_in(authenticator, request=request)
        found = tokens.current().authenticate(request)
        assert found == user
        assert [found.is_staff, found.is_superuser] == [False] * 2


class TestLimits:
    @pytest.mark.usefixtures("each_store")
    def test_a_client_has_a_number_of_wrong_answers_and_right_ones_cost_nothing(self, authenticator, settings, caplog):
        caplog.set_level(logging.INFO, "otp_app.guard")
        settings.OTP_CHECKS_PER_CLIENT_HOUR = 2
        for _ in range(3):
            sign_in(authenticator)
        for _ in range(2):
            with pytest.raises(InvalidOrExpiredCode):
                sign_in(Authenticator())
        with pytest.raises(Limited):
            sign_in(authenticator)
        assert [record.otp["event"] for record in caplog.records][-1] == "limited"

    @pytest.mark.usefixtures("each_store")
    def test_an_account_signs_in_a_hundred_times_a_day(self, user, authenticator, clock):
        """Each writes a token and an event, and a hundred events are all that its owner is shown."""
        for _ in range(100):
            sign_in(authenticator)
        with pytest.raises(Limited):
            sign_in(authenticator)
        assert len(tokens.sessions.of(user)) == 100
        clock.advance(25 * 3600)
        assert sign_in(authenticator).user == user

    @pytest.mark.django_db(transaction=True)
    def test_inside_a_transaction_nothing_is_verified(self, authenticator):
        with transaction.atomic(), pytest.raises(InsideTransaction):
            sign_in(authenticator)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("each_store")
    def test_of_many_at_once_one_gets_a_token(self, user, authenticator):
        answer = authenticator.get(kept.sign_in_options())
        got = race(lambda _: passkeys.sign_in(answer=answer, client=CLIENT), 8)
        assert sorted(type(each).__name__ for each in got) == ["InvalidOrExpiredCode"] * 7 + ["SignIn"]
        assert len(tokens.sessions.of(user)) == 1
        assert "passkey_cloned" not in kinds(user)
