"""Answers where no view has answered: problem details for programs, a page for people."""

import base64
import hashlib
import re
from types import ModuleType

import pytest
from django.http import Http404
from django.urls import include, path

from otp_app import handlers, services
from tests.factories import new_phone
from tests.web.visitor import text_of

NOWHERE = ["/api/nothing/", "/api/nothing", "/api/", "/api/send-otp/more/", "/api/docs/more"]
FAILED = {
    "en": "Something went wrong on our side. Try again in a moment.",
    "ru": "Что-то пошло не так на нашей стороне. Попробуйте ещё раз чуть позже.",
    "uz": "Bizning tomonimizda xatolik yuz berdi. Birozdan keyin yana urinib koʻring.",
}


@pytest.fixture
def broken(monkeypatch, client):
    def fail(**_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(services, "send_code", fail)
    client.raise_request_exception = False
    return client


def is_problem(response, status, code):
    told = response.json()
    assert (response.status_code, told["status"], told["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert told["type"] == f"/api/errors/#{code}"
    return told


@pytest.mark.django_db
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("address", NOWHERE)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_below_the_api_what_is_not_there_is_a_problem_in_development_too(client, settings, debug, address, method):
    settings.DEBUG = debug
    told = is_problem(getattr(client, method)(address, headers={"accept": "text/html"}), 404, "not_found")
    assert told["detail"] == "There is nothing at this address."


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "title"), [("ru", "Не найдено"), ("uz", "Topilmadi")])
def test_a_problem_is_told_in_the_language_of_the_client(client, language, title):
    assert client.get("/api/nothing/", headers={"accept-language": language}).json()["title"] == title


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/api/docs", "/api/schema"])
def test_pages_about_the_api_are_found_without_their_slash_as_before(client, address):
    assert client.get(address)["Location"] == address + "/"


@pytest.mark.django_db
@pytest.mark.parametrize("language", FAILED)
def test_a_program_is_told_of_a_failure_without_what_failed(broken, language):
    asked = {"content_type": "application/json", "headers": {"accept-language": language}}
    response = broken.post("/api/send-otp/", {"phone": new_phone()}, **asked)
    assert is_problem(response, 500, "internal_error")["detail"] == FAILED[language]
    assert "a bug" not in response.content.decode()


@pytest.mark.django_db
def test_a_request_that_never_reaches_a_view_of_the_api_is_a_problem(client, settings):
    settings.ALLOWED_HOSTS = ["login.example"]
    response = client.get("/api/docs", headers={"host": "evil.example"})
    assert is_problem(response, 400, "invalid_request")["detail"] == "The request is not of the documented form."


@pytest.mark.django_db
@pytest.mark.parametrize("language", FAILED)
def test_a_person_is_told_of_a_failure_without_what_failed(broken, language):
    response = broken.post("/login/", {"phone": new_phone()}, headers={"accept-language": language})
    assert response.status_code == 500
    assert f'<html lang="{language}">' in response.content.decode()
    assert FAILED[language] in text_of(response)
    assert "a bug" not in response.content.decode()
    assert (response["Content-Language"], response["Cache-Control"]) == (language, "no-store")


def test_to_tell_of_a_failure_no_database_session_template_or_static_file_is_needed(rf, settings):
    settings.TEMPLATES, settings.STORAGES, settings.OTP_BRAND = [], {}, "Tea <Co>"
    html = handlers.server_error(rf.get("/login/")).content.decode()
    assert "<title>This did not work · Tea &lt;Co&gt;</title>" in html
    assert FAILED["en"] in html


def test_of_the_page_of_a_failure_only_its_own_style_is_let_through(rf):
    response = handlers.server_error(rf.get("/login/"))
    style = re.search("<style>(.+)</style>", response.content.decode())[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = response["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "font:1rem" in style


def addresses(*patterns):
    module = ModuleType("addresses")
    module.urlpatterns = list(patterns)
    return module


def answers(rf, address, accept="*/*"):
    """The kind of answer that each handler gives in that project."""
    request = rf.get(address, headers={"accept": accept})
    made = [handlers.bad_request(request), handlers.not_found(request, Http404()), handlers.server_error(request)]
    return {response["Content-Type"].partition(";")[0] for response in made}


WEB = path("", include("otp_app.web.urls"))
PROBLEM, PAGE = {"application/problem+json"}, {"text/html"}


def test_a_project_has_the_api_where_it_likes(rf, settings):
    settings.ROOT_URLCONF = addresses(path("v1/phone/", include("otp_app.urls")), WEB)
    assert answers(rf, "/v1/phone/nothing/", "text/html") == PROBLEM
    assert answers(rf, "/v1/") == answers(rf, "/api/nothing/") == PAGE


def test_a_project_may_have_no_api(rf, settings):
    settings.ROOT_URLCONF = addresses(WEB)
    assert answers(rf, "/api/nothing/") == PAGE


def test_a_project_may_have_no_sign_in_page_then_none_is_pointed_to(rf, settings):
    settings.ROOT_URLCONF = addresses(path("api/", include("otp_app.urls")))
    assert answers(rf, "/nothing/") == PAGE
    assert "To the sign-in" not in text_of(handlers.not_found(rf.get("/nothing/"), Http404()))


def test_where_api_and_pages_have_one_root_a_page_is_for_who_accepts_one(rf, settings):
    settings.ROOT_URLCONF = addresses(path("", include("otp_app.urls")), WEB)
    assert answers(rf, "/nothing/") == PROBLEM
    assert answers(rf, "/nothing/", "text/html,*/*;q=0.8") == PAGE
