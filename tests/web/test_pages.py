"""What all pages share: headers, language, and the answer when something is wrong."""

import pytest
from django.db import OperationalError
from django.http import Http404, HttpResponse
from django.test import RequestFactory

from otp_app import handlers, services
from otp_app.conf import CONSOLE
from otp_app.errors import Unavailable
from otp_app.web import pages
from tests.sites import asked_by, new_site
from tests.web.visitor import Visitor, text_of

pytestmark = pytest.mark.django_db

POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"


@pytest.fixture
def down(monkeypatch):
    """Make the store unreachable, in each of the two ways that it reports."""

    def fail(*_, **__):
        raise failing.pop()

    failing = [Unavailable(), OperationalError("no route to host")] * 2
    monkeypatch.setattr(services, "state", fail)


def _unavailable(**_):
    raise Unavailable


@pytest.fixture
def every_page(visitor, monkeypatch):
    """Return one response of each kind, by what it shows."""
    seen = {"phone": visitor.get(), "no number": visitor.post(phone="1")}
    seen["begun"] = visitor.post(phone=visitor.phone)
    seen |= {
        "code": visitor.get("/login/1/"),
        "no code": visitor.enter("1"),
        "too soon": visitor.post("/login/1/send/"),
    }
    seen |= {"state": visitor.get("/login/1/state/"), "more time": visitor.post("/login/1/extend/")}
    seen |= {"nowhere": visitor.get("/nowhere/"), "wrong site": visitor.get("/login/?client=x")}
    seen |= {"in another language": visitor.post(language="ru"), "csrf": visitor.post(csrfmiddlewaretoken="x" * 32)}
    with monkeypatch.context() as patched:
        patched.setattr(services, "state", _unavailable)
        seen["down"] = visitor.get("/login/1/")
    seen["signed in"] = visitor.enter()
    seen |= {"offer": visitor.get(), "account": visitor.get("/account/")}
    seen["going on"] = visitor.post("/account/continue/")
    seen["signed out"] = visitor.post("/account/sign-out/")
    return seen


def test_only_what_somebody_should_look_at_is_a_warning_of_the_framework(every_page, caplog):
    refused = {name: page.status_code for name, page in every_page.items() if page.status_code >= 400}
    assert refused == {"too soon": 429, "nowhere": 404, "wrong site": 400, "csrf": 403, "down": 503}
    logged = [(record.name, record.status_code) for record in caplog.get_records("setup") if "django" in record.name]
    assert logged == [("django.request", 404), ("django.security.csrf", 403), ("django.request", 503)]


def test_the_state_of_a_code_that_is_of_no_more_use_is_no_warning(visitor, caplog):
    assert visitor.get("/login/1/state/").status_code == 404
    assert caplog.records == []


def test_no_page_is_kept_put_into_a_frame_or_named_to_other_sites(every_page):
    for name, response in every_page.items():
        assert response["Cache-Control"] == "no-store", name
        assert response["X-Frame-Options"] == "DENY", name
        assert response["X-Content-Type-Options"] == "nosniff", name
        assert response["Referrer-Policy"] == "same-origin", name


def test_every_page_has_the_policy_and_nothing_in_it_that_the_policy_forbids(every_page):
    shown = {name: response for name, response in every_page.items() if "<html" in response.content.decode()}
    assert {"phone", "code", "nowhere", "csrf", "down", "wrong site", "offer", "account"} <= set(shown)
    for name, response in shown.items():
        html = response.content.decode()
        assert response["Content-Security-Policy"] == POLICY, name
        assert " style=" not in html, name
        assert "<style" not in html, name
        assert " onclick=" not in html, name
        assert "http://" not in html, name
        assert "https://" not in html, name


def test_each_has_its_status(every_page):
    statuses = {name: response.status_code for name, response in every_page.items()}
    redirects = ("begun", "more time", "in another language", "signed in", "going on", "signed out")
    assert {name for name, status in statuses.items() if status == 302} == set(redirects)
    assert {name: status for name, status in statuses.items() if status >= 400} == {
        "too soon": 429,
        "nowhere": 404,
        "wrong site": 400,
        "csrf": 403,
        "down": 503,
    }


@pytest.mark.parametrize(
    ("uri", "origin"),
    [("https://shop.example.com/back", "https://shop.example.com"), ("com.example.app:/back", "com.example.app:")],
)
def test_forms_may_lead_to_a_site_only_while_somebody_is_handed_over_to_it(visitor, uri, origin):
    query = asked_by(new_site(redirect_uris=uri))
    assert visitor.get("/login/" + query)["Content-Security-Policy"] == f"{POLICY} {origin}"
    assert visitor.ask(query=query)["Content-Security-Policy"] == f"{POLICY} {origin}"
    assert visitor.get("/login/1/")["Content-Security-Policy"] == POLICY
    assert visitor.get("/login/?next=https://evil.example/")["Content-Security-Policy"] == POLICY


def test_while_the_store_is_down_a_page_says_so_and_when_to_try_again(visitor, down):
    visitor.ask()
    for _ in range(2):
        page = visitor.get("/login/1/")
        assert (page.status_code, page["Retry-After"]) == (503, "5")
        assert "The service is not available at the moment." in text_of(page)
        assert "Try again in 5 seconds." in text_of(page)


