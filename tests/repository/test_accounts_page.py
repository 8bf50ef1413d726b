"""The classes of docs/accounts.md are taken from the page and do what it says."""

import json
import re
import sys
from contextlib import contextmanager
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, models

from otp_app import accounts
from otp_app.accounts import adapter
from otp_app.checks.accounts import METHODS, SIGN_UPS
from tests.factories import new_phone
from tests.programs import ROOT

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "accounts.md").read_text(encoding="utf-8")
SETTINGS, EXAMPLE, RELATED = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
(BODY,) = re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE)


class Member(AbstractBaseUser):
    username = models.CharField(max_length=150, unique=True)
    objects = models.Manager()
    USERNAME_FIELD = "username"

    class Meta:
        app_label = "tests"


class Profile(models.Model):  # noqa: DJ008  (nobody shows one)
    user = models.OneToOneField(Member, models.CASCADE, related_name="profile")
    phone = models.CharField(max_length=16, unique=True)

    class Meta:
        app_label = "tests"


class Invitation(models.Model):  # noqa: DJ008  (the same)
    phone = models.CharField(max_length=16, primary_key=True)

    class Meta:
        app_label = "tests"


@contextmanager
def tables_of(*made):
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    yield
    with connection.schema_editor() as editor:
        for model in reversed(made):
            editor.delete_model(model)


@pytest.fixture
def customers(monkeypatch):
    """Make the package of the example, with these names in its models, and code of the page as its accounts."""

    def make(code, **names):
        package, held, classes = ModuleType("customers"), ModuleType("customers.models"), ModuleType("accounts_of_page")
        vars(held).update(names)
        for module in (package, held):
            monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, "<docs/accounts.md>", "exec"), vars(classes))  # noqa: S102  (our own page)
        monkeypatch.setitem(sys.modules, "customers.accounts", classes)
        return classes

    return make


def values_of(code):
    names = {}
    exec(code, names)  # noqa: S102  (our own page)
    return {name: value for name, value in names.items() if name.isupper()}


@pytest.mark.django_db(transaction=True)
def test_the_example_invites_asks_keeps_and_shows(client, outbox, settings, customers):
    customers(EXAMPLE, Invitation=Invitation)
    for name, value in values_of(SETTINGS).items():
        setattr(settings, name, value)
    body, stranger = json.loads(BODY), new_phone()
    with tables_of(Invitation):
        Invitation.objects.create(phone=body["phone"])
        for phone in (stranger, body["phone"]):
            client.post("/api/send-otp/", {"phone": phone}, content_type="application/json")
        (message,) = outbox
        body["otp"] = message.code
        profile = body.pop("profile")
        asked = client.post("/api/verify-otp/", body, content_type="application/json").json()
        assert (asked["code"], set(asked["errors"])) == ("profile_required", {f"profile.{name}" for name in profile})
        wrong = body | {"profile": profile | {"terms": False}}
        refused = client.post("/api/verify-otp/", wrong, content_type="application/json").json()
        assert refused["errors"] == {"profile.terms": ["Without this we cannot make an account."]}
        answer = client.post("/api/verify-otp/", body | {"profile": profile}, content_type="application/json").json()
    assert (answer["user"]["is_new"], answer["user"]["full_name"]) == (True, profile["full_name"])
    assert get_user_model().objects.get().full_name == profile["full_name"]


@pytest.mark.django_db(transaction=True)
def test_a_phone_on_another_model_is_found_made_and_told(settings, customers, monkeypatch):
    for module in (adapter, sys.modules["django.contrib.auth"]):
        monkeypatch.setattr(module, "get_user_model", lambda: Member)
    customers(RELATED, Profile=Profile)
    settings.OTP_ACCOUNTS = "customers.accounts.ProfileAccounts"
    phones = [new_phone(), new_phone()]
    with tables_of(Member, Profile):
        users = [accounts.user_for(phone) for phone in phones]
        assert [is_new for _, is_new in users] == [True, True]
        assert [accounts.user_for(phone) for phone in phones] == [(user, False) for user, _ in users]
        assert [accounts.phone_of(user) for user, _ in users] == phones
        accounts.current().set_phone(users[0][0], moved := new_phone())
        assert accounts.phone_of(users[0][0]) == moved
        assert accounts.phone_of(Member.objects.create(username="staff")) == ""


def test_the_tables_are_complete():
    assert re.findall(r"(?m)^\| `([a-z_]+)(?:\(.*?\))?` \|", PAGE) == ["sign_up_serializer", *METHODS]
    assert re.findall(r'(?m)^\| `"(\w+)"`', PAGE) == list(SIGN_UPS)
