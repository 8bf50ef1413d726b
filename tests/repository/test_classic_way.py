"""The classic way: the commands of the README in a copy of what a clone holds, with this Python as the fresh one."""

import http.cookiejar
import json
import os
import re
import select
import shutil
import stat
import subprocess
import sys
import time
import tomllib
import urllib.parse
import urllib.request

import pyotp
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.ports import free_port
from tests.programs import PATIENCE, ROOT, call, checkout, environment, rows, run, running

PHONE, PASSWORD = "+998901234567", "correct horse battery"
COMMANDS = ["migrate", "createsuperuser", "runserver"]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone after ``migrate`` and ``createsuperuser``."""
    assert re.findall(r"(?m)^python manage\.py (\w+)$", (ROOT / "README.md").read_text()) == COMMANDS
    folder = checkout(tmp_path_factory.mktemp("classic") / "clone")
    assert not (folder / ".secret_key").exists()
    assert "OK" in run("manage.py", "migrate", cwd=folder)
    superuser = {"DJANGO_SUPERUSER_PHONE": PHONE, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    run("manage.py", "createsuperuser", "--noinput", cwd=folder, **superuser)
    return folder


@pytest.fixture(scope="module")
def server(clone):
    port = free_port()
    with running("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}", cwd=clone, port=port) as program:
        yield program


def test_the_server_signs_a_user_in_with_the_code_from_its_console(server):
    phone = "+998935550011"
    sent = call(f"{server.url}/api/send-otp/", method="POST", headers=JSON, data=json.dumps({"phone": phone}))
    assert json.loads(sent.body)["message"] == "OTP sent successfully"
    code = server.wait_for(rf"sms to \{phone}:\n.*?(\d{{6}})")[1]
    body = json.dumps({"phone": phone, "otp": code})
    verified = json.loads(call(f"{server.url}/api/verify-otp/", method="POST", headers=JSON, data=body).body)
    assert verified["message"] == "OTP verified successfully"
    me = call(f"{server.url}/api/me/", headers={"Authorization": f"Bearer {verified['token']}"})
    assert json.loads(me.body)["phone"] == phone


def token_on(page):
    return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]


def test_the_superuser_enters_the_admin_by_phone_password_and_authenticator(server):
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def page(path, **form):
        data = urllib.parse.urlencode(form).encode() if form else None
        with browser.open(server.url + path, data, timeout=PATIENCE) as response:
            return response.url.removeprefix(server.url), response.read().decode()

    where, login = page("/admin/")
    assert where.startswith("/admin/login/")
    assert "Phone:" in login
    where, enrolment = page(
        where, username=PHONE, password=PASSWORD, csrfmiddlewaretoken=token_on(login), next="/admin/"
    )
    assert where.startswith("/admin/second-factor/")
    code = pyotp.TOTP(re.search(r"<code>([A-Z2-7 ]+)</code>", enrolment)[1].replace(" ", "")).now()
    assert "recovery codes" in page(where, code=code, csrfmiddlewaretoken=token_on(enrolment))[1]
    where, index = page("/admin/")
    assert where == "/admin/"
    (users,) = set(re.findall(r'href="(/admin/otp_app/user/)"', index))
    assert PHONE in page(users)[1]
    style = re.search(r'href="(/static/\S+\.css)"', index)[1]
    assert "body" in page(style)[1]


def test_createsuperuser_asks_for_a_phone_and_a_password(clone):
    ours, theirs = os.openpty()
    command = [sys.executable, "manage.py", "createsuperuser"]
    process = subprocess.Popen(
        command, cwd=clone, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    try:
        for question, answer in {"Phone: ": "+998 93 555-00-22", "Password: ": PASSWORD, "(again): ": PASSWORD}.items():
            read_until(ours, question)
            os.write(ours, answer.encode() + b"\n")
        assert "Superuser created successfully." in read_until(ours, "successfully.")
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    query = "SELECT password, is_staff, is_superuser FROM otp_app_user WHERE phone = ?"
    ((password, *rights),) = rows(clone / "db.sqlite3", query, "+998935550022")
    assert PBKDF2PasswordHasher().verify(PASSWORD, password)
    assert rights == [1, 1]


def read_until(terminal, text):
    """What a program writes to its terminal up to this text."""
    seen, end = "", time.monotonic() + PATIENCE
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        assert ready, seen
        seen += os.read(terminal, 4096).decode()
    return seen


def test_the_models_have_all_their_migrations(clone):
    assert "No changes detected" in run("manage.py", "makemigrations", "--check", cwd=clone)


def test_the_secret_is_made_once_and_is_nobody_elses(clone):
    secret = clone / ".secret_key"
    before = secret.read_text()
    assert len(before) >= 50
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    show = "from otp_project.settings import SECRET_KEY; print(SECRET_KEY)"
    assert run("-c", show, cwd=clone, DEBUG="1").strip() == before
    assert secret.read_text() == before


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_sees_nothing_of_what_the_commands_have_made(clone):
    made = {".secret_key", "db.sqlite3"}
    assert made <= {path.name for path in clone.iterdir()}
    subprocess.run(["git", "init", "--quiet"], cwd=clone, env=environment(), check=True)
    seen = subprocess.run(
        ["git", "-c", "core.excludesFile=/dev/null", "ls-files", "--others", "--exclude-standard"],
        cwd=clone,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert [name for name in seen if not (ROOT / name).is_file()] == []
    assert not made & set(seen)


# What pip installs


def locked():
    """Name: the entries of uv.lock; more than one where the Python version decides."""
    packages = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]:
        packages.setdefault(package["name"], []).append(package)
    return packages


def needed_by_the_service(packages):
    """The names that otp-app with the extra ``service`` pulls in, and what these pull in."""
    (ours,) = packages["otp-app"]
    found, todo = set(), [*ours["dependencies"], *ours["optional-dependencies"]["service"]]
    while todo:
        dependency = todo.pop()
        wanted = (dependency["name"], *dependency.get("extra", ()))
        if wanted in found:
            continue
        found.add(wanted)
        for package in packages[dependency["name"]]:
            todo += package.get("dependencies", ())
            for extra in dependency.get("extra", ()):
                todo += package["optional-dependencies"][extra]
    return {name for name, *_ in found}


def test_requirements_are_what_is_locked_for_the_service():
    packages = locked()
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", text)
    names = needed_by_the_service(packages)
    assert sorted(required) == sorted((name, package["version"]) for name in names for package in packages[name])
    hashes = set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", text))
    assert hashes <= {file["hash"] for name in names for package in packages[name] for file in archives(package)}


def archives(package):
    return [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]


def test_the_lock_names_no_other_index():
    text = (ROOT / "uv.lock").read_text(encoding="utf-8") + (ROOT / "requirements.txt").read_text(encoding="utf-8")
    hosts = set(re.findall(r"[a-z+]+://([^/\"\s]+)", text))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
    assert "--index-url" not in text