def test_while_the_store_is_down_the_script_is_told_by_the_status(visitor, down):
    visitor.ask()
    assert visitor.get("/login/1/state/").status_code == 503


def test_a_mistake_of_the_program_is_not_taken_for_a_store_that_is_down():
    def make():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pages.respond(RequestFactory().get("/"), make)


@pytest.mark.requests
def test_a_page_that_is_not_there_is_told_in_the_persons_language(outbox):
    page = Visitor(outbox, HTTP_ACCEPT_LANGUAGE="ru").get("/nowhere/")
    assert page.status_code == 404
    assert page["Content-Language"] == "ru"
    assert '<html lang="ru">' in page.content.decode()
    assert "There is no such page." in text_of(handlers.not_found(RequestFactory().get("/"), Http404()))


def test_a_form_that_was_open_for_too_long_is_told_what_to_do(visitor):
    visitor.get()
    page = visitor.post(phone=visitor.phone, csrfmiddlewaretoken="x" * 32)
    assert page.status_code == 403
    assert "This page was open for too long, or your browser keeps no cookies." in text_of(page)
    assert "To the sign-in" in text_of(page)


# the language


@pytest.mark.requests
def test_the_page_is_in_the_language_that_the_browser_asks_for(outbox):
    page = Visitor(outbox, HTTP_ACCEPT_LANGUAGE="uz-Latn, ru;q=0.5").get()
    assert page["Content-Language"] == "uz"
    assert '<html lang="uz">' in page.content.decode()
    assert 'value="uz" lang="uz" aria-current="true">Oʻzbekcha' in page.content.decode()


def test_the_chosen_language_is_kept_and_the_page_is_the_same(visitor):
    address = "/login/?next=%2Fa&state=x"
    response = visitor.post(address, language="ru")
    assert (response.status_code, response["Location"]) == (302, address)
    cookie = visitor.client.cookies["django_language"]
    assert (cookie.value, cookie["max-age"]) == ("ru", 365 * 24 * 3600)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    assert visitor.get(address)["Content-Language"] == "ru"
    assert visitor.outbox == []


def test_the_cookie_of_the_language_is_secure_where_the_page_is(visitor):
    visitor.get(secure=True)
    visitor.post(language="uz", secure=True)
    assert visitor.client.cookies["django_language"]["secure"] is True


def test_a_language_that_we_do_not_speak_is_no_choice(visitor):
    page = visitor.post(language="tlh")
    assert page.status_code == 200
    assert "django_language" not in visitor.client.cookies


def test_choosing_a_language_does_nothing_else_even_beside_a_number(visitor):
    visitor.post(language="uz", phone=visitor.phone)
    assert visitor.outbox == []


# in development


@pytest.mark.parametrize(
    ("debug", "backends", "told"),
    [
        (True, [CONSOLE], True),
        (True, [CONSOLE, CONSOLE], True),
        (False, [CONSOLE], False),
        (True, ["otp_app.providers.memory.MemoryProvider"], False),
        (True, [CONSOLE, "otp_app.providers.twilio.TwilioProvider"], False),
        (True, ["otp_app.providers.twilio.TwilioProvider", CONSOLE], False),
    ],
)
def test_that_the_code_is_in_the_terminal_is_told_only_where_no_provider_reaches_a_phone(
    settings, debug, backends, told
):
    settings.DEBUG = debug
    settings.OTP_PROVIDERS = [{"ALIAS": str(n), "BACKEND": backend} for n, backend in enumerate(backends)]
    assert pages.codes_are_in_the_terminal() is told


@pytest.mark.parametrize("debug", [True, False])
def test_the_page_of_the_code_says_so_then(visitor, settings, capsys, debug):
    settings.DEBUG = debug
    settings.OTP_PROVIDERS = []
    page = visitor.ask()
    assert ("Development: your code is in the terminal." in text_of(page)) is debug


def test_a_page_without_errors_has_no_wait(rf):
    response = pages.respond(rf.get("/"), lambda: HttpResponse("x"))
    assert "Retry-After" not in response


def test_the_brand_is_in_the_title_and_its_logo_is_a_file_of_this_site(visitor, settings):
    settings.OTP_BRAND, settings.OTP_LOGO, settings.OTP_COLOR = "Tea & Co", "brand/logo.svg", "#aa0000"
    html = visitor.get().content.decode()
    assert "<title>Sign in · Tea &amp; Co</title>" in html
    assert '<img src="/static/brand/logo.svg" alt="Tea &amp; Co"' in html
    assert 'href="/login/brand.css?aa0000"' in html


@pytest.mark.parametrize("path", ["/account/sign-out/", "/account/continue/", "/login/1/extend/"])
def test_a_language_is_chosen_on_every_page_that_a_person_may_see(visitor, path):
    visitor.sign_in()
    response = visitor.post(path, language="ru")
    assert visitor.client.cookies["django_language"].value == "ru"
    led_to = visitor.get(response["Location"])
    assert led_to.status_code != 405
    assert (visitor.get(led_to["Location"]) if led_to.status_code == 302 else led_to)["Content-Language"] == "ru"
