"""Where a person goes after signing in, and where an attacker cannot send them."""

from urllib.parse import urlencode

import pytest
from django.urls import reverse

from otp_app.errors import InvalidAuthorization
from otp_app.web import destinations
from tests.factories import new_phone
from tests.sites import BACK, answer_in, asked_by, new_site
from tests.web.visitor import text_of

pytestmark = pytest.mark.django_db


def destination(rf, query="", *, secure=False, **given):
    return destinations.from_request(rf.get(f"/login/{query}", given or None, secure=secure))


@pytest.mark.parametrize(
    "wanted", ["/a", "/a?b=c&d=%2F", "/a#b", "a/b", "?a=b", "http://testserver/a", "https://testserver/a"]
)
def test_next_leads_anywhere_on_our_own_host(rf, wanted):
    assert destination(rf, next=wanted).page == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example",
        "https:evil.example",
        "http:///evil.example",
        "https://testserver.evil.example",
        "https://testserver@evil.example",
        "https://testserver:8443/",
        "javascript:alert(1)",
        "JaVaScRiPt://testserver/%0aalert(1)",
        "data:text/html,x",
        "ftp://testserver/",
        "\\\\evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\x00//evil.example",
        " //evil.example",
        "",
    ],
)
def test_an_open_redirect_through_next_leads_to_the_account(rf, wanted):
    found = destination(rf, next=wanted)
    assert found.page == "/account/"
    assert found.address(None) == "/account/"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_an_open_redirect_fails_at_the_end_of_the_road_too(visitor, wanted):
    visitor.get()
    page = visitor.post("/login/?next=" + wanted, phone=visitor.phone)
    assert visitor.post(page["Location"], code=visitor.outbox[-1].code)["Location"] == "/account/"
    assert visitor.post("/account/continue/?next=" + wanted)["Location"] == "/account/"


def test_from_a_page_over_tls_next_leads_to_no_page_without(rf):
    assert destination(rf, next="http://testserver/a", secure=True).page == "/account/"
    assert destination(rf, next="https://testserver/a", secure=True).page == "https://testserver/a"


def test_next_leads_to_another_host_only_if_the_project_says_so(rf, settings):
    assert destination(rf, next="https://shop.example.com/a").page == "/account/"
    settings.OTP_NEXT_HOSTS = ["shop.example.com"]
    assert destination(rf, next="https://shop.example.com/a").page == "https://shop.example.com/a"
    assert destination(rf, next="https://www.shop.example.com/a").page == "/account/"


def test_without_next_it_is_the_projects_own_page_if_it_has_chosen_one(rf, settings):
    assert destination(rf).page == "/account/"
    settings.LOGIN_REDIRECT_URL = "/home/"
    assert destination(rf).page == "/home/"
    settings.LOGIN_REDIRECT_URL = "otp_app:me"
    assert destination(rf).page == "/api/me/"


def test_a_line_break_in_next_makes_no_header(visitor):
    visitor.sign_in()
    response = visitor.post("/account/continue/?next=/a%0d%0aSet-Cookie:%20a=b")
    assert response["Location"] == "/a%0D%0ASet-Cookie:%20a=b"
    assert "a" not in response.cookies


def test_each_step_is_told_what_the_first_one_was_and_nothing_else(rf):
    query = destination(rf, next="/a?b=ц", surprise="1", state="x").query
    assert query == "?next=%2Fa%3Fb%3D%D1%86&state=x"
    assert destination(rf, surprise="1").query == ""


@pytest.mark.parametrize(
    ("page", "origin"),
    [("/a", ""), ("https://shop.example.com:8443/a", "https://shop.example.com:8443"), ("http://testserver/", None)],
)
def test_a_form_may_lead_to_the_host_of_next(rf, settings, page, origin):
    settings.OTP_NEXT_HOSTS = ["shop.example.com:8443"]
    assert destination(rf, next=page).origin == (page.rstrip("/") if origin is None else origin)


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        (BACK, "https://shop.example.com"),
        ("http://127.0.0.1:5000/back", "http://127.0.0.1:5000"),
        ("com.example.app:/back", "com.example.app:"),
    ],
)
def test_in_a_hand_over_it_may_lead_to_the_site_or_the_scheme_of_the_app(rf, uri, origin):
    site = new_site(redirect_uris=uri)
    found = destination(rf, asked_by(site))
    assert found.origin == origin
    assert found.authorization.redirect_uri == uri


def test_the_method_may_be_left_out_for_there_is_only_one(rf):
    assert destination(rf, asked_by(new_site(), code_challenge_method=None)).authorization


