"""docs/tokens.md: its settings, answers, claims, views and commands do what the page says."""

import io
import json
import re

import pytest
import requests
from django.core.management import call_command
from django.test import override_settings
from django.urls import include, path
from joserfc.errors import JoseError

from otp_app import tokens
from otp_app.conf import Conf
from otp_app.tokens import access_tokens
from tests.factories import new_phone
from tests.programs import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "tokens.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE)


FRESH, SETTINGS, URLS, SERVICE, VIEWS = blocks("python")
(ANSWER,) = blocks("http")
PAIR, CLAIMS, BODY = map(json.loads, blocks("json"))
(_, ROTATE), (LISTED,) = blocks("sh"), blocks("text")


def names_of(code, **names):
    exec(compile(code, "<docs/tokens.md>", "exec"), names)  # noqa: S102  (our own page)
    return names


urlpatterns = [path("api/", include("otp_app.urls"))]
names_of(URLS, urlpatterns=urlpatterns)


@pytest.fixture(autouse=True)
def _set(settings):
    for name, value in names_of(SETTINGS).items():
        if name.isupper():
            setattr(settings, name, value)
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def phone():
    return new_phone()


@pytest.fixture
def signed_in(client, outbox, phone):
    client.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
    body = {"phone": phone, "otp": outbox[-1].code}
    return client.post("/api/verify-otp/", body, content_type="application/json").json()


def test_the_answers_have_the_members_and_the_forms_of_the_page(client, signed_in):
    body = dict.fromkeys(BODY, signed_in["refresh_token"])
    refreshed = client.post("/api/token/refresh/", body, content_type="application/json").json()
    assert set(refreshed) == set(PAIR) == set(signed_in) & set(PAIR)
    for name, shown in PAIR.items():
        assert str(refreshed[name])[:4] == str(shown)[:4]


def test_the_claims_are_those_of_the_page(signed_in):
    claims = access_tokens.claims_of(signed_in["token"])
    assert {name: type(value) for name, value in claims.items()} == {
        name: type(value) for name, value in CLAIMS.items()
    }
    assert claims["iss"] == CLAIMS["iss"]
    assert claims["exp"] - claims["iat"] == CLAIMS["exp"] - CLAIMS["iat"] == PAIR["expires_in"]


def test_the_service_of_the_page_knows_the_user_by_the_published_keys(client, signed_in, monkeypatch):
    service = names_of(SERVICE)
    fetched = []

    def fetch(address, **_):
        fetched.append(address)
        return client.get("/" + address.split("/", 3)[3])

    monkeypatch.setattr(requests, "get", fetch)
    assert service["user_of"](signed_in["token"]) == str(signed_in["user"]["id"])
    assert fetched == [service["KEYS"]]
    with pytest.raises(JoseError):
        service["user_of"](signed_in["token"][:-8] + "AAAAAAAA")


def test_the_views_of_the_page_differ_as_it_says(rf, signed_in, django_user_model, django_assert_num_queries):
    views = names_of(VIEWS, __name__="docs")
    user = django_user_model.objects.get()
    request = rf.get("/", headers={"authorization": f"Bearer {signed_in['token']}"})
    sid = access_tokens.claims_of(signed_in["token"])["sid"]
    for name, queries in (("BasketView", 0), ("PayView", 1)):
        with django_assert_num_queries(queries):
            assert views[name].as_view()(request).data == {"owner": user.pk}
    assert views["is_signed_in"](sid)
    tokens.revoke_all(user)
    assert not views["is_signed_in"](sid)
    assert [views[name].as_view()(request).status_code for name in ("BasketView", "PayView")] == [200, 401]


def test_the_views_of_the_page_want_a_fresh_sign_in_and_answer_as_it_shows(rf, signed_in, clock, django_user_model):
    views, user = names_of(FRESH, __name__="docs"), django_user_model.objects.get()
    request = rf.get("/", headers={"authorization": f"Bearer {signed_in['token']}"})
    at = views["SalaryView"].as_view()(request).data["signed_in"]
    assert at.timestamp() == access_tokens.claims_of(signed_in["token"])["auth_time"]
    request.user = user
    assert views["salary"](request).status_code == 200
    clock.advance(301)
    head, _, body = ANSWER.partition("\n\n")
    for refused in (views["SalaryView"].as_view()(request), views["salary"](request)):
        assert f"HTTP/1.1 {refused.status_code} {refused.reason_phrase}" == head.splitlines()[0]
        assert f"WWW-Authenticate: {refused['WWW-Authenticate']}" == head.splitlines()[1]
    shown = {name: value for name, value in json.loads(body).items() if name != "…"}
    assert shown.items() <= json.loads(refused.content).items()


def test_the_command_of_the_page_prints_what_it_shows(signed_in):
    out = io.StringIO()
    call_command(*ROTATE.split()[2:], stdout=out)
    forms = [re.sub(r"[\w-]{43}|[\d:-]+(?= )", "x", text) for text in (out.getvalue(), LISTED)]
    assert forms[0] == forms[1]


def test_the_numbers_of_the_page_are_those_in_force():
    days = 24 * 3600
    assert (30 * days, 14 * days, 365 * days) == (Conf.TOKEN_TTL, Conf.TOKEN_IDLE, Conf.TOKEN_RENEWED_FOR)
    assert (600, 30, days) == (Conf.JWT_TTL, Conf.REFRESH_GRACE, Conf.JWT_KEY_LEAD)
