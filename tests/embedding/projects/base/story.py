"""Play in a project what the life of its accounts is, and write what happened into told.json."""

import importlib
import io
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.checks import run_checks  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.urls import reverse  # noqa: E402

import otp_app  # noqa: E402
from otp_app.accounts import user_for  # noqa: E402
from otp_app.testing import outbox  # noqa: E402

from .people import Person  # noqa: E402

NUMBERS = FIRST, SECOND, GONE, *TOGETHER = [f"+99890123450{number}" for number in range(6)]
CREATED = [f"+99890123451{number}" for number in range(5)]
PROJECT = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"].partition(".")[0])
MODE = getattr(settings, "OTP_SIGN_UP", "open")
PROFILE = getattr(settings, "PROFILE", {})  # the members of a sign-up
MORE = {"profile": PROFILE} if PROFILE else {}


def main():
    told = {"app": otp_app.__file__, "django": django.get_version()}
    told["check"] = [message.id for message in run_checks() if not message.is_silenced()]
    if apps.is_installed(PROJECT.__name__):
        command("makemigrations", PROJECT.__name__)
        importlib.invalidate_caches()
    told["migrations"] = command("makemigrations", "--check", "--dry-run")
    for alias in connections:
        command("migrate", database=alias)
    getattr(PROJECT, "prepare", lambda: None)()
    accounts(told)
    told["doctor"] = command("otp_doctor")
    catch_up = getattr(PROJECT, "catch_up", lambda: None)
    catch_up()
    told["page"] = Person(FIRST).sign_in_by_page()
    told["admin"] = admin(catch_up)
    told["own"] = getattr(PROJECT, "story", dict)()
    Path("told.json").write_text(json.dumps(told, default=str))


def accounts(told):
    """Sign two people up and in again, one who is deactivated meanwhile, and one twice at the same time."""
    told["first"], told["second"] = Person(FIRST).sign_in(**MORE), Person(SECOND).sign_in(**MORE)
    told["again"] = Person(FIRST).sign_in()
    token = told["again"].get("token")
    told["me"] = Person(FIRST).get("/api/me/", token)
    told["out"] = Person(FIRST).post("/api/logout/", token)["status"]
    told["me after"] = Person(FIRST).get("/api/me/", token)["status"]
    told["gone"] = Person(GONE).sign_in(**MORE)
    people = get_user_model()._base_manager.filter(pk=told["gone"]["user"]["id"])
    people.update(is_active=False)
    told["deactivated"] = Person(GONE).sign_in(reached=MODE == "open", **MORE)
    told["users"] = get_user_model()._base_manager.using("default").count()
    told["together"] = [together(phone) for phone in TOGETHER]
    told["created"] = [created(phone) for phone in CREATED]
    told["users at last"] = get_user_model()._base_manager.using("default").count()


def together(phone):
    """Verify two codes of one phone at once, both by a first sign-in."""
    asked = [Person(phone).ask() for _ in range(2)]
    ready = threading.Barrier(len(asked))

    def verify(answer):
        ready.wait()
        try:
            return Person(phone).post("/api/verify-otp/", **answer, **MORE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asked)) as threads:
        return list(threads.map(verify, asked))


def created(phone):
    """Create the user of a phone four times at once, as when a second code is verified before the first has done so."""
    ready = threading.Barrier(4)

    def create(_number):
        request = RequestFactory(SERVER_NAME="localhost").post("/")
        ready.wait()
        try:
            return user_for(phone, request, PROFILE)[0].pk
        except Exception as error:  # noqa: BLE001  (it is told)
            return repr(error)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(ready.parties) as threads:
        return list(threads.map(create, range(ready.parties)))


def admin(catch_up):
    """Open the admin's pages of users, and return the status of each."""
    model = get_user_model()
    staff = model._default_manager.create_superuser(**settings.SUPERUSER, password="password")
    catch_up()
    client = Client(SERVER_NAME="localhost")
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    name = f"admin:{model._meta.label_lower.replace('.', '_')}"
    pages = [reverse(f"{name}_changelist"), reverse(f"{name}_add"), reverse(f"{name}_change", args=[staff.pk])]
    return {page: client.get(page).status_code for page in pages}


def command(*words, **options):
    """Run a command, and return what it prints and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command(*words, stdout=out, stderr=out, no_color=True, **options)
    except SystemExit as end:
        code = end.code
    return {"code": code, "text": out.getvalue()}


if __name__ == "__main__":
    with outbox() as Person.outbox:
        main()
