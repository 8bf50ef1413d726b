"""A passkey in the admin: the first factor of whoever has none, and later the answer that no forger can give."""

import copy
import html
import json
import logging
import re

import pytest
from django.db import OperationalError

from otp_app import staff, stores
from otp_app.accounts import events
from otp_app.factors import authenticators, kept, passkeys, recovery_codes
from otp_app.factors import relying_party as party
from otp_app.flows import passkeys as flow
from otp_app.models import Passkey, User
from tests.factors.test_authenticators import code_of, enrolled
from tests.flows.test_passkeys import added
from tests.passkeys import PRESENT, Authenticator
from tests.races import race
from tests.second_factor.test_page import PAGE, USERS, followed, with_password
from tests.web.visitor import Visitor, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests, pytest.mark.usefixtures("relying_party")]

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
REFUSED = "This passkey was not accepted. Try again."
NOT_ADDED = "The passkey could not be added. Try again."


def options_on(page):
    """From what the page's script asks the browser."""
    found = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', page.content.decode())
    return json.loads(html.unescape(found[1])) if found else None


def answer(visitor, given, path=f"{PAGE}?next={USERS}"):
    return visitor.post(path, passkey=json.dumps(given))


def sign(visitor, authenticator, **client):
    """Answer the page that the visitor is at, and return the page that comes then."""
    return answer(visitor, authenticator.get(options_on(followed(visitor, "/admin/")), **client))


def enrol(visitor, authenticator):
    return answer(visitor, authenticator.create(options_on(with_password(visitor))), f"{PAGE}?next=/admin/")


def codes_on(page):
    return re.findall(r"<li><code>([0-9]-\w{5}-\w{5})</code>", page.content.decode())


def is_in(visitor):
    return visitor.get(USERS).status_code == 200


def kinds(user):
    return [event.kind for event in events.of(user)]


@pytest.fixture
def records(caplog):
    caplog.set_level(logging.INFO, "otp_app.guard")
    return caplog


@pytest.fixture
def told(records):
    """Return what the audit was told of factors; other logs tell of the SMS that follows."""

    def run():
        audited = [each.otp for each in records.records if hasattr(each, "otp")]
        return [told["what"] for told in audited if told["event"] == "second_factor"]

    return run


@pytest.fixture
def authenticator(superuser):
    return added(superuser)


@pytest.fixture
def other_browser(visitor, outbox):
    other = Visitor(outbox)
    other.phone = visitor.phone
    return other


