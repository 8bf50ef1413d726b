"""User models of other projects: where the checks have nothing to say people can sign up by phone, else they cannot."""

import datetime as dt
import uuid
from contextlib import contextmanager

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AbstractUser
from django.db import connection, models
from django.db.models import F, Q, UniqueConstraint
from django.db.models.functions import Lower, Now

from otp_app import accounts
from otp_app.accounts import adapter, sign_ups
from otp_app.checks import users
from otp_app.errors import UserNotCreated
from tests.factories import new_phone
from tests.things import POSTGRESQL

pytestmark = pytest.mark.django_db(transaction=True)


class Phoned(AbstractBaseUser):
    """What the models have in common."""

    phone = models.CharField(max_length=16, unique=True, null=True)  # noqa: DJ001  (several may have none)
    is_active = models.BooleanField(default=True)
    objects = models.Manager()
    USERNAME_FIELD = "phone"

    class Meta:
        abstract = True


def user_model(name, bases=(Phoned,), **members):
    options = {key: members.pop(key) for key in ("constraints", "unique_together", "proxy") if key in members}
    meta = type("Meta", (), {"app_label": "tests", **options})
    return type(name, bases, {"__module__": __name__, "Meta": meta, **members})


@contextmanager
def tables_of(*all_models):
    with connection.schema_editor() as editor:
        for model in all_models:
            editor.create_model(model)
    try:
        yield
    finally:
        with connection.schema_editor() as editor:
            for model in reversed(all_models):
                editor.delete_model(model)


class Rank(models.Model):
    class Meta:
        app_label = "tests"

    def __str__(self):
        return ""


class Slug(models.CharField):
    """As packages have it: it fills itself."""

    def pre_save(self, instance, add):
        return uuid.uuid4().hex


class Person(Phoned):
    """A parent with a table of its own."""

    class Meta:
        app_label = "tests"


def email(**how):
    return models.EmailField(**how)


def rank(**how):
    return models.ForeignKey(Rank, models.CASCADE, related_name="+", **how)


NAMELESS = {"username": None, "groups": None, "user_permissions": None}
SOUND = {
    "an e-mail address as name that may be null": {"email": email(unique=True, null=True), "USERNAME_FIELD": "email"},
    "a user name": {"username": models.CharField(max_length=150, unique=True), "USERNAME_FIELD": "username"},
    "a short user name": {"username": models.CharField(max_length=9, unique=True), "USERNAME_FIELD": "username"},
    "a user name that may be null": {
        "username": models.CharField(max_length=150, unique=True, null=True),
        "USERNAME_FIELD": "username",
    },
    "a user name that is none": {"username": models.CharField(max_length=150, unique=True, null=True)},
    "a user name beside the name": {
        "username": models.CharField(max_length=150, unique=True),
        "email": email(unique=True, null=True),
        "USERNAME_FIELD": "email",
    },
    "texts": {"first_name": models.CharField(max_length=9), "email": email()},
    "a key of its own": {"id": models.UUIDField(primary_key=True, default=uuid.uuid4)},
    "a unique default that is made": {"invite": models.UUIDField(unique=True, default=uuid.uuid4)},
    "a default of the database": {
        "seen": models.DateTimeField(db_default=Now()),
        "n": models.IntegerField(db_default=1),
    },
    "a column that is generated": {
        "shown": models.GeneratedField(
            expression=Lower("phone"), output_field=models.CharField(max_length=16), db_persist=True
        )
    },
    "dates of changes": {"made": models.DateField(auto_now_add=True), "changed": models.DateTimeField(auto_now=True)},
    "a field that fills itself": {"slug": Slug(max_length=32, unique=True)},
    "a relation that may be null": {
        "rank": rank(null=True),
        "only": models.OneToOneField(Rank, models.CASCADE, related_name="+", null=True),
    },
    "what is unique where it is there": {
        "email": email(),
        "constraints": [UniqueConstraint(fields=["email"], condition=~Q(email=""), name="sound_email")],
    },
    "what is unique together with the phone": {"email": email(), "unique_together": [("email", "phone")]},
    "an expression that may be null": {
        "email": email(null=True),
        "constraints": [UniqueConstraint(Lower("email"), name="sound_lower")],
    },
    "a parent": {"bases": (Person,), "points": models.IntegerField(default=0)},
    "a proxy": {"bases": (Person,), "proxy": True},
}
BROKEN = {
    "an e-mail address as name": (
        {"bases": (AbstractUser,), **NAMELESS, "email": email(unique=True), "USERNAME_FIELD": "email"}
        | {"phone": models.CharField(max_length=16, unique=True, null=True), "REQUIRED_FIELDS": []},
        {("email",): True},
    ),
    "a date": ({"birth_date": models.DateField()}, {("birth_date",): False}),
    "a number": ({"points": models.IntegerField(unique=True)}, {("points",): False}),
    "a choice": ({"agreed": models.BooleanField()}, {("agreed",): False}),
    "a relation": ({"rank": rank()}, {("rank",): False}),
    "one of its own": (
        {"rank": models.OneToOneField(Rank, models.CASCADE, related_name="+", primary_key=True)},
        {("rank",): False},
    ),
    "a text for a key": ({"code": models.CharField(max_length=9, primary_key=True)}, {("code",): True}),
    "one default for all": ({"points": models.IntegerField(unique=True, default=7)}, {("points",): True}),
    "one default of the database": ({"points": models.IntegerField(unique=True, db_default=7)}, {("points",): True}),
    "two texts": (
        {"a": models.CharField(max_length=9), "b": models.CharField(max_length=9), "unique_together": [("a", "b")]},
        {("a", "b"): True},
    ),
    "a constraint": (
        {"email": email(), "constraints": [UniqueConstraint(fields=["email"], name="broken_email")]},
        {("email",): True},
    ),
    "an expression": (
        {"email": email(), "constraints": [UniqueConstraint(Lower("email"), F("is_active"), name="broken_lower")]},
        {("email", "is_active"): True},
    ),
    "a day too many": (
        {"born": models.DateField(default=dt.date(2000, 1, 1)), "died": models.DateField()},
        {("died",): False},
    ),
}
if POSTGRESQL:
    one_null = UniqueConstraint(fields=["email"], nulls_distinct=False, name="broken_null")
    BROKEN["one NULL only"] = ({"email": email(null=True), "constraints": [one_null]}, {("email",): True})

