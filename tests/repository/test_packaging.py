"""The app in other people's projects: the wheel is built, installed beside nothing of ours, and signs a user in."""

import base64
import json
import re
import sysconfig
import threading
import zipfile
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from trove_classifiers import classifiers

from tests.ports import free_port
from tests.programs import ROOT, build_wheel, call, rows, run, running
from tools.metadata import absolute

PHONE = "+998901234567"
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
    "TWILIO_AUTH_TOKEN": "a made up token",
    "TWILIO_PHONE_NUMBER": "+15005550006",
}
APPS = ["auth", "contenttypes", "sessions", "messages", "staticfiles"]
# As little as a project can have, and none of OTP_*.
SETTINGS = """
SECRET_KEY = {secret!r}
DEBUG = True
INSTALLED_APPS = {apps}
ROOT_URLCONF = "shop.urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "static/"
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("api/", include("otp_app.urls"))]
"""
OWN_USER = """
from django.contrib.auth.models import AbstractUser
from django.db import models


class Customer(AbstractUser):
    mobile = models.CharField(max_length=16, unique=True, null=True)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of a new environment with the wheel. What that needs is borrowed from ours, so no network is used."""
    folder = tmp_path_factory.mktemp("environment")
    run("-m", "venv", str(folder), cwd=folder)
    fresh = str(folder / "bin" / "python")
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", str(wheel))
    run(*pip, cwd=folder, python=fresh, PIP_CONFIG_FILE="/dev/null", PIP_DISABLE_PIP_VERSION_CHECK="1")
    where = run("-c", "import otp_app; print(otp_app.__file__)", cwd=folder, python=fresh)
    assert Path(where.strip()).is_relative_to(packages)
    return fresh


class Twilio:
    """Answers as Twilio's Messages API does, and keeps what it was asked."""

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.requests = []


@pytest.fixture
def twilio():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            account.requests.append((self.path, self.headers["Authorization"], form))
            message = {"sid": "SM" + 32 * "0", "status": "queued", "num_segments": "1", "error_code": None}
            body = json.dumps(message).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        account = Twilio(server)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield account
        server.shutdown()
        thread.join()


class Project:
    """A project of somebody who has installed the wheel."""

    def __init__(self, folder, python):
        self.folder, self._python = folder, python
        self.settings, self.urls = folder / "shop" / "settings.py", folder / "shop" / "urls.py"
        run("-m", "django", "startproject", "shop", ".", cwd=folder, python=python)

    def configure(self, apps, urls=URLS, **values):
        lines = [f"{name} = {value!r}" for name, value in values.items()]
        self.settings.write_text(SETTINGS.format(secret="x" * 60, apps=apps) + "\n".join(lines) + "\n")
        self.urls.write_text(urls)

    def manage(self, *command):
        return run("manage.py", *command, cwd=self.folder, python=self._python)

    def test(self):
        options = ("-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir=.", "--ds=shop.settings")
        return run("-m", "pytest", *options, cwd=self.folder, python=self._python, PYTHONPATH=".")

    @contextmanager
    def served(self):
        port = free_port()
        command = ("manage.py", "runserver", "--noreload", f"127.0.0.1:{port}")
        with running(*command, cwd=self.folder, python=self._python, port=port) as program:
            yield program.url


@pytest.fixture
def project(tmp_path, python):
    return Project(tmp_path, python)


def post(url, **body):
    answer = call(url, method="POST", headers={"Content-Type": "application/json"}, data=json.dumps(body))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def sign_in(url, twilio):
    """Sign in over HTTP with the code that Twilio was given; who the token then says one is."""
    post(f"{url}/api/send-otp/", phone=PHONE)
    (path, authorization, form) = twilio.requests.pop()
    assert path == f"/2010-04-01/Accounts/{TWILIO['TWILIO_ACCOUNT_SID']}/Messages.json"
    account = f"{TWILIO['TWILIO_ACCOUNT_SID']}:{TWILIO['TWILIO_AUTH_TOKEN']}".encode()
    assert authorization == "Basic " + base64.b64encode(account).decode()
    assert (form["To"], form["From"]) == ([PHONE], [TWILIO["TWILIO_PHONE_NUMBER"]])
    code = re.search(r"\d{6}", form["Body"][0])[0]
    verified = post(f"{url}/api/verify-otp/", phone=PHONE, otp=code)
    me = json.loads(call(f"{url}/api/me/", headers={"Authorization": f"Bearer {verified['token']}"}).body)
    assert (me["id"], me["phone"]) == (verified["user"]["id"], PHONE)
    return verified["user"]