class TestTheFirstVisit:
    def test_it_offers_both_and_a_passkey_opens_the_admin_with_ten_recovery_codes(self, visitor, superuser, told):
        page = with_password(visitor)
        assert "Add a passkey or an authenticator app." in text_of(page)
        assert "otpauth://" in page.content.decode()
        done = answer(visitor, Authenticator().create(options_on(page)), f"{PAGE}?next=/admin/")
        assert "The second factor is added." in text_of(done)
        assert len(codes_on(done)) == recovery_codes.left(superuser) == 10
        assert options_on(done) is None
        assert is_in(visitor)
        assert (kinds(superuser), told()) == (["passkey_added"], ["added"])

    def test_the_passkey_is_called_as_the_browser_and_shows_the_number_masked(self, superuser, outbox):
        visitor = Visitor(outbox, HTTP_USER_AGENT=FIREFOX)
        visitor.phone = superuser.phone
        options = options_on(with_password(visitor))
        assert options["user"]["name"] == superuser.phone[:-6] + "••••••"
        answer(visitor, Authenticator().create(options))
        assert Passkey.objects.get().name == "Firefox, Windows"

    def test_an_authenticator_app_is_as_good_as_before(self, visitor, superuser):
        with_password(visitor)
        pending = authenticators.new(superuser, visitor.client.session["otp_app_new_factor"])
        assert len(codes_on(visitor.post(PAGE, code=code_of(pending)))) == 10
        assert is_in(visitor)
        assert not Passkey.objects.exists()

    def test_whoever_has_added_a_passkey_enrols_nothing_more(self, visitor, superuser, other_browser):
        enrol(visitor, Authenticator())
        page = with_password(other_browser)
        assert "otpauth://" not in page.content.decode()
        assert "user" not in options_on(page)
        assert NOT_ADDED not in text_of(
            answer(other_browser, Authenticator().create({"user": {"id": ""}} | options_on(page)))
        )
        assert Passkey.objects.count() == 1
        assert not is_in(other_browser)

    def test_a_recovery_code_stands_in_for_the_passkey_once(self, visitor, superuser, other_browser):
        code = codes_on(enrol(visitor, Authenticator()))[0]
        assert "Without the passkey: enter one of your recovery codes." in text_of(with_password(other_browser))
        assert other_browser.post(PAGE, code=code).status_code == 302
        assert is_in(other_browser)
        with_password(other_browser)
        assert "wrong, or it was used already" in text_of(other_browser.post(PAGE, code=code))

    @pytest.mark.parametrize(
        "lie",
        [{"origin": "https://login.examp1e.com"}, {"domain": "examp1e.com"}, {"flags": PRESENT}],
        ids=["foreign origin", "foreign domain", "person not verified"],
    )
    def test_what_is_made_elsewhere_is_not_added_and_the_page_asks_again(self, visitor, superuser, lie):
        page = enrol(visitor, Authenticator(**lie))
        assert NOT_ADDED in text_of(page)
        assert "otpauth://" in page.content.decode()
        assert not kept.has_any(superuser)
        assert not recovery_codes.is_held(superuser)
        answer(visitor, Authenticator().create(options_on(page)))
        assert is_in(visitor)

    @pytest.mark.parametrize("text", ["", "{", "null", "[]", "7", '{"id": 1}', "[" * 4000, "x" * 5000])
    def test_anything_else_is_refused(self, visitor, superuser, text):
        with_password(visitor)
        page = text_of(visitor.post(PAGE, passkey=text))
        assert ("This field is required." if not text else NOT_ADDED) in page
        assert not is_in(visitor)

    def test_what_another_session_has_begun_adds_nothing(self, visitor, superuser, other_browser):
        theirs = options_on(with_password(other_browser))
        with_password(visitor)
        assert NOT_ADDED in text_of(answer(visitor, Authenticator().create(theirs)))
        assert not Passkey.objects.exists()

    def test_the_api_does_not_finish_what_the_page_has_begun(self, visitor, superuser):
        """There adding needs a confirmation, and this session has none."""
        made = Authenticator().create(options_on(with_password(visitor)))
        with pytest.raises(passkeys.InvalidOrExpiredCode):
            flow.add(user=superuser, answer=made)

    @pytest.mark.django_db(transaction=True)
    def test_of_many_at_once_one_is_the_first(self, superuser, rf):
        answers = [Authenticator().create(flow.creation_options(user=superuser, bound_to="x")) for _ in range(4)]
        got = race(lambda at: flow.enrol(user=superuser, answer=answers[at], bound_to="x", request=rf.post("/")), 4)
        (codes,) = [each[1] for each in got if isinstance(each, tuple)]
        assert (Passkey.objects.count(), recovery_codes.left(superuser)) == (1, 10)
        assert recovery_codes.prove(superuser, codes[3], "")

    def test_nobody_adds_an_app_beside_a_passkey_by_a_password(self, superuser, authenticator):
        assert enrolled(superuser)[1] == []
        assert authenticators.find(superuser) is None

    def test_without_a_relying_party_the_page_offers_none_and_takes_none(self, visitor, superuser, settings):
        options = options_on(with_password(visitor))
        settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = "", []
        page = followed(visitor, "/admin/")
        assert options_on(page) is None
        assert "passkey" not in page.content.decode()
        assert "otpauth://" in page.content.decode()
        answer(visitor, Authenticator().create(options))
        assert not Passkey.objects.exists()

    def test_nor_does_it_without_the_package(self, visitor, superuser, monkeypatch):
        monkeypatch.setattr(party, "find_spec", lambda _: None)
        assert options_on(with_password(visitor)) is None


