"""What the token backends of libraries lack is named."""

import pytest
from django.core import checks

from otp_app.checks import libraries
from tests.checks.found import ids

pytestmark = pytest.mark.django_db

BACKENDS = ["authtoken.AuthTokens", "knox.KnoxTokens", "simplejwt.SimpleJwtTokens"]


@pytest.fixture(params=BACKENDS)
def chosen(request, settings):
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{request.param}"
    return request.param


def without(monkeypatch, app):
    monkeypatch.setattr(libraries.apps, "is_installed", lambda name: name != app)


def test_each_of_them_is_sound_where_its_library_is_installed(chosen):
    assert ids() == []


@pytest.mark.parametrize(("backend", "app"), [(BACKENDS[0], "rest_framework.authtoken"), (BACKENDS[1], "knox")])
def test_a_library_that_is_not_in_the_project_is_named(settings, monkeypatch, backend, app):
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{backend}"
    without(monkeypatch, app)
    (error,) = libraries.check_library_tokens()
    assert error.id == "otp_app.E050"
    assert f"{app} is not in INSTALLED_APPS" in error.msg


def test_simplejwt_without_its_blacklist_is_warned_of(settings, monkeypatch):
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{BACKENDS[2]}"
    without(monkeypatch, libraries.BLACKLIST)
    assert [each.id for each in libraries.check_library_tokens()] == ["otp_app.W031"]


def test_views_in_which_staff_would_have_all_rights_are_named_unless_that_is_wanted(settings, chosen):
    settings.ROOT_URLCONF = "tests.tokens.careless"
    (warning,) = [each for each in checks.run_checks() if each.id == "otp_app.W030"]
    assert "tests.tokens.careless.By" in warning.msg
    settings.OTP_STAFF_BY_CODE = True
    assert "otp_app.W030" not in ids()


def test_other_backends_have_no_such_needs(settings):
    settings.ROOT_URLCONF = "tests.tokens.careless"
    assert "otp_app.W030" not in ids()