def test_the_wheel_holds_the_app_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"otp_app"}
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "otp_app").rglob("*") if path.is_file()}
    assert {name for name in names if ".dist-info/" not in name} == {name for name in ours if "__pycache__" not in name}
    assert names >= {
        "otp_app/py.typed",
        "otp_app/templates/otp_app/sms.txt",
        "otp_app/templates/otp_app/web/code.html",
        "otp_app/static/otp_app/signin.js",
        "otp_app/migrations/0001_initial.py",
        "otp_app/stores/redis/lua/open.lua",
        *(f"otp_app/locale/{language}/LC_MESSAGES/django.mo" for language in ("en", "ru", "uz")),
    }
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    needed = re.findall(r"(?m)^Requires-Dist: ([a-z0-9]+)[^;\n]*$", metadata)
    assert sorted(needed) == [
        "altcha",
        "django",
        "djangorestframework",
        "phonenumbers",
        "requests",
        "urllib3",
    ]


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name), policy=default)


def test_an_index_can_follow_every_link_of_the_description(metadata):
    text = metadata.get_content()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "## Put it into your own project" in text
    assert [
        link for link in re.findall(r"\]\(([^)]*)\)", text) if not link.startswith(("https://", "http://", "#"))
    ] == []


def test_an_index_knows_every_classifier_and_the_metadata_say_what_is_tested(metadata):
    said = metadata.get_all("Classifier")
    assert set(said) <= set(classifiers)
    assert {f"Framework :: Django :: {version}" for version in ("5.2", "6.0", "6.1")} <= set(said)
    assert "Typing :: Typed" in said
    assert metadata["License-Expression"] == "MIT"


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("", "See the page, [here](#there) and [far](https://example.com/a)."),
        (
            "https://example.com/us/it",
            "![A picture](https://example.com/us/it/raw/HEAD/docs/a.png)See "
            "[the page](https://example.com/us/it/blob/HEAD/docs/a.md), [here](#there) and [far](https://example.com/a).",
        ),
    ],
)
def test_relative_links_lead_to_the_repository_or_are_only_words(source, made):
    readme = "![A picture](docs/a.png)See [the page](docs/a.md), [here](#there) and [far](https://example.com/a)."
    assert absolute(readme, source) == made


def test_no_page_and_no_message_installs_what_is_in_no_index_yet():
    texts = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("otp_*/**/*.py")]
    assert [
        path for path in texts if re.search(r"pip install [\"']?otp[-_]app", path.read_text(encoding="utf-8"))
    ] == []


def test_an_empty_project_with_three_values_signs_users_in(project, twilio):
    apps = [f"django.contrib.{app}" for app in APPS] + ["rest_framework", "otp_app"]
    project.configure(apps, **TWILIO, TWILIO_API_BASE_URL=twilio.url)
    said = project.manage("check")
    assert "otp_app.W001" in said  # no countries are named
    assert "otp_app.W002" in said  # phones are kept in the user names
    assert "No changes detected" in project.manage("makemigrations", "--check")
    project.manage("migrate")
    with project.served() as url:
        assert sign_in(url, twilio) == {"id": 1, "phone": PHONE, "is_new": True}
        assert sign_in(url, twilio) == {"id": 1, "phone": PHONE, "is_new": False}
    assert rows(project.folder / "db.sqlite3", "SELECT username FROM auth_user") == [(PHONE,)]


def test_a_project_keeps_its_own_user_model(project, twilio):
    apps = [f"django.contrib.{app}" for app in APPS] + ["rest_framework", "otp_app", "customers"]
    (project.folder / "customers").mkdir()
    (project.folder / "customers" / "models.py").write_text(OWN_USER)
    own = {"AUTH_USER_MODEL": "customers.Customer", "OTP_USER_PHONE_FIELD": "mobile", "OTP_ALLOWED_REGIONS": ["UZ"]}
    project.configure(apps, **own, **TWILIO, TWILIO_API_BASE_URL=twilio.url)
    said = project.manage("makemigrations", "customers")
    assert "System check" not in said  # it speaks up only when there is something to say
    assert "otp_app" not in said
    assert project.manage("makemigrations", "--check") == "No changes detected\n"
    project.manage("migrate")
    with project.served() as url:
        assert sign_in(url, twilio) == {"id": 1, "phone": PHONE, "is_new": True}
    assert rows(project.folder / "db.sqlite3", "SELECT mobile FROM customers_customer") == [(PHONE,)]