class TestALaterVisit:
    def test_a_passkey_opens_it_under_another_session_id(self, visitor, authenticator, told):
        page = with_password(visitor)
        before = visitor.client.session.session_key
        assert 'value="Use a passkey"' in page.content.decode()
        assert 'id="id_code"' not in page.content.decode()  # there is nothing to type
        assert sign(visitor, authenticator)["Location"] == USERS
        assert is_in(visitor)
        assert not visitor.client.session.exists(before)
        assert told() == ["passkey"]

    def test_whoever_has_both_answers_by_either(self, visitor, superuser, other_browser):
        factor, _ = enrolled(superuser)
        authenticator = added(superuser)
        with_password(visitor)
        assert sign(visitor, authenticator).status_code == 302
        page = with_password(other_browser)
        assert "Enter the code that your authenticator app shows" in text_of(page)
        assert "autofocus" not in re.search("<input[^>]+id_code[^>]+>", page.content.decode())[0]
        other_browser.post(PAGE, code=code_of(factor, 1))
        assert is_in(visitor)
        assert is_in(other_browser)

    def test_the_origins_of_the_settings_tell_the_script_where_a_passkey_is_of_use(self, visitor, authenticator):
        assert 'data-origins="https://login.example.com"' in with_password(visitor).content.decode()

    def test_no_script_stands_in_the_page(self, visitor, authenticator):
        scripts = re.findall(r"<script([^>]*)>", with_password(visitor).content.decode())
        assert all("src=" in each or 'type="application/json"' in each for each in scripts)

    def test_a_passkey_of_the_api_serves_and_the_session_ends_with_it(self, visitor, superuser, authenticator):
        added(superuser)
        with_password(visitor)
        sign(visitor, authenticator)
        first, second = passkeys.of(superuser)
        passkeys.remove(superuser, second.pk.hex)
        assert is_in(visitor)
        passkeys.remove(superuser, first.pk.hex)
        assert not is_in(visitor)
        assert 'name="password"' in followed(visitor, USERS).content.decode()

    def test_a_session_by_a_recovery_code_ends_with_what_the_code_stood_in_for(self, visitor, superuser, other_browser):
        code = codes_on(enrol(visitor, Authenticator()))[1]
        with_password(other_browser)
        other_browser.post(PAGE, code=code)
        passkeys.remove(superuser, passkeys.of(superuser)[0].pk.hex)
        assert not is_in(other_browser)

    def test_a_passkey_that_is_removed_in_the_same_moment_gives_no_rights(self, visitor, authenticator, monkeypatch):
        with_password(visitor)
        monkeypatch.setattr(passkeys, "named_by", lambda *_: None)
        assert REFUSED in text_of(sign(visitor, authenticator))
        assert not is_in(visitor)

    def test_where_passkeys_are_switched_off_a_password_still_adds_nothing(self, visitor, authenticator, settings):
        settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = "", []
        page = with_password(visitor)
        assert "Your passkey cannot be used here." in text_of(page)
        assert "otpauth://" not in page.content.decode()
        visitor.post(PAGE, code="000000")
        assert not is_in(visitor)

    @pytest.mark.parametrize(
        ("language", "words"), [("ru", "Использовать ключ доступа"), ("uz", "Kirish kalitidan foydalanish")]
    )
    def test_the_button_speaks_the_persons_language(self, superuser, authenticator, outbox, language, words):
        visitor = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language)
        visitor.phone = superuser.phone
        assert f'value="{words}"' in with_password(visitor).content.decode()


