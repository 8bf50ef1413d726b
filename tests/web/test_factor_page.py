"""Whoever has a second factor is asked for it by the page, and the code is entered once."""

import re

import pytest
from django.contrib.auth import get_user_model

from otp_app import factors, services
from tests.factors.test_authenticators import code_of, enrolled
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


def hidden(page):
    """The hidden fields of the form."""
    inner = re.search(r'(?s)<form method="post" id="factor-form".*?</form>', page.content.decode())[0]
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


@pytest.mark.parametrize(("language", "words"), [("ru", "Второй фактор"), ("uz", "Ikkinchi omil")])
def test_it_speaks_the_persons_language(factor, outbox, language, words):
    visitor = Visitor(outbox, HTTP_ACCEPT_LANGUAGE=language)
    visitor.phone = factor[0].user.phone
    visitor.ask()
    assert words in text_of(visitor.post("/login/1/", code=outbox[-1].code, checks="0"))
