"""The admin of users: phones are masked for staff who may not see them."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from otp_app.accounts import Accounts, confirmations, events, second_phones
from otp_app.challenges import codes, random_id
from otp_app.errors import PhoneTaken
from otp_app.flows import number_changes
from otp_app.flows import second_phones as second_flow
from otp_app.models import User
from otp_app.users import lost_phone
from tests.admin.pages import page
from tests.factories import new_phone
from tests.races import race

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"


@pytest.fixture
def person():
    return User.objects.create_user(PHONE, full_name="Some Person")


def test_who_may_see_phones_reads_and_searches_them(sees_all, person):
    assert PHONE in page(sees_all, "user_changelist")
    assert PHONE in page(sees_all, "user_changelist", q="1234567")
    assert PHONE not in page(sees_all, "user_changelist", q="7654321")
    assert PHONE in page(sees_all, "user_change", person.pk)


def test_who_may_not_sees_a_mask_in_the_list_and_on_the_page(sees_some, person):
    for html in (page(sees_some, "user_changelist"), page(sees_some, "user_change", person.pk)):
        assert PHONE not in html
        assert "+998901••••••" in html
        assert "Some Person" in html


def test_who_may_not_finds_a_phone_only_by_all_of_it(sees_some, person):
    assert "Some Person" in page(sees_some, "user_changelist", q=PHONE)
    assert "Some Person" not in page(sees_some, "user_changelist", q="1234567")


def test_who_may_not_see_phones_changes_a_name_and_leaves_the_phone(sees_some, person):
    data = {"full_name": "Another Name", "language": "", "is_active": "on"}
    response = sees_some.post(reverse("admin:otp_app_user_change", args=[person.pk]), data)
    assert response.status_code == 302
    person.refresh_from_db()
    assert (person.full_name, person.phone) == ("Another Name", PHONE)


def test_who_has_lost_a_phone_is_edited_without_one_and_gets_another(
    sees_all, person, django_capture_on_commit_callbacks, monkeypatch
):
    told = []
    monkeypatch.setattr(Accounts, "changed", lambda self, user, old, new: told.append((old, new)))
    lost = lost_phone()
    User.objects.filter(pk=person.pk).update(phone=lost)
    address = reverse("admin:otp_app_user_change", args=[person.pk])
    for phone in (lost, "+998907654321"):
        data = {"phone": phone, "full_name": "Another Name", "language": "", "is_active": "on"}
        with django_capture_on_commit_callbacks(execute=True):
            assert sees_all.post(address, data).status_code == 302
        assert User.objects.get(pk=person.pk).phone == phone
    assert told == [("", "+998907654321")]


ADDED = {"phone": "+998 90 765-43-21", "usable_password": "false", "password1": "", "password2": ""}
CHANGED = {"phone": "+998 90 765-43-21", "full_name": "Some Person", "language": "", "is_active": "on"}


def confirmed(user, by):
    begun = confirmations.begin(user, "payment", "{}", random_id(), by)
    return confirmations.confirm(confirmations.open_for(user, begun))


@pytest.mark.parametrize(("name", "data"), [("user_add", ADDED), ("user_change", CHANGED)])
def test_a_number_that_staff_give_to_somebody_is_nobodys_second_one_any_more(sees_all, person, settings, name, data):
    settings.OTP_POLICIES = {"payment": {}}
    others = [User.objects.create_user(new_phone()) for _ in range(2)]
    for each, phone in zip((person, *others), ("+998907654321", "+998907654321", kept := new_phone()), strict=True):
        second_phones.keep(each, phone, random_id(), None)
    value = confirmed(others[0], by="second_phone")
    args = [person.pk] if name == "user_change" else []
    assert sees_all.post(reverse(f"admin:otp_app_{name}", args=args), data).status_code == 302
    assert [second_phones.of(each) for each in (person, *others)] == ["", "", kept]
    assert not confirmations.use(others[0], "payment", value)
    assert [event.kind for event in events.of(others[0])] == ["second_phone_removed", "second_phone_added"]
    assert [event.kind for event in events.of(others[1])] == ["second_phone_added"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", range(3))
def test_a_proof_of_it_as_a_second_number_at_the_same_time_leaves_it_to_whom_staff_gave_it(
    sees_all, person, settings, times
):
    settings.OTP_WAITS = ()
    other = User.objects.create_user(new_phone())
    sent = number_changes.send_to(user=other, phone="+998907654321", second=True).challenge
    answer = {"user": other, "challenge_id": sent.id, "code": codes.code_for(sent)}
    address = reverse("admin:otp_app_user_change", args=[person.pk])
    calls = (lambda: sees_all.post(address, CHANGED).status_code, lambda: second_flow.verify(**answer))
    given, proven = race(lambda number: calls[number](), 2)
    assert given == 302
    assert proven == "+998907654321" or isinstance(proven, PhoneTaken)
    assert not second_phones.of(other)


def test_staff_add_a_user_by_any_spelling_of_the_phone(sees_all):
    response = sees_all.post(reverse("admin:otp_app_user_add"), ADDED)
    assert response.status_code == 302
    assert not User.objects.get(phone="+998907654321").has_usable_password()


def test_a_phone_that_is_none_is_refused_with_the_reason(sees_all):
    data = {"phone": "90 123", "usable_password": "false", "password1": "", "password2": ""}
    response = sees_all.post(reverse("admin:otp_app_user_add"), data)
    assert "country code" in response.content.decode()


def test_the_password_sign_in_takes_phone_and_password(client):
    User.objects.create_superuser(PHONE, "a long password")
    data = {"username": "+998 90 123 45 67", "password": "a long password"}
    assert client.post(reverse("admin:login"), data).status_code == 302


@pytest.mark.parametrize("lookup", ["phone__startswith", "phone__gt", "phone__regex", "phone"])
def test_who_may_not_see_phones_cannot_read_them_by_filters_in_the_address(sees_some, person, lookup):
    response = sees_some.get(reverse("admin:otp_app_user_changelist"), {lookup: "+998"})
    assert response.status_code == 400 or "Some Person" not in response.content.decode()


def test_who_may_see_phones_may_filter_by_them(sees_all, person):
    assert "Some Person" in page(sees_all, "user_changelist", phone__startswith="+99890123")


def test_who_may_not_see_phones_cannot_sort_by_them(sees_some, person):
    assert "sortable column-masked_phone" not in page(sees_some, "user_changelist")


def test_the_page_of_the_password_is_titled_by_the_phone_and_closed_to_who_may_not_see_it(sees_some, person):
    assert sees_some.get(reverse("admin:auth_user_password_change", args=[person.pk])).status_code == 403


def test_the_page_of_the_password_is_open_to_who_may(sees_all, person):
    assert sees_all.get(reverse("admin:auth_user_password_change", args=[person.pk])).status_code == 200


def test_the_accounts_are_told_of_a_phone_that_staff_change_once_it_is_committed(
    sees_all, person, monkeypatch, django_capture_on_commit_callbacks
):
    told = []
    monkeypatch.setattr(Accounts, "changed", lambda self, user, old, new: told.append((user, old, new)))
    for expected in ([(person, PHONE, "+998907654321")], []):
        told.clear()
        with django_capture_on_commit_callbacks(execute=True):
            response = sees_all.post(reverse("admin:otp_app_user_change", args=[person.pk]), CHANGED)
            assert (response.status_code, told) == (302, [])
        assert told == expected


@pytest.fixture
def sees_phones(sees_some):
    """Staff who may change and delete users, and see their phones."""
    staff = User.objects.get(is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="see_phones"))
    return sees_some


@pytest.mark.parametrize("traits", [{"is_staff": True}, {"is_superuser": True}])
def test_staff_who_are_no_superusers_look_at_accounts_of_staff_and_change_nothing(sees_phones, traits):
    other = User.objects.create_user(PHONE, "x", **traits)
    assert PHONE in page(sees_phones, "user_change", other.pk)
    data = {"phone": "+998907654321", "full_name": "", "language": ""}
    for address in ("otp_app_user_change", "auth_user_password_change", "otp_app_user_delete"):
        assert sees_phones.post(reverse(f"admin:{address}", args=[other.pk]), data).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"}
    sees_phones.post(reverse("admin:otp_app_user_changelist"), chosen)
    other.refresh_from_db()
    assert (other.phone, other.check_password("x")) == (PHONE, True)


def test_staff_who_are_no_superusers_give_nobody_rights(sees_phones, person):
    data = {"phone": PHONE, "full_name": "Another Name", "language": "", "is_active": "on"}
    rights = {"is_staff": "on", "is_superuser": "on", "user_permissions": [Permission.objects.first().pk]}
    response = sees_phones.post(reverse("admin:otp_app_user_change", args=[person.pk]), data | rights)
    assert response.status_code == 302
    person.refresh_from_db()
    assert (person.full_name, person.is_staff, person.is_superuser) == ("Another Name", False, False)
    assert not person.user_permissions.exists()


def test_superusers_do_both(sees_all):
    other = User.objects.create_user(PHONE, is_staff=True)
    data = {"phone": PHONE, "full_name": "Another Name", "language": "", "is_active": "on", "is_superuser": "on"}
    assert sees_all.post(reverse("admin:otp_app_user_change", args=[other.pk]), data).status_code == 302
    other.refresh_from_db()
    assert (other.full_name, other.is_superuser) == ("Another Name", True)
