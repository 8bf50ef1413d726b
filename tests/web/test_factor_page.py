"""Whoever has a second factor is asked for it by the page, and the code is entered once."""

import json
import re

import pytest
from django.contrib.auth import get_user_model

from otp_app import factors, services
from otp_app.factors import passkeys
from tests.factors.test_authenticators import code_of, enrolled
from tests.flows.test_passkeys import added
from tests.passkeys import PRESENT, relying_party  # noqa: F401
from tests.web.visitor import Visitor, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


@pytest.fixture(autouse=True)
def _asked_for(settings):
    settings.OTP_CODE_ALONE = False


@pytest.fixture
def factor(visitor):
    return enrolled(get_user_model().objects.create_user(visitor.phone))


@pytest.fixture
def form(visitor, factor):
    """The form that is shown after the code."""
    visitor.ask()
    page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
    assert hidden(page) == {"code": visitor.outbox[-1].code, "checks": "1"}
    return page


def hidden(page, form="factor-form"):
    """The hidden fields of a form."""
    inner = re.search(rf'(?s)<form method="post" id="{form}".*?</form>', page.content.decode())[0]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', inner)
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def is_signed_in(visitor):
    return visitor.get("/account/").status_code == 200


@pytest.mark.parametrize("kind", ["authenticator", "recovery code"])
def test_after_the_code_comes_the_factor(visitor, form, factor, kind):
    assert form.status_code == 200
    assert "The code is right. Now enter the code that your authenticator app shows" in text_of(form)
    assert 'aria-invalid="true"' not in form.content.decode()
    assert not is_signed_in(visitor)
    typed = code_of(factor[0], 1) if kind == "authenticator" else factor[1][0].upper()
    response = visitor.post("/login/1/", **hidden(form), factor=f" {typed} ")
    assert (response.status_code, response["Location"]) == (302, "/account/")
    assert is_signed_in(visitor)


@pytest.mark.parametrize(("typed", "told"), [("", False), ("000 00", True), ("0-aaaaa-aaaaa", True)])
def test_a_wrong_one_is_asked_for_again(visitor, form, factor, typed, told):
    page = visitor.post("/login/1/", **hidden(form), factor=typed)
    assert ("This is wrong, or it was used already." in text_of(page)) is told
    assert not is_signed_in(visitor)
    assert visitor.post("/login/1/", **hidden(page), factor=code_of(factor[0], 1)).status_code == 302


def test_a_code_that_has_expired_meanwhile_is_told_where_codes_are(visitor, form, factor, clock):
    clock.advance(301)
    page = visitor.post("/login/1/", **hidden(form), factor=code_of(factor[0], 1))
    assert "Get a new code" in text_of(page)
    assert not is_signed_in(visitor)


def test_too_many_wrong_ones_are_told(visitor, form, settings):
    settings.OTP_FACTORS_PER_ACCOUNT_DAY = 1
    page = visitor.post("/login/1/", **hidden(form), factor="000000")
    assert "Too many tries" in text_of(visitor.post("/login/1/", **hidden(page), factor="000000"))


def test_a_code_from_elsewhere_is_carried_along_with_its_number(visitor, factor, outbox):
    services.send_code(phone=visitor.phone)
    page = visitor.post("/login/code/", phone=visitor.phone, code=outbox[-1].code, checks="0")
    assert hidden(page) == {"phone": visitor.phone, "code": outbox[-1].code, "checks": "1"}
    assert visitor.post("/login/code/", **hidden(page), factor=code_of(factor[0], 1)).status_code == 302


def test_a_factor_that_cannot_be_typed_is_named(visitor, factor, monkeypatch):
    monkeypatch.setattr(factors, "offered", lambda _: [{"by": "passkey"}])
    visitor.ask()
    page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
    assert "Your account asks for a passkey" in text_of(page)
    assert "factor-form" not in page.content.decode()


