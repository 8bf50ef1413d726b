"""The OpenAPI document costs little, however often it is asked for."""

import json

import pytest
from django.test import Client

from otp_project import schema
from tests.races import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(monkeypatch):
    """The calls that made a document."""
    calls = []

    class Generator(schema.SchemaGenerator):
        def get_schema(self, **options):
            calls.append(options)
            return super().get_schema(**options)

    monkeypatch.setattr(schema, "SchemaGenerator", Generator)
    schema._document.cache_clear()
    yield calls
    schema._document.cache_clear()


def ask(client, query="", **headers):
    answer = client.get(f"/api/schema/{query}", headers=headers)
    assert answer.status_code == 200
    return answer


def test_it_is_made_once_whatever_else_stands_in_the_address(client, made):
    answers = {ask(client, query).content for query in ("", "?a=1", "?version=2", "?lang=xx", "?lang=yy")}
    assert (len(answers), len(made)) == (1, 1)
    assert b"openapi: 3.1.1" in answers.pop()


def test_each_language_and_form_has_its_own(client, made):
    english, russian = (
        ask(client, accept="application/json", accept_language=language).content for language in ("en", "ru")
    )
    assert len(made) == 2
    assert english != russian
    assert json.loads(english)["paths"].keys() == json.loads(russian)["paths"].keys()
    assert ask(client, accept="application/json", accept_language="en").content == english
    assert len(made) == 2


@pytest.mark.requests
def test_of_many_who_ask_before_there_is_one_one_makes_it(made):
    assert len(set(race(lambda _: ask(Client()).content, 6))) == 1
    assert len(made) == 1


def test_who_has_it_already_gets_nothing_more(client):
    first = ask(client)
    assert first["Cache-Control"] == "private, max-age=300"
    again = client.get("/api/schema/", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_whoever_keeps_it_keeps_it_for_the_language_and_the_site_that_asked(client):
    assert {"Accept", "Accept-Language", "Cookie", "Origin"} <= set(ask(client)["Vary"].split(", "))


def test_it_does_not_describe_itself(client):
    assert "/api/schema/" not in json.loads(ask(client, accept="application/json").content)["paths"]
