"""Staff sees who is signed in where, and ends it; the history of the admin tells who did."""

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone

from otp_app import tokens
from otp_app.accounts import events
from otp_app.errors import NotAuthenticated
from otp_app.models import RefreshToken, Token, User, UserSession
from tests.admin.pages import page

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def person():
    return User.objects.create_user(PHONE)


@pytest.fixture
def token(person, rf):
    return tokens.current().issue(person, rf.get("/", HTTP_USER_AGENT=FIREFOX)).token


@pytest.fixture
def browser(person):
    store = SessionStore()
    store.create()
    return UserSession.objects.create(key=store.session_key, user=person, expires_at=store.get_expiry_date())


@pytest.fixture
def refreshed(person, settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"
    return tokens.current().issue(person, None).refresh_token


def delete(client, name, row):
    return client.post(reverse(f"admin:otp_app_{name}_delete", args=[row.pk]), {"post": "yes"})


def test_the_page_of_a_user_leads_to_the_sessions_of_that_user_only(sees_all, person, token, browser):
    html = page(sees_all, "user_change", person.pk)
    for name in ("token", "usersession"):
        address = f"{reverse(f'admin:otp_app_{name}_changelist')}?user__pk__exact="
        assert f"{address}{person.pk}" in html
        assert "+998901••••••" in sees_all.get(f"{address}{person.pk}").content.decode()
        assert "+998901••••••" not in sees_all.get(f"{address}{person.pk + 999}").content.decode()
    assert "Firefox, Linux" in page(sees_all, "token_changelist")


def test_no_page_of_a_session_shows_a_phone_or_a_secret(sees_all, token, browser):
    for name, row in (("token", Token.objects.get()), ("usersession", browser)):
        for html in (page(sees_all, f"{name}_changelist"), page(sees_all, f"{name}_change", row.pk)):
            assert PHONE not in html
            assert browser.key not in html


@pytest.mark.parametrize("lookup", ["user__phone__startswith", "digest", "user__otp_tokens__digest"])
def test_no_filter_in_the_address_reveals_a_phone_or_a_digest(sees_all, token, lookup):
    assert sees_all.get(reverse("admin:otp_app_token_changelist"), {lookup: "+998"}).status_code == 400


def test_a_deleted_token_is_ended_and_the_history_tells_by_whom(sees_all, token):
    row = Token.objects.get()
    assert delete(sees_all, "token", row).status_code == 302
    assert tokens.authenticate(token) is None
    entry = LogEntry.objects.get(action_flag=DELETION)
    assert (entry.object_id, entry.user.is_superuser) == (str(row.pk), True)
    (event,) = events.of(row.user)  # for the owner, who is not told by which client of the staff
    assert (event.kind, event.client_name, event.network) == ("sessions_ended", "", "")


def test_selected_sessions_of_browsers_are_ended_for_django_too(sees_all, browser):
    data = {"action": "delete_selected", "_selected_action": [browser.pk], "post": "yes"}
    sees_all.post(reverse("admin:otp_app_usersession_changelist"), data)
    assert not SessionStore().exists(browser.key)
    assert not UserSession.objects.exists()
    assert LogEntry.objects.filter(action_flag=DELETION).count() == 1


def test_what_has_expired_is_deleted_as_well(sees_all, token):
    Token.objects.update(expires_at=timezone.now())
    delete(sees_all, "token", Token.objects.get())
    assert not Token.objects.exists()


def test_staff_without_the_permission_sees_the_lists_and_ends_nothing(sees_some, token):
    assert sees_some.get(reverse("admin:otp_app_token_changelist")).status_code == 403
    User.objects.get(is_staff=True).user_permissions.add(Permission.objects.get(codename="view_token"))
    assert "Firefox, Linux" in page(sees_some, "token_changelist")
    assert delete(sees_some, "token", Token.objects.get()).status_code == 403
    assert tokens.authenticate(token)


def test_a_session_of_a_user_without_a_phone_is_shown_by_the_users_key(sees_all, person, token):
    User.objects.filter(pk=person.pk).update(phone="")
    assert f">{person.pk}<" in page(sees_all, "token_changelist")


def test_staff_ends_the_session_of_a_refresh_token(sees_all, person, refreshed):
    address = f"{reverse('admin:otp_app_refreshtoken_changelist')}?user__pk__exact={person.pk}"
    assert address in page(sees_all, "user_change", person.pk)
    assert "+998901••••••" in sees_all.get(address).content.decode()
    delete(sees_all, "refreshtoken", RefreshToken.objects.get())
    with pytest.raises(NotAuthenticated):
        tokens.refresh(refreshed, None)