def test_the_lines_of_the_readme_are_enough(project, twilio):
    python = re.findall(r"(?ms)^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"))
    (settings,) = [block for block in python if "INSTALLED_APPS" in block]
    (urls,) = [block for block in python if "urlpatterns" in block]
    assert len((settings + urls).splitlines()) == 6
    for placeholder, value in zip(('"AC…"', '"…"', '"+1…"'), TWILIO.values(), strict=True):
        settings = settings.replace(placeholder, repr(value))
    with project.settings.open("a") as file:
        file.write(f"{settings}\nTWILIO_API_BASE_URL = {twilio.url!r}\n")
    with project.urls.open("a") as file:
        file.write(f"from django.urls import include\n{urls}")
    assert project.manage("makemigrations", "--check") == "No changes detected\n"  # and no check has a word to say
    project.manage("migrate")
    with project.served() as url:
        assert sign_in(url, twilio) == {"id": 1, "phone": PHONE, "is_new": True}


TESTED = """
from otp_app.testing import ADMIN


def test_the_admin(admin_client, admin_user, django_user_model):
    page = admin_client.get("/admin/otp_app/user/")
    assert (page.status_code, ADMIN in page.text) == (200, True)
    assert list(django_user_model.objects.all()) == [admin_user]


def test_the_password(client, admin_user):
    assert client.login(username=ADMIN, password="password")
"""


def test_a_project_tests_itself_with_what_the_readme_names(project):
    python = re.findall(r"(?ms)^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"))
    settings, urls, imports, sign_in = (
        next(block for block in python if word in block)
        for word in ("INSTALLED_APPS", "urlpatterns", "otp_app.testing", "def test_sign_in")
    )
    with project.settings.open("a") as file:
        file.write(settings)
    with project.urls.open("a") as file:
        file.write(f"from django.urls import include\n{urls}")
    (project.folder / "conftest.py").write_text(f"{imports}from otp_app.testing import admin_user\n")
    (project.folder / "test_shop.py").write_text(TESTED + sign_in)
    assert "3 passed" in project.test()


DEFECTS = {
    "TellsTheCode": ("raise refusal(reply.status)", "raise refusal(reply.status, message.code)"),
    "TakesEveryReplyForAYes": ('if reply.ok and isinstance(reply.data, dict) and "id" in reply.data:', "if True:"),
    "AsksTwice": ("        raise refusal", '        self._http.post("/messages", json={})\n        raise refusal'),
    "LogsTheText": ("        if reply.ok", "        __import__('logging').warning(message.body)\n        if reply.ok"),
}


@pytest.fixture(scope="module")
def page():
    """The files that docs/testing.md shows."""
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    return dict(re.findall(r"(?ms)^`(\w+\.py)`:\n\n```python\n(.*?)^```$", text))


def test_every_block_of_the_page_of_testing_passes_in_a_project(project, page):
    own = """
INSTALLED_APPS += ["rest_framework", "otp_app"]
AUTH_USER_MODEL = "otp_app.User"
OTP_ALLOWED_REGIONS = ["UZ", "KZ"]
DATABASES["default"]["TEST"] = {"NAME": "test.sqlite3"}
"""
    with project.settings.open("a") as file:
        file.write(own)
    with project.urls.open("a") as file:
        file.write('from django.urls import include\nurlpatterns.append(path("api/", include("otp_app.urls")))\n')
    for name, text in page.items():
        (project.folder / name).write_text(text)
    said = project.test()
    for name in ("test_sign_in.py", "test_courier.py", "test_ours.py"):
        assert re.search(rf"{name} [.s]", said), said  # in whatever order: of its tests the first may be a skipped one
    assert "Ran 3 tests" in project.manage("test", "tests")


@pytest.fixture(scope="module")
def judged(page, python, tmp_path_factory):
    """What the contract says of each defective provider."""
    folder = tmp_path_factory.mktemp("defects")
    for name, (right, wrong) in DEFECTS.items():
        assert right in page["courier.py"]
        (folder / f"{name.lower()}.py").write_text(page["courier.py"].replace(right, wrong))
        text = (
            page["test_courier.py"]
            .replace("from courier", f"from {name.lower()}")
            .replace("TestCourier", f"Test{name}")
        )
        (folder / f"test_{name.lower()}.py").write_text(text)
    options = ("-p", "no:cacheprovider", "-p", "no:django", "-c", "/dev/null", "--rootdir=.", "-q", "--tb=no")
    return run("-m", "pytest", *options, cwd=folder, python=python, status=1, PYTHONPATH=".")


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("TellsTheCode", "test_a_lost_reply_is_unknown"),
        ("TakesEveryReplyForAYes", "test_a_lost_reply_is_unknown[answer2]"),
        ("AsksTwice", "test_it_is_asked_once_whatever_comes"),
        ("LogsTheText", "test_nothing_of_the_message_is_logged"),
    ],
)
def test_a_defective_provider_fails_the_contract_outside_of_the_project(judged, name, test):
    assert re.search(rf"FAILED \S+::Test{name}::{re.escape(test)}", judged)