class TestForgers:
    """Somebody has the password, and no passkey of the person's."""

    @pytest.fixture(autouse=True)
    def _with_password(self, relying_party, visitor, authenticator):
        self.page = with_password(visitor)

    def refused(self, visitor, given):
        page = answer(visitor, given)
        return page.status_code == 200 and REFUSED in text_of(page) and not is_in(visitor)

    def test_a_passkey_that_nobody_knows(self, visitor):
        assert self.refused(visitor, Authenticator().get(options_on(self.page)))

    def test_a_signature_by_another_key(self, visitor, authenticator):
        forger = Authenticator(id=authenticator.id, handle=authenticator.handle)
        assert self.refused(visitor, forger.get(options_on(self.page)))

    def test_somebody_elses_passkey(self, visitor):
        other = added(User.objects.create_superuser("+998901110011", "x"))
        assert self.refused(visitor, other.get(options_on(self.page)))

    @pytest.mark.parametrize("origin", ["https://login.examp1e.com", "http://login.example.com", "https://example.com"])
    def test_an_answer_given_to_another_origin(self, visitor, authenticator, origin):
        authenticator.origin = origin
        assert self.refused(visitor, authenticator.get(options_on(self.page)))

    def test_an_answer_given_within_a_frame_of_another_site(self, visitor, authenticator):
        assert self.refused(visitor, authenticator.get(options_on(self.page), crossOrigin=True))

    def test_a_passkey_of_another_domain(self, visitor, authenticator):
        authenticator.domain = "examp1e.com"
        assert self.refused(visitor, authenticator.get(options_on(self.page)))

    def test_an_authenticator_that_did_not_verify_the_person(self, visitor, authenticator):
        authenticator.flags = PRESENT
        assert self.refused(visitor, authenticator.get(options_on(self.page)))

    def test_an_answer_that_was_used(self, visitor, authenticator, other_browser):
        with_password(other_browser)
        given = authenticator.get(options_on(followed(other_browser, "/admin/")))
        assert answer(other_browser, given).status_code == 302
        assert self.refused(visitor, given)
        with_password(other_browser)
        assert self.refused(other_browser, given)

    def test_an_unused_answer_to_another_session(self, visitor, authenticator, other_browser):
        assert self.refused(visitor, authenticator.get(options_on(with_password(other_browser))))

    @pytest.mark.parametrize("begin", [passkeys.sign_in_options, None], ids=["sign-in", "beside a code"])
    def test_an_answer_that_was_given_for_something_else(self, visitor, superuser, authenticator, begin):
        options = begin() if begin else passkeys.offer(superuser, "")["options"]
        assert self.refused(visitor, authenticator.get(options))

    def test_an_answer_that_is_too_late(self, visitor, authenticator, monkeypatch):
        given = authenticator.get(options_on(self.page))
        monkeypatch.setattr(party, "TTL_SECONDS", 0)
        assert self.refused(visitor, given)

    def test_a_copy_whose_counter_went_back_and_the_owner_may_read_of_it(self, visitor, superuser, authenticator, told):
        copied = copy.copy(authenticator)
        authenticator.get(passkeys.sign_in_options())
        passkeys.verify(authenticator.get(passkeys.sign_in_options()), passkeys.SIGN_IN)
        assert self.refused(visitor, copied.get(options_on(self.page)))
        assert kinds(superuser)[0] == "passkey_cloned"
        assert told() == ["added", "failed"] or told() == ["failed"]

    @pytest.mark.parametrize("text", ["{", "null", "[]", '"x"', '{"id": {}, "response": []}', "[" * 4000, "1" * 5000])
    def test_anything_else(self, visitor, text):
        assert REFUSED in text_of(visitor.post(PAGE, passkey=text))
        assert not is_in(visitor)

    def test_an_empty_answer_with_a_code_is_no_answer(self, visitor, superuser):
        assert "This field is required." in text_of(visitor.post(PAGE, passkey="", code="000000"))
        assert not is_in(visitor)


class TestLimits:
    def test_a_thief_of_the_password_uses_up_the_tries_of_codes_and_keeps_no_passkey_out(
        self, visitor, superuser, other_browser, settings
    ):
        settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
        authenticator, (typed, rows) = added(superuser), recovery_codes.new()
        recovery_codes.keep(superuser, rows)
        with_password(other_browser)
        for _ in range(3):
            assert REFUSED in text_of(sign(other_browser, Authenticator()))
        assert "This code is wrong" in text_of(other_browser.post(PAGE, code="000"))
        assert "Too many tries" in text_of(other_browser.post(PAGE, code=typed[0]))
        assert not is_in(other_browser)
        with_password(visitor)
        assert sign(visitor, authenticator).status_code == 302
        assert is_in(visitor)

    def test_one_post_is_one_try(self, visitor, superuser, settings, told):
        authenticator, (_, rows) = added(superuser), recovery_codes.new()
        recovery_codes.keep(superuser, rows)
        with_password(visitor)
        options = options_on(followed(visitor, "/admin/"))
        visitor.post(PAGE, passkey=json.dumps(Authenticator().get(options)), code="000")
        assert told().count("failed") == 1
        assert sign(visitor, authenticator).status_code == 302

    @pytest.mark.parametrize("is_new", [True, False])
    def test_a_store_that_is_down_is_said_clearly(self, visitor, superuser, monkeypatch, is_new):
        def take(_):
            raise OperationalError

        authenticator = Authenticator() if is_new else added(superuser)
        options = options_on(with_password(visitor))
        given = authenticator.create(options) if is_new else authenticator.get(options)
        monkeypatch.setattr(stores, "current", lambda: type("Store", (), {"take": staticmethod(take)}))
        assert "not available at the moment" in text_of(answer(visitor, given))


class TestStatements:
    def test_a_session_by_a_passkey_costs_one_as_well(self, superuser, authenticator, rf, django_assert_num_queries):
        request = rf.get("/")
        request.session = {"otp_app_second_factor": passkeys.of(superuser)[0].pk.hex}
        with django_assert_num_queries(1):
            assert staff.user_of_session(request, superuser) is superuser

    def test_the_key_of_another_persons_passkey_is_worth_nothing(self, superuser, rf):
        other = User.objects.create_superuser("+998901110012", "x")
        added(other)
        assert not kept.is_of(superuser, passkeys.of(other)[0].pk.hex)
        assert kept.is_of(other, passkeys.of(other)[0].pk.hex)
