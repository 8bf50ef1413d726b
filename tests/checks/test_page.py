"""Nonsense in the settings of the page is refused at start, where there is a page."""

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.core import checks

from otp_app.checks.page import check_cookies, check_page, check_tls

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"


def told():
    return [(message.id, message.msg) for message in check_page()]


def test_the_suites_own_settings_are_sound():
    assert told() == []


@pytest.mark.django_db
def test_the_check_is_among_those_of_the_project(settings):
    settings.OTP_COLOR = "red"
    assert "otp_app.E024" in [message.id for message in checks.run_checks()]


@pytest.mark.parametrize("color", ["red", "", "#123", None])
def test_a_colour_that_is_none_is_refused(settings, color):
    settings.OTP_COLOR = color
    assert told() == [("otp_app.E024", f"OTP_COLOR is {color!r}; it must be of the form #1f5fd6.")]


@pytest.mark.parametrize("logo", ["https://cdn.example.com/logo.svg", "//cdn.example.com/logo.svg", "/logo.svg"])
def test_a_logo_from_elsewhere_is_refused_for_the_page_would_not_load_it(settings, logo):
    settings.OTP_LOGO = logo
    ((name, text),) = told()
    assert name == "otp_app.E024"
    assert text.startswith("OTP_LOGO must be the path of a static file")


def test_a_logo_of_the_projects_own_is_taken(settings):
    settings.OTP_LOGO = "brand/logo.svg"
    assert told() == []


@pytest.mark.parametrize("missing", [SESSIONS, USERS])
def test_what_the_page_needs_of_the_project_is_named(settings, missing):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != missing]
    assert told() == [("otp_app.E025", f"The hosted page needs {missing}.")]


def test_without_static_files_it_would_have_no_style(settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "static" not in name]
    assert told() == [("otp_app.E025", "The hosted page needs django.contrib.staticfiles.")]


@pytest.mark.parametrize(
    "templates",
    [
        [],
        [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": False}],
        [{"BACKEND": "django.template.backends.dummy.TemplateStrings", "APP_DIRS": True}],
    ],
)
def test_without_templates_of_apps_it_could_not_be_shown(settings, templates):
    settings.TEMPLATES = templates
    assert told() == [("otp_app.E025", "The hosted page needs TEMPLATES with APP_DIRS.")]


def test_in_production_a_project_that_is_told_of_no_tls_hears_what_happens_behind_a_proxy(settings):
    ((name, text),) = [(message.id, message.msg) for message in check_tls()]
    assert (name, "every form of the page is refused" in text) == ("otp_app.W010", True)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert check_tls() == []


def test_a_project_without_the_page_has_no_forms_to_be_refused(settings):
    settings.ROOT_URLCONF = "otp_app.urls"
    assert check_tls() == []


@pytest.mark.parametrize("addresses", ["otp_app.urls", "no.such.module"])
def test_a_project_without_the_page_is_asked_for_nothing(settings, addresses):
    settings.ROOT_URLCONF = addresses
    settings.OTP_COLOR, settings.MIDDLEWARE, settings.TEMPLATES = "red", [], []
    assert told() == []


def test_a_project_without_addresses_is_checked_all_the_same(settings):
    del settings.ROOT_URLCONF
    assert told() == []


class OwnSessions(SessionMiddleware):
    """As some projects have."""


def own(get_response):
    """A middleware that is a function."""
    return get_response


def test_a_middleware_that_is_made_of_djangos_does_as_well(settings):
    others = [name for name in settings.MIDDLEWARE if name != SESSIONS]
    settings.MIDDLEWARE = [f"{__name__}.own", f"{__name__}.OwnSessions", *others]
    assert told() == []


def test_static_files_on_another_host_are_told_of(settings):
    settings.STATIC_URL = "https://cdn.example.com/static/"
    ((_, text),) = told()
    assert text == "The hosted page needs a STATIC_URL on its own host: it loads nothing from another."


def test_cookies_that_another_host_of_the_domain_could_set_are_told_before_a_deployment(settings):
    assert check_cookies() == []
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "sessionid", "csrftoken"
    (warning,) = check_cookies()
    assert (warning.id, "__Host-" in warning.hint) == ("otp_app.W006", True)
    assert "SESSION_COOKIE_NAME and CSRF_COOKIE_NAME" in warning.msg
    assert warning in checks.run_checks(include_deployment_checks=True)
    assert warning not in checks.run_checks()


def test_of_cookies_that_there_are_not_no_check_tells(settings):
    settings.CSRF_COOKIE_NAME, settings.CSRF_USE_SESSIONS = "csrftoken", True
    assert check_cookies() == []
    settings.SESSION_COOKIE_NAME = "sessionid"
    (warning,) = check_cookies()
    assert "CSRF" not in warning.msg
    del settings.ROOT_URLCONF
    assert check_cookies() == []