def test_the_parameter_that_is_wrong_is_named(rf):
    site = new_site()
    for name in ("client", "redirect_uri", "code_challenge"):
        with pytest.raises(InvalidAuthorization) as refused:
            destination(rf, asked_by(site, **{name: "x"}))
        assert refused.value.parameter == name
    for name in ("redirect_uri", "code_challenge"):
        with pytest.raises(InvalidAuthorization) as refused:
            destination(rf, asked_by(site, **{name: None}))
        assert refused.value.parameter == name


def test_without_a_client_no_site_has_asked(rf):
    assert destination(rf, asked_by(new_site(), client=None)).authorization is None


@pytest.mark.parametrize("step", ["/login/", "/login/1/", "/login/1/send/", "/account/continue/"])
@pytest.mark.parametrize("wrong", ["https://evil.example/", BACK + "/", BACK + "?a", "http://shop.example.com/back"])
def test_a_hand_over_never_leads_to_an_address_that_nobody_registered(visitor, step, wrong):
    query = asked_by(new_site())
    visitor.ask(query=query)
    if "continue" in step:
        visitor.enter(query=query)
    response = visitor.post(step + asked_by(new_site(), redirect_uri=wrong), phone=visitor.phone, code="123456")
    assert response.status_code == 400
    assert "Location" not in response
    assert "not registered: redirect_uri" in text_of(response)
    assert response["Content-Security-Policy"].rpartition("; ")[2] == "form-action 'self'"


def test_a_site_gets_a_code_and_its_state_back(visitor):
    response = visitor.sign_in(query=asked_by(new_site(), state="a&b=ц #"))
    assert response["Location"].startswith(f"{BACK}?code=")
    answer = answer_in(response["Location"])
    assert answer["state"] == "a&b=ц #"
    assert set(answer) == {"code", "state"}


def test_an_app_is_led_to_by_its_own_scheme(visitor):
    site = new_site(redirect_uris="com.example.app:/back")
    assert visitor.sign_in(query=asked_by(site))["Location"].startswith("com.example.app:/back?code=")


def test_the_pages_name_the_site(visitor):
    page = visitor.get("/login/" + asked_by(new_site(name="Tea & Co")))
    assert "Sign in to Tea & Co" in text_of(page)


def test_a_password_is_no_proof_of_the_phone_for_a_hand_over(visitor, django_user_model):
    query = asked_by(new_site())
    visitor.client.force_login(django_user_model.objects.create_user(visitor.phone))
    assert "Phone number" in text_of(visitor.get("/login/" + query))
    response = visitor.post("/account/continue/" + query)
    assert response["Location"] == reverse("otp_web:phone") + query
    assert visitor.sign_in(query=query)["Location"].startswith(BACK)


def test_a_session_begun_by_a_code_is_proof_enough_until_the_account_has_another_number(visitor, django_user_model):
    query = asked_by(new_site())
    visitor.sign_in()
    assert "You are signed in as" in text_of(visitor.get("/login/" + query))
    assert visitor.post("/account/continue/" + query)["Location"].startswith(f"{BACK}?code=")
    django_user_model.objects.update(phone="+998900000077")
    assert visitor.post("/account/continue/" + query)["Location"] == "/login/" + query


@pytest.mark.parametrize(
    ("wanted", "origin"),
    [("//shop.example.com/x", "shop.example.com"), ("https://shop.example.com/x", "https://shop.example.com")],
)
def test_a_form_may_lead_to_an_allowed_host_however_it_is_spelled(visitor, settings, wanted, origin):
    settings.OTP_NEXT_HOSTS = ["shop.example.com"]
    policy = visitor.get(f"/login/?{urlencode({'next': wanted})}")["Content-Security-Policy"]
    assert policy.endswith(f"form-action 'self' {origin}")


def test_an_address_that_is_too_long_to_go_to_is_passed_over_before_anything_is_sent(visitor):
    query = f"?{urlencode({'next': '/' + 3000 * 'x'})}"
    assert visitor.post("/login/" + query, phone=visitor.phone)["Location"] == "/login/1/"
    assert visitor.enter(query=f"?{urlencode({'next': '/' + 1500 * 'ў'})}")["Location"] == "/account/"


def test_a_state_that_is_too_long_as_it_stands_in_an_address_is_refused_before_anything_is_sent(visitor, outbox):
    query = asked_by(new_site(), state=300 * "😀")
    assert visitor.post("/login/" + query, phone=new_phone()).status_code == 400
    assert not outbox
