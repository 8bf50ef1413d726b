"""The user of a phone, in our model and in others'."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User as DjangoUser
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models
from django.db.models import QuerySet

from otp_app import accounts
from otp_app.accounts import adapter, sign_ups
from otp_app.errors import InvalidPhone, UserNotCreated
from otp_app.models import AbstractPhoneUser, ChallengeRow, Counter, Token, UserSession
from otp_app.users import PhoneUserManager

pytestmark = pytest.mark.django_db

PHONE = "+998901234567"


def test_the_first_call_creates_and_the_second_finds():
    user, is_new = accounts.user_for(PHONE)
    again, is_new_again = accounts.user_for(PHONE)
    assert (is_new, is_new_again) == (True, False)
    assert user == again
    assert adapter.phone_of(user) == PHONE
    assert not user.has_usable_password()
    assert not user.is_staff


@pytest.fixture
def overtaken(monkeypatch):
    """Let another process create the user, given by its phone, while ours is refused."""

    def overtake(make):
        made = []

        def refuse(*how):
            made.append(make)
            raise IntegrityError

        find = adapter.find
        monkeypatch.setattr(adapter, "_create", refuse)
        monkeypatch.setattr(adapter, "find", lambda phone: find(phone) or (made[0]() if made else None))

    return overtake


def test_a_user_created_meanwhile_is_found(overtaken):
    overtaken(lambda: get_user_model().objects.create_user(PHONE))
    user, is_new = accounts.user_for(PHONE)
    assert (user.phone, is_new) == (PHONE, False)


def test_a_manager_that_hides_users_does_not_hide_them_from_us(monkeypatch):
    hidden = get_user_model().objects.create_user(PHONE, is_active=False)
    monkeypatch.setattr(PhoneUserManager, "get_queryset", lambda self: QuerySet(self.model).filter(is_active=True))
    assert not get_user_model().objects.exists()
    assert accounts.user_for(PHONE) == (hidden, False)


def test_a_phone_is_stored_in_one_form_whoever_creates_the_user():
    user = get_user_model().objects.create_user("+998 (90) 123-45-67")
    assert user.phone == PHONE
    with pytest.raises(InvalidPhone):
        get_user_model().objects.create_user("90 123 45 67")


def test_a_password_signs_in_with_any_spelling_of_the_phone():
    user = get_user_model().objects.create_superuser(PHONE, "a long password")
    assert (user.is_staff, user.is_superuser) == (True, True)
    assert authenticate(username="+998 90 123-45-67", password="a long password") == user
    assert authenticate(username="nobody", password="a long password") is None
    assert authenticate(username=None, password="a long password") is None


def test_a_form_field_gives_the_canonical_number_or_says_what_is_wrong():
    field = get_user_model()._meta.get_field("phone")
    assert field.clean("+998 90 123 45 67", None) == PHONE
    with pytest.raises(ValidationError) as raised:
        field.clean("12", None)
    assert raised.value.error_list[0].code == "invalid_phone"


def test_createsuperuser_asks_for_phone_and_password_only(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long password")
    call_command("createsuperuser", interactive=False, phone=PHONE, verbosity=0)
    assert get_user_model().objects.get().is_superuser


def test_a_user_is_shown_masked_and_named_by_his_full_name():
    user = get_user_model()(phone=PHONE, full_name="A Name")
    assert str(user) == "+998901••••••"
    assert user.get_full_name() == user.get_short_name() == "A Name"


def test_rows_show_no_secret_and_no_full_phone():
    assert str(ChallengeRow(phone=PHONE, purpose="login", status="pending")) == "login +998901•••••• pending"
    assert str(Counter(key="k")) == "k"
    assert str(Token(user_id=7)) == "7"
    assert str(UserSession(user_id=7, key="of a session")) == "7"


def test_the_abstract_user_can_be_extended():
    class Customer(AbstractPhoneUser):
        points = models.IntegerField(default=0)

        class Meta:
            app_label = "tests"

    assert Customer.USERNAME_FIELD == "phone"
    assert {"phone", "points"} <= {field.name for field in Customer._meta.get_fields()}


class TestDjangosOwnUser:
    """The phone serves as the user name, which is required and unique there."""

    @pytest.fixture(autouse=True)
    def _model(self, monkeypatch):
        monkeypatch.setattr(adapter, "get_user_model", lambda: DjangoUser)

    def test_without_a_phone_field_the_user_name_is_it(self):
        assert adapter.phone_field() == "username"
        assert sign_ups.field_values(DjangoUser, "username", PHONE, "name") == {"username": PHONE}

    def test_a_named_field_is_the_phone_and_the_user_name_is_filled_too(self, settings):
        settings.OTP_USER_PHONE_FIELD = "first_name"
        assert adapter.phone_field() == "first_name"
        values = sign_ups.field_values(DjangoUser, "first_name", PHONE, "name")
        assert values == {"first_name": PHONE, "username": "name"}
        assert adapter.phone_of(DjangoUser(first_name="")) == ""


class Named(AbstractBaseUser):
    """As many projects have it: named by a text that people choose, with a phone beside it."""

    username = models.CharField(max_length=150, unique=True)
    phone = models.CharField(max_length=16, unique=True, null=True)  # noqa: DJ001  (several may have none)
    objects = models.Manager()
    USERNAME_FIELD = "username"

    class Meta:
        app_label = "tests"


class Clean(Named):
    """Of a project whose users are looked at whenever they are saved."""

    class Meta:
        proxy = True
        app_label = "tests"

    def save(self, *args, **how):
        self.full_clean()
        super().save(*args, **how)


@pytest.fixture(params=[Named, Clean])
def named(request, monkeypatch, transactional_db):
    monkeypatch.setattr(adapter, "get_user_model", lambda: request.param)
    with connection.schema_editor() as editor:
        editor.create_model(Named)
    yield request.param
    with connection.schema_editor() as editor:
        editor.delete_model(Named)


def test_a_stranger_who_took_the_phone_for_a_user_name_keeps_nobody_out(named):
    stranger = Named.objects.create(username=PHONE)
    user, is_new = accounts.user_for(PHONE)
    assert is_new
    assert user != stranger
    assert (user.phone, user.username[:5]) == (PHONE, "user-")
    assert accounts.user_for(PHONE) == (user, False)


def test_another_phone_is_the_user_name_as_well_where_the_old_one_was(named):
    user, other = accounts.user_for(PHONE)[0], Named.objects.create(username="other", phone="+998901230000")
    adapter.set_phone(user, "+998907654321")
    adapter.set_phone(other, "+998907650000")
    user.refresh_from_db()
    other.refresh_from_db()
    assert user.username == user.phone == "+998907654321"
    assert (other.username, other.phone) == ("other", "+998907650000")


def test_another_phone_may_be_the_user_name_alone(named, settings):
    settings.OTP_USER_PHONE_FIELD = "username"
    user = Named.objects.create(username=PHONE)
    adapter.set_phone(user, "+998907654321")
    user.refresh_from_db()
    assert user.username == "+998907654321"


def test_a_stranger_who_took_the_new_phone_for_a_user_name_keeps_nobody_from_it(named):
    user, _ = accounts.user_for(PHONE)
    Named.objects.create(username="+998907654321")
    adapter.set_phone(user, "+998907654321")
    user.refresh_from_db()
    assert (user.username, user.phone) == (PHONE, "+998907654321")


def test_a_phone_that_another_user_has_is_refused(named):
    for phone in (PHONE, "+998907654321"):
        accounts.user_for(phone)
    other = Named.objects.create(username="other", phone="+998901230000")
    for user in (Named.objects.get(phone=PHONE), other):
        with pytest.raises(adapter.REFUSALS):
            adapter.set_phone(user, "+998907654321")


def test_a_user_of_the_model_who_is_created_meanwhile_is_found(named, overtaken):
    overtaken(lambda: Named.objects.create(username="other", phone=PHONE))
    user, is_new = accounts.user_for(PHONE)
    assert (user.username, is_new) == ("other", False)


@pytest.mark.parametrize("named", [Clean], indirect=True)
def test_what_a_model_says_of_a_user_it_refuses_is_logged_without_the_phone(named, monkeypatch, caplog):
    def refuse(user):
        raise ValidationError({"phone": f"{user.phone} and {user.phone[1:]} are not wanted"})

    monkeypatch.setattr(Clean, "clean", refuse)
    with pytest.raises(UserNotCreated, match=r"ValidationError: .*phone.*\+998901•••••• and 998901•••••• are"):
        accounts.user_for(PHONE)
    assert PHONE[1:] not in caplog.text


def test_a_mistake_in_the_model_is_no_answer_that_asks_to_try_again(named, client, monkeypatch, outbox):
    """Each try would be another message."""
    monkeypatch.setattr(adapter, "_create", lambda *how: Named.objects.create(username=None))
    client.raise_request_exception = False
    client.post("/api/send-otp/", {"phone": PHONE}, content_type="application/json")
    body = {"phone": PHONE, "otp": outbox[-1].code}
    response = client.post("/api/verify-otp/", body, content_type="application/json")
    assert (response.status_code, "Retry-After" in response.headers) == (500, False)


def test_a_phone_is_text_whatever_the_field_makes_of_it():
    class Number:
        def __str__(self):
            return PHONE

    assert adapter.phone_of(get_user_model()(phone=Number())) == PHONE


def test_the_migration_waits_for_the_projects_own_user_model():
    migration = import_module("otp_app.migrations.0001_initial").Migration
    assert migrations.swappable_dependency(settings.AUTH_USER_MODEL) in migration.dependencies
