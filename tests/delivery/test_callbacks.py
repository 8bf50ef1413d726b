"""The addresses to which providers send their reports."""

import pytest
from django.http import HttpResponse
from django.urls import include, path

from otp_app.delivery import callbacks

_pages = ([path("n/<value>", lambda request, value: HttpResponse(), name="notice")], "otp_web")
_routes = ([path("webhooks/<alias>/", lambda request, alias: HttpResponse(), name="webhook")], "otp_app")
urlpatterns = [path("api/", include(_routes)), path("", include(_pages))]


@pytest.fixture(autouse=True)
def served(settings):
    settings.ROOT_URLCONF = __name__
    settings.OTP_PUBLIC_URL = "https://login.example.com"


def test_the_address_is_the_public_one_with_the_path_that_the_project_serves():
    assert callbacks.url_of("eskiz") == "https://login.example.com/api/webhooks/eskiz/"
    assert callbacks.url_of("eskiz", "id=0a") == "https://login.example.com/api/webhooks/eskiz/?id=0a"


@pytest.mark.parametrize("public", ["https://example.com/login", "https://example.com/login/"])
def test_a_public_address_may_have_a_path_before_ours(settings, public):
    settings.OTP_PUBLIC_URL = public
    assert callbacks.url_of("eskiz") == "https://example.com/login/api/webhooks/eskiz/"


@pytest.mark.parametrize("public", ["", "login.example.com", "/login"])
def test_without_a_public_address_there_is_none(settings, public):
    settings.OTP_PUBLIC_URL = public
    assert callbacks.url_of("eskiz", "id=0a") == ""
    assert callbacks.link_of("0a") == ""


def test_the_link_of_a_notification_leads_to_the_pages():
    assert callbacks.link_of("0a") == "https://login.example.com/n/0a"
    assert callbacks.link_of("") == ""


def test_a_project_that_does_not_serve_our_addresses_has_none(settings):
    settings.ROOT_URLCONF = ()
    assert callbacks.url_of("eskiz") == callbacks.link_of("0a") == ""
