"""What the pages for those who come from elsewhere say is true: their commands run, their settings can be read."""

import io
import shlex

import pytest
from django.core.management import call_command
from django.db.models import Value
from django.utils.module_loading import import_string

from otp_app.models import User
from tests.programs import ROOT
from tests.repository.test_readme import blocks

PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "coming-from").glob("*.md")}
BEFORE, AFTER = "90 123 45 67", "+998901234567"
# What the tools of the others write, whose commands are not run.
WRITTEN = {
    "firebase auth:export users.json": '{"users": [\n{"localId": "a", "phoneNumber": "+998911234567"}]}',
    "psql mydatabase": "phone\n+998911234567\n",
    'psql "$SUPABASE_URL"': "phone,phone_confirmed_at,banned_until,deleted_at\n998911234567,2026-01-02 03:04:05+00,,\n",
}


def commands(page):
    """The lines of the shell on a page."""
    return [line for language, text in blocks(PAGES[page]) if language == "sh" for line in text.splitlines()]


def run(line, folder):
    if not line.startswith("python manage.py "):
        (text,) = [text for start, text in WRITTEN.items() if line.startswith(start)]
        (folder / ("users.json" if "users.json" in line else "users.csv")).write_text(text)
        return ""
    out = io.StringIO()
    call_command(*shlex.split(line)[2:], stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.django_db
def test_its_commands_do_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    user = User.objects.create(phone=AFTER)
    User.objects.update(phone=Value(BEFORE))
    for line in commands(page):
        told, stored = run(line, tmp_path), set(User.objects.values_list("phone", flat=True))
        assert "--apply" in line or "Nothing was written" in told or not told, line
        if "--apply" in line and "otp_phones" in line:
            assert stored == {AFTER}
        if "--apply" in line and "otp_import" in line:
            assert "1 user created" in told
            User.objects.exclude(pk=user.pk).delete()
    assert commands(page)


@pytest.mark.parametrize("page", PAGES)
def test_its_settings_can_be_read_and_what_they_name_is_there(page):
    names = {"INSTALLED_APPS": [], "REST_FRAMEWORK": {}}
    for language, content in blocks(PAGES[page]):
        if language == "python":
            exec(content, names)  # noqa: S102  (it is ours)
    for path in names["REST_FRAMEWORK"].get("DEFAULT_AUTHENTICATION_CLASSES", []):
        if path.startswith("otp_app."):
            assert import_string(path)


def test_each_page_can_be_reached_from_both_readmes():
    for name in ("README.md", "README.uz.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert all(f"docs/coming-from/{page}.md" in text for page in PAGES)
