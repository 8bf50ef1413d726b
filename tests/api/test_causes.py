"""The page of errors, to which the ``type`` of each problem leads."""

import re

import pytest
from django.urls import clear_script_prefix, include, path, set_script_prefix

from otp_app.api import problems
from otp_app.api.causes import CAUSES, entries
from otp_app.errors import NotAuthenticated, OtpError


def type_of(code):
    error = problems.TooLarge()
    error.code = code
    return problems.body(error)["type"]


def test_every_code_has_a_cause_and_a_cure_in_whole_sentences_and_nothing_else_has():
    assert set(CAUSES) == set(problems.TITLES)
    assert all(len(texts) == 2 and all(re.fullmatch("[A-Z].*[.]", text) for text in texts) for texts in CAUSES.values())


def test_a_code_without_cause_and_cure_is_no_entry(monkeypatch):
    monkeypatch.delitem(CAUSES, "limited")
    with pytest.raises(KeyError, match="limited"):
        entries()


def test_the_type_of_every_problem_leads_to_its_cause_and_cure(client):
    for entry in entries():
        address, _, code = type_of(entry.code).partition("#")
        page = client.get(address)
        assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
        section = page.content.decode().partition(f'<h2 id="{code}">')[2].partition("<h2")[0]
        assert code == entry.code
        assert all(text in section for text in (str(entry.status), entry.title, entry.cause, entry.cure))


def test_an_entry_has_the_status_that_is_sent():
    classes = [*OtpError.__subclasses__(), *NotAuthenticated.__subclasses__()]
    sent = {error.code: error.status for error in classes if error.__module__.startswith("otp_app.")}
    assert {entry.code: entry.status for entry in entries()} == sent


def test_the_page_is_open_to_all_and_loads_and_runs_nothing(client):
    page = client.get("/api/errors", headers={"Authorization": "Bearer wrong"})
    assert page.status_code == 200
    assert page["Content-Security-Policy"] == "default-src 'none'"
    assert not re.findall("src=|href=|<script|<style", page.content.decode())


@pytest.mark.django_db
def test_the_page_takes_no_other_method(client):
    assert client.post("/api/errors/").json()["code"] == "method_not_allowed"


def test_the_page_is_in_english_whatever_language_is_asked_for(client):
    page = client.get("/api/errors/", headers={"Accept-Language": "ru"})
    assert "503 Message not sent" in page.content.decode()


def test_the_type_is_below_the_address_of_the_api_and_of_the_service(settings):
    assert type_of("limited") == "/api/errors/#limited"
    settings.ROOT_URLCONF = (path("phones/v1/", include("otp_app.urls")),)
    assert type_of("limited") == "/phones/v1/errors/#limited"
    settings.ROOT_URLCONF = (path("phones/v1/", include("otp_app.urls")),)
    set_script_prefix("/sign-in/")
    try:
        assert type_of("limited") == "/sign-in/phones/v1/errors/#limited"
    finally:
        clear_script_prefix()


def test_where_the_api_has_no_address_the_type_is_a_name(settings):
    settings.ROOT_URLCONF = ()
    assert type_of("limited") == "urn:otp-app:problem:limited"


def test_the_address_is_looked_up_once(monkeypatch):
    type_of("limited")
    monkeypatch.setattr(problems, "reverse", None)
    assert type_of("unavailable") == "/api/errors/#unavailable"
