"""A block that no page shows is found at start, in whichever template of the project it stands."""

import copy
from pathlib import Path

import pytest
from django.core import checks

from otp_app.checks.blocks import check_blocks

OURS = Path(__file__).resolve().parents[2] / "otp_app" / "templates" / "otp_app" / "web"
EXTENDS = '{% extends "otp_app/web/base.html" %}'


@pytest.fixture
def put(settings, tmp_path):
    """Put a template of the project's own into a folder of TEMPLATES."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path]
    settings.TEMPLATES = templates

    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


def told():
    assert {message.id for message in check_blocks()} <= {"otp_app.W016"}
    return [message.msg for message in check_blocks()]


def test_our_own_templates_are_sound():
    assert told() == []


@pytest.mark.django_db
def test_a_wrong_name_is_among_what_a_project_is_told(put):
    path = put("otp_app/web/phone.html", EXTENDS + "{% block content %}Hello{% endblock %}")
    (warning,) = [message for message in checks.run_checks() if message.id == "otp_app.W016"]
    assert warning.msg == f"{OURS}/base.html has no block 'content', so that of {path} is never shown."
    assert "docs/page.md" in warning.hint


def test_a_base_of_the_projects_own_that_lacks_what_the_pages_fill_is_told_of_once_for_each_block(put):
    base = put(
        "otp_app/web/base.html", "<title>{% block title %}{% endblock %}</title>{% block content %}{% endblock %}"
    )
    (text,) = told()
    assert text.startswith(f"{base} has no block 'main', so that of {OURS}/account.html, ")


@pytest.mark.parametrize(
    "text",
    [
        EXTENDS + "{% block main %}{% block hello %}{% endblock %}{% endblock %}",
        EXTENDS + "{% block head %}{% endblock %}{% block header %}{% endblock %}{% block footer %}{% endblock %}",
        '{% extends "otp_app/web/phone.html" %}{% block title %}{% endblock %}',  # ours of the same name
        "<html>{% block anything %}{% endblock %}</html>",  # extends nothing
        "{% extends chosen_later %}{% block anything %}{% endblock %}",
        '{% extends "no/such.html" %}{% block anything %}{% endblock %}',
        "{% block broken %}",  # which Django's own error tells
    ],
)
def test_what_may_be_seen_is_not_told_of(put, text):
    put("otp_app/web/phone.html", text)
    assert told() == []


def test_a_base_that_extends_ours_may_name_blocks_of_its_own(put):
    put("otp_app/web/base.html", EXTENDS + "{% block head %}{% block styles %}{% endblock %}{% endblock %}")
    put("otp_app/web/phone.html", EXTENDS + "{% block styles %}{% endblock %}{% block side %}{% endblock %}")
    (text,) = told()
    assert "has no block 'side'" in text


def test_within_a_block_that_is_not_shown_nothing_is(put):
    put("otp_app/web/phone.html", EXTENDS + "{% block content %}{% block inner %}{% endblock %}{% endblock %}")
    assert ["'content'" in text or "'inner'" in text for text in told()] == [True, True]


def test_a_project_without_the_page_is_not_asked(put, settings):
    settings.ROOT_URLCONF = "otp_app.urls"
    put("otp_app/web/phone.html", EXTENDS + "{% block content %}{% endblock %}")
    assert told() == []


def test_an_engine_that_is_not_djangos_is_left_alone(settings):
    other = {"BACKEND": "django.template.backends.dummy.TemplateStrings", "APP_DIRS": True, "NAME": "other"}
    settings.TEMPLATES = [*settings.TEMPLATES, other]
    assert told() == []
