"""Cookies of the service: out of reach of other hosts of its domain, and of a network without TLS."""

import json

import pytest

from otp_app.models import User
from tests.programs import ROOT, run

SHOW = "import json, otp_project.settings as s; print(json.dumps([getattr(s, name, '') for name in %s]))"
NAMES = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE")


@pytest.mark.django_db
def test_in_production_no_other_host_of_the_domain_can_put_a_session_in(client):
    User.objects.create_superuser("+998901234567", "a long password")
    form = {"username": "+998901234567", "password": "a long password"}
    answer = client.post("/admin/login/", form, secure=True)
    assert set(answer.cookies) == {"__Host-sessionid", "__Host-csrftoken"}
    for cookie in answer.cookies.values():  # what browsers want of such a name
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_in_development_browsers_keep_them_without_tls():
    shown = run("-c", SHOW % (NAMES,), cwd=ROOT, ENV_FILE="/dev/null", DEBUG="1", SECRET_KEY="of the tests")
    assert json.loads(shown) == ["", "", False]  # Django's own names