@pytest.mark.usefixtures("relying_party")
class TestAPasskey:
    @pytest.fixture
    def person(self, visitor):
        return get_user_model().objects.create_user(visitor.phone)

    @pytest.fixture
    def authenticator(self, person):
        return added(person)

    @pytest.fixture
    def page(self, visitor, authenticator):
        visitor.ask()
        return visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")

    def answer(self, visitor, page, authenticator, **client):
        signed = authenticator.get(options_on(page), **client)
        return visitor.post("/login/1/", **hidden(page, "passkey-form"), passkey=json.dumps(signed))

    def test_whoever_has_one_signs_in_by_it_beside_the_code(self, visitor, page, authenticator):
        assert "The code is right. Now use your passkey." in text_of(page)
        assert "This step needs JavaScript" in text_of(page)  # until the script shows the button
        assert 'id="factor-form"' not in page.content.decode()
        response = self.answer(visitor, page, authenticator)
        assert (response.status_code, response["Location"]) == (302, "/account/")
        assert is_signed_in(visitor)

    def test_whoever_has_an_app_as_well_may_choose(self, visitor, person):
        factor, _ = enrolled(person)
        added(person)
        visitor.ask()
        page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
        assert "use your passkey, or enter the code that your authenticator app shows" in text_of(page)
        assert "This step needs JavaScript" not in text_of(page)
        assert "autofocus" not in page.content.decode()
        assert visitor.post("/login/1/", **hidden(page), factor=code_of(factor, 1)).status_code == 302

    @pytest.mark.parametrize(
        "lie",
        [{"origin": "https://login.examp1e.com"}, {"domain": "examp1e.com"}, {"flags": PRESENT}],
        ids=["foreign origin", "foreign domain", "person not verified"],
    )
    def test_a_lie_is_refused_and_the_passkey_asked_for_again(self, visitor, page, authenticator, lie):
        honest = {name: getattr(authenticator, name) for name in lie}
        vars(authenticator).update(lie)
        again = self.answer(visitor, page, authenticator)
        assert "This passkey was not accepted. Try again." in text_of(again)
        assert not is_signed_in(visitor)
        vars(authenticator).update(honest)
        assert self.answer(visitor, again, authenticator).status_code == 302

    def test_neither_somebody_elses_nor_a_used_answer_is_right(self, visitor, page, authenticator):
        other = added(get_user_model().objects.create_user("+998901110013"))
        page = self.answer(visitor, page, other)
        assert "not accepted" in text_of(page)
        used = authenticator.get(options_on(page))
        assert passkeys.prove(get_user_model().objects.get(phone=visitor.phone), used, "")
        again = visitor.post("/login/1/", **hidden(page, "passkey-form"), passkey=json.dumps(used))
        assert "not accepted" in text_of(again)
        assert not is_signed_in(visitor)

    @pytest.mark.parametrize("text", ["{", "null", '{"id": {}, "response": []}', "[" * 4000, "1" * 5000])
    def test_nor_is_other_text(self, visitor, page, text):
        assert "not accepted" in text_of(visitor.post("/login/1/", **hidden(page, "passkey-form"), passkey=text))
        assert not is_signed_in(visitor)

    def test_an_answer_after_the_passkeys_were_switched_off_is_told_where_codes_are_typed(
        self, visitor, person, settings
    ):
        enrolled(person)
        authenticator = added(person)
        visitor.ask()
        page = visitor.post("/login/1/", code=visitor.outbox[-1].code, checks="0")
        signed = authenticator.get(options_on(page))
        settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = "", []
        again = visitor.post("/login/1/", **hidden(page, "passkey-form"), passkey=json.dumps(signed))
        assert "This is wrong, or it was used already." in text_of(again)
        assert "passkey-form" not in again.content.decode()

    def test_without_a_relying_party_nobody_is_asked_for_one(self, visitor, authenticator, settings):
        settings.OTP_PASSKEY_RP_ID, settings.OTP_PASSKEY_ORIGINS = "", []
        visitor.sign_in()
        assert is_signed_in(visitor)

    @pytest.mark.parametrize(
        ("language", "words"), [("ru", "Использовать ключ доступа"), ("uz", "Kirish kalitidan foydalanish")]
    )
    def test_the_button_speaks_the_persons_language(self, visitor, authenticator, outbox, language, words):
        other = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language)
        other.phone = visitor.phone
        other.ask()
        assert words in text_of(other.post("/login/1/", code=outbox[-1].code, checks="0"))


def options_on(page):
    found = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', page.content.decode())
    return json.loads(found[1])


@pytest.mark.parametrize(("language", "words"), [("ru", "Второй фактор"), ("uz", "Ikkinchi omil")])
def test_it_speaks_the_persons_language(factor, outbox, language, words):
    visitor = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language)
    visitor.phone = factor[0].user.phone
    visitor.ask()
    assert words in text_of(visitor.post("/login/1/", code=outbox[-1].code, checks="0"))
