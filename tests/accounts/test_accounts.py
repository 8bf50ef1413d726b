"""The class that OTP_ACCOUNTS names: what it leaves as it is, and what it does in its own way."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections

from otp_app import accounts, services
from otp_app.errors import UserNotCreated
from tests import members
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_default_is_one_for_the_process_and_leaves_everything_as_it_is():
    assert type(accounts.current()) is accounts.Accounts
    assert accounts.current() is accounts.current()
    assert all(map(accounts.is_default, ("find", "may_sign_up", "create", "phone_of", "set_phone", "shown", "changed")))


def test_the_default_shows_nothing_and_does_nothing_after_a_change():
    user = get_user_model().objects.create_user(new_phone())
    assert accounts.current().shown(user) == {}
    assert accounts.current().changed(user, "+1", user.phone) is None


def test_a_subclass_says_what_the_phone_of_a_user_is(settings):
    settings.OTP_ACCOUNTS = members.path(members.ByHost)
    assert accounts.phone_of(get_user_model()(phone="+1", full_name="+998901234567")) == "+998901234567"


def test_one_number_is_a_user_of_each_host(settings, rf, outbox):
    settings.OTP_ACCOUNTS = members.path(members.ByHost)
    settings.OTP_WAITS = ()
    settings.ALLOWED_HOSTS = ["*"]
    phone, users = new_phone(), {}
    for host in ("one.example", "two.example", "one.example", "two.example"):
        services.send_code(phone=phone)
        request = rf.get("/", headers={"host": host})
        done = services.sign_in(phone=phone, code=outbox[-1].code, request=request)
        assert done.is_new is (host not in users)
        assert users.setdefault(host, done.user) == done.user
    assert users["one.example"] != users["two.example"]


@pytest.mark.parametrize("cls", [accounts.Accounts, members.Asking, members.Own])
def test_two_first_sign_ins_at_once_give_one_user_whatever_the_class(settings, cls):
    settings.OTP_ACCOUNTS = members.path(cls) if cls is not accounts.Accounts else "otp_app.accounts.Accounts"
    phone = new_phone()
    results = race(lambda _: accounts.user_for(phone), 12)
    assert len({user.pk for user, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1
    assert get_user_model().objects.count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite refuses a write after a read")
@pytest.mark.parametrize("cls", [members.Slow, members.Looking])
def test_a_class_that_reads_before_it_writes_waits_for_its_turn_at_a_file(settings, monkeypatch, cls):
    # As a project has it that says nothing else: a transaction takes the lock of the file when it first writes.
    monkeypatch.setitem(connections.settings["default"]["OPTIONS"], "transaction_mode", "DEFERRED")
    settings.OTP_ACCOUNTS = members.path(cls)
    phone = new_phone()
    results = race(lambda _: accounts.user_for(phone), 4)
    assert len({user.pk for user, _ in results}) == 1
    assert get_user_model().objects.count() == 1


def test_what_create_did_before_it_was_refused_is_undone(settings):
    settings.OTP_ACCOUNTS = members.path(members.Refusing)
    with pytest.raises(UserNotCreated):
        accounts.user_for(new_phone())
    assert not get_user_model().objects.exists()


def test_no_member_of_a_sign_up_is_the_phone():
    phone = new_phone()
    user, _ = accounts.user_for(phone, profile={"phone": "+998909999999", "full_name": "A Name"})
    assert (user.phone, user.full_name) == (phone, "A Name")
