"""The class and the answers of docs/personal-data.md do what the page says."""

import json
import re
import sys
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.test.utils import override_settings

from otp_app import accounts, person, tokens
from otp_app.accounts import events
from otp_app.conf import plugin
from otp_app.errors import ErasureRefused
from tests.factories import new_phone
from tests.programs import ROOT

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
CHANGE, DELETED, EVENTS = map(json.loads, re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE))


class Invoices(list):
    """Stand for the rows of a table: a model here would hold the users of all other tests."""

    @property
    def objects(self):
        return self

    def filter(self, **wanted):
        return Invoices(row for row in self if all(row[name] == value for name, value in wanted.items()))

    def exists(self):
        return bool(self)

    def values(self, *names):
        return [{name: row[name] for name in names} for row in self]


@pytest.fixture
def user():
    return get_user_model().objects.create_user(new_phone(), full_name="Aziza")


@pytest.fixture
def invoices(monkeypatch):
    """Put the class of the page into force; return the invoices that it sees."""
    rows, package, models = Invoices(), ModuleType("customers"), ModuleType("customers.models")
    models.Invoice = rows
    for module in (package, models):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    classes = ModuleType("customers.accounts")
    exec(compile(EXAMPLE, "<docs/personal-data.md>", "exec"), vars(classes))  # noqa: S102  (our own page)
    monkeypatch.setitem(sys.modules, "customers.accounts", classes)
    plugin.cache_clear()  # it keeps the class of the test before
    with override_settings(OTP_ACCOUNTS="customers.accounts.ShopAccounts"):
        yield rows


def test_a_customer_without_invoices_is_deleted(invoices, user):
    person.erase(user=user)
    assert not get_user_model().objects.exists()


def test_with_an_open_invoice_the_customer_stays_whole(invoices, user):
    invoices.append({"customer": user, "number": 7, "paid": False})
    with pytest.raises(ErasureRefused) as refused:
        person.erase(user=user)
    assert refused.value.detail == "Please pay your open invoices first."
    user.refresh_from_db()
    assert (user.full_name, user.is_active) == ("Aziza", True)


@pytest.mark.requests
def test_a_customer_whose_invoices_must_stay_is_nobody_afterwards_and_the_number_begins_anew(client, invoices, user):
    phone, token = user.phone, tokens.current().issue(user, None).token
    events.record(user, events.Kind.NEW_DEVICE)
    invoices.append({"customer": user, "number": 7, "paid": True})
    assert person.copy_of(user)["project"] == {"invoices": [{"number": 7, "paid": True}]}
    person.erase(user=user)
    left = get_user_model().objects.get()
    assert (left.pk, left.phone, left.full_name, left.is_active) == (user.pk, f"-{user.pk}", "", False)
    assert client.get("/api/me/", headers={"authorization": f"Bearer {token}"}).status_code == 401
    assert not events.of(user)
    assert accounts.user_for(phone)[1] is True


@pytest.mark.requests
def test_the_answers_are_those_of_the_page(client, user, outbox):
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}

    def ask(method, path, body=None, **headers):
        call = getattr(client, method)
        return call(f"/api/{path}/", body, content_type="application/json", headers=bearer | headers).json()

    assert ask("patch", "me", CHANGE) == {"id": user.pk, "phone": user.phone, **CHANGE}
    events.record(user, events.Kind.NEW_DEVICE)
    (event,), (shown,) = ask("get", "me/events")["events"], EVENTS["events"]
    assert event.keys() == shown.keys()
    assert (event["kind"], event["text"]) == (shown["kind"], shown["text"])
    challenge = ask("post", "confirm", {"purpose": "delete_account"})["challenge_id"]
    assert "delete your account" in outbox[-1].body
    value = ask("post", "confirm/verify", {"challenge_id": challenge, "otp": outbox[-1].code})["confirmation"]
    assert ask("delete", "me", **{"otp-confirmation": value}) == DELETED