MODELS = {
    what: user_model(f"Sound{number}" if what in SOUND else f"Broken{number}", **members)
    for number, (what, members) in enumerate([*SOUND.items(), *((what, each) for what, (each, _) in BROKEN.items())])
}


@pytest.fixture
def model(request, monkeypatch):
    model = MODELS[request.param]
    for module in (adapter, users):
        monkeypatch.setattr(module, "get_user_model", lambda: model)
    with tables_of(Rank, Person, *([] if model._meta.proxy else [model])):
        yield model


@pytest.mark.parametrize("model", SOUND, indirect=True)
def test_where_no_check_complains_one_after_the_other_signs_up(model):
    assert [message for message in users.check_user_model() if message.is_serious()] == []
    phones = [new_phone(), new_phone()]
    made = [accounts.user_for(phone) for phone in phones]
    assert [(adapter.phone_of(user), is_new) for user, is_new in made] == [(phone, True) for phone in phones]
    assert [accounts.user_for(phone) for phone in phones] == [(user, False) for user, _ in made]


@pytest.mark.parametrize(("model", "gaps"), [(each, BROKEN[each][1]) for each in BROKEN], indirect=["model"])
def test_what_keeps_people_from_signing_up_is_named_by_a_check_and_by_the_error(model, gaps, caplog):
    assert {gap.names: gap.repeated for gap in sign_ups.gaps(model, "phone")} == gaps
    found = {message.id: message.msg for message in users.check_user_model()}
    ((names, repeated),) = gaps.items()
    assert list(found) == ["otp_app.E015" if repeated else "otp_app.E026"]
    assert all(f"{model.__name__}.{name} " in found.popitem()[1] for name in names[-1:])
    if repeated:
        accounts.user_for(new_phone())
    phone = new_phone()
    with pytest.raises(UserNotCreated) as raised:
        accounts.user_for(phone)
    assert any(word in str(raised.value) for word in (names[0], "broken_", "_uniq", "_pk"))
    assert f"no user could be created: {raised.value}" in caplog.text
    assert phone not in caplog.text
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_user_name_that_may_be_null_and_names_nobody_stays_so():
    fields = {"phone": "+998901234567"}
    assert sign_ups.field_values(MODELS["a user name that is none"], "phone", fields["phone"], "name") == fields
    named = sign_ups.field_values(MODELS["a user name beside the name"], "phone", fields["phone"], "name")
    assert named == fields | {"username": "name"}


def test_a_name_is_as_long_as_its_field_holds():
    values = sign_ups.field_values(MODELS["a short user name"], "phone", "+998", "user-0123456789")
    assert values["username"] == "user-0123"
