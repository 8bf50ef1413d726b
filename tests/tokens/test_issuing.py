"""Who signs in gets one token: by the statement that finds the user where the database can do that, else by its own."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection, models
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from otp_app import services, tokens
from otp_app.accounts import adapter
from otp_app.conf import conf
from otp_app.db import writes
from otp_app.errors import InvalidOrExpiredCode
from otp_app.models import RefreshToken, Token, User
from otp_app.phones import as_phone
from otp_app.tokens import access_tokens
from otp_app.tokens.jwt import JwtTokens
from otp_app.tokens.opaque import OpaqueTokens
from otp_app.tokens.session import SessionTokens
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)

POSTGRESQL = connection.vendor == "postgresql"
combines = pytest.mark.skipif(not POSTGRESQL, reason="SQLite writes in no statement that reads")


class Timeless(AbstractBaseUser):
    """As AbstractBaseUser leaves it: its users are active, and no column says so."""

    phone = models.CharField(max_length=16, unique=True)
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


class Since(AbstractBaseUser):
    """Its column says since when."""

    phone = models.CharField(max_length=16, unique=True)
    is_active = models.CharField(max_length=16)
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


class Apart:
    """Sends tokens to another database than users."""

    def db_for_write(self, model, **_):
        return "elsewhere" if model is Token else None


@pytest.fixture
def able(monkeypatch):
    """A database that can, as far as anybody asks."""
    monkeypatch.setattr(writes, "may_combine", lambda alias: True)


@pytest.fixture
def sign_in(outbox):
    def sign_in(phone, code=None, **how):
        services.send_code(phone=phone)
        return services.sign_in(phone=phone, code=code or outbox[-1].code, **how)

    return sign_in


def holder(rf, issued):
    return OpaqueTokens().authenticate(rf.get("/", headers={"authorization": f"Bearer {issued.token}"}))


def found(phone, issuing=None):
    issuing = issuing or OpaqueTokens().issuing()
    return adapter.find_and_sign_in(phone, issuing.model, issuing.row)


# the backends


@pytest.mark.parametrize("backend", [OpaqueTokens(), JwtTokens(), SessionTokens()])
def test_a_backend_that_cannot_says_so_before_it_has_done_anything(backend):
    assert (backend.issuing() is None) is isinstance(backend, SessionTokens)
    assert not Token.objects.exists()
    assert not RefreshToken.objects.exists()


@combines
def test_the_session_of_a_jwt_is_written_with_who_is_found_and_its_token_names_that_user(rf):
    user = User.objects.create_user(new_phone())
    request = rf.get("/", headers={"user-agent": "Bazaar"})
    with CaptureQueriesContext(connection) as made:
        found, is_new, issued = tokens.sign_in(as_phone(user.phone), JwtTokens(), request, {})
    assert (found, is_new) == (user, False)
    assert len([query for query in made if RefreshToken._meta.db_table in query["sql"]]) == 1
    row = RefreshToken.objects.get()
    assert (row.user, row.client_name, row.public_id) == (user, "Bazaar", issued.session)
    claims = access_tokens.claims_of(issued.token)
    assert (claims["sub"], claims["sid"]) == (str(user.pk), issued.session)
    assert claims["auth_time"] == int(row.began_at.timestamp())
    assert JwtTokens().refresh(issued.refresh_token, None).session == issued.session


@combines
def test_who_is_found_with_a_token_holds_it(rf):
    user = User.objects.create_user(new_phone())
    issuing = OpaqueTokens().issuing()
    assert found(user.phone, issuing) == user
    assert holder(rf, issuing.issued) == user
    assert issuing.issued.expires_in == conf.TOKEN_TTL
    row, by_itself = Token.objects.get(), OpaqueTokens().issue(user, None)
    other = Token.objects.exclude(pk=row.pk).get()
    assert row.expires_at - row.used_at == other.expires_at - other.used_at
    assert by_itself.token != issuing.issued.token


@combines
def test_who_is_not_active_or_not_known_has_no_token():
    user = User.objects.create_user(new_phone(), is_active=False)
    for phone, expected in ((user.phone, user), (new_phone(), None)):
        assert found(phone) == expected
    assert not Token.objects.exists()


@pytest.mark.parametrize("model", [Timeless, Since])
def test_a_model_of_which_the_database_does_not_know_who_is_active_is_not_asked(
    able, monkeypatch, model, django_assert_num_queries
):
    monkeypatch.setattr(adapter, "get_user_model", lambda: model)
    with django_assert_num_queries(0):
        assert found(new_phone()) is None


def test_tokens_that_are_in_another_database_are_issued_there(able, settings, django_assert_num_queries):
    user = User.objects.create_user(new_phone())
    settings.DATABASE_ROUTERS = [Apart()]
    with django_assert_num_queries(0):
        assert found(user.phone) is None


def test_a_database_that_cannot_is_not_asked(monkeypatch, django_assert_num_queries):
    user = User.objects.create_user(new_phone())
    monkeypatch.setattr(writes, "may_combine", lambda alias: False)
    with django_assert_num_queries(0):
        assert found(user.phone) is None


# signing in


def test_somebody_known_gets_one_token_by_the_statement_that_finds_him(sign_in, rf):
    phone = new_phone()
    user = User.objects.create_user(phone)
    with CaptureQueriesContext(connection) as made:
        done = sign_in(phone)
    asked = [query["sql"] for query in made if Token._meta.db_table in query["sql"]]
    assert (len(asked), "found" in asked[0]) == (1, POSTGRESQL)
    assert (done.user, done.is_new, holder(rf, done.issued)) == (user, False, user)
    assert Token.objects.count() == 1


def test_somebody_new_gets_one_token_too(sign_in, rf):
    done = sign_in(new_phone())
    assert (done.is_new, holder(rf, done.issued)) == (True, done.user)
    assert Token.objects.count() == 1


def test_somebody_whom_another_process_creates_meanwhile_gets_one_token_too(sign_in, rf, monkeypatch):
    phone = new_phone()
    monkeypatch.setattr("otp_app.accounts.find_and_sign_in", lambda phone, *_: User.objects.create_user(phone) and None)
    done = sign_in(phone)
    assert (done.is_new, holder(rf, done.issued)) == (False, done.user)
    assert Token.objects.count() == 1


def test_somebody_who_was_deactivated_gets_none_and_is_told_what_a_wrong_code_is_told(sign_in):
    phone = new_phone()
    User.objects.create_user(phone, is_active=False)
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(phone)
    assert not Token.objects.exists()


def test_the_holder_of_a_test_number_gets_one_unless_he_is_staff(sign_in, rf, settings):
    phone, staff = new_phone(), new_phone()
    settings.OTP_TEST_NUMBERS = {phone: {"code": "246810"}, staff: {"code": "246810"}}
    User.objects.create_user(staff, is_staff=True)
    done = sign_in(phone, "246810")
    assert (done.is_new, holder(rf, done.issued)) == (True, done.user)
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(staff, "246810")
    assert [row.user for row in Token.objects.all()] == [done.user]


def test_staff_sign_in_by_a_code_that_nobody_knows(sign_in, rf):
    user = User.objects.create_user(new_phone(), is_staff=True)
    assert holder(rf, sign_in(user.phone).issued) == user


def test_a_session_is_begun_with_the_user_that_was_found(sign_in, rf):
    user, request = User.objects.create_user(new_phone()), rf.get("/")
    request.session = SessionStore()
    done = sign_in(user.phone, backend=SessionTokens(), request=request)
    assert (done.user, SessionTokens().authenticate(request)) == (user, user)
    assert not Token.objects.exists()


class Legacy(AbstractBaseUser):
    """Of a project whose table and columns have names of their own."""

    phone = models.CharField(max_length=16, unique=True, db_column="PhoneNo")
    is_active = models.BooleanField(default=True, db_column="isActive")
    last_login = models.DateTimeField(null=True, db_column="Last login")
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"
        db_table = "Legacy users"


class Heir(Legacy):
    """Its rows are in two tables, and the parent's keeps when people signed in."""

    points = models.IntegerField(default=0)

    class Meta:
        app_label = "tests"


class Undated(AbstractBaseUser):
    """Of a project that does not keep when people signed in."""

    phone = models.CharField(max_length=16, unique=True)
    is_active = models.BooleanField(default=True)
    last_login = None
    USERNAME_FIELD = "phone"

    class Meta:
        app_label = "tests"


class Ticket(models.Model):
    """What a project issues, of its own: the names must be quoted, and what is not named has its default."""

    user = models.ForeignKey(Legacy, on_delete=models.CASCADE, db_column="Whose", db_constraint=False)
    text = models.CharField(max_length=16, db_column="Text")
    uses = models.IntegerField(default=3)

    class Meta:
        app_label = "tests"
        db_table = "Legacy tickets"

    def __str__(self):
        return self.text


@pytest.fixture(params=[Legacy, Heir, Undated])
def theirs(request, monkeypatch):
    """The user model of somebody else, who has tickets."""
    monkeypatch.setattr(adapter, "get_user_model", lambda: request.param)
    made = [Legacy, *([request.param] if request.param is not Legacy else []), Ticket]
    with connection.schema_editor() as editor:
        for model in made:
            editor.create_model(model)
    yield request.param
    with connection.schema_editor() as editor:
        for model in reversed(made):
            editor.delete_model(model)


@combines
def test_a_user_model_may_have_tables_and_columns_of_other_names(theirs):
    other, user = (theirs._base_manager.create(phone=new_phone()) for _ in range(2))
    known = adapter.find_and_sign_in(user.phone, Ticket, {"text": "it"})
    assert known == user
    assert known.last_login == theirs._base_manager.get(pk=user.pk).last_login
    assert bool(known.last_login) is (theirs is not Undated)
    assert theirs._base_manager.get(pk=other.pk).last_login is None
    assert adapter.find_and_sign_in(new_phone(), Ticket, {"text": "none"}) is None
    assert list(Ticket.objects.values_list("user_id", "text", "uses")) == [(user.pk, "it", 3)]


def test_a_sign_in_is_recorded_in_models_of_others_by_a_statement_of_its_own_too(theirs):
    other, user = (theirs._base_manager.create(phone=new_phone()) for _ in range(2))
    adapter.record_sign_in(user)
    assert user.last_login == theirs._base_manager.get(pk=user.pk).last_login
    assert bool(user.last_login) is (theirs is not Undated)
    assert theirs._base_manager.get(pk=other.pk).last_login is None


class Older:
    """Of a project that knows of no such thing."""

    ambient = False

    def issue(self, user, request):
        return OpaqueTokens().issue(user, request)


@pytest.fixture
def logged_in():
    """The users for whom Django's own signal was sent."""
    users = []

    def note(user, **_):
        users.append(user)

    user_logged_in.connect(note)
    yield users
    user_logged_in.disconnect(note)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("backend", [OpaqueTokens, JwtTokens, SessionTokens, Older])
def test_a_sign_in_is_recorded_once_whatever_is_issued(sign_in, rf, logged_in, known, backend, settings):
    settings.OTP_DORMANT_DAYS = 0
    phone, request = new_phone(), rf.get("/")
    request.session = SessionStore()
    if known:
        User.objects.create_user(phone, last_login=datetime(2020, 1, 1, tzinfo=UTC))
    before = timezone.now()
    with CaptureQueriesContext(connection) as made:
        done = sign_in(phone, backend=backend(), request=request)
    assert before <= done.user.last_login <= timezone.now()
    assert done.user.last_login == User.objects.get().last_login
    updates = [query["sql"] for query in made if f'UPDATE "{User._meta.db_table}"' in query["sql"]]
    assert len([sql for sql in updates if known or "WITH found" not in sql]) == 1  # nobody new is found
    assert logged_in == ([done.user] if backend is SessionTokens else [])


def test_who_is_not_let_in_did_not_sign_in(sign_in):
    user = User.objects.create_user(new_phone(), is_active=False)
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(user.phone)
    assert User.objects.get().last_login is None


class Careful:
    """Of a project that looks at something more."""

    def issue(self, user, request):
        raise InvalidOrExpiredCode


class CarefulOpaque(Careful, OpaqueTokens):
    pass


class CarefulJwt(Careful, JwtTokens):
    pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("backend", [CarefulOpaque, CarefulJwt])
def test_nothing_goes_past_what_a_backend_does_to_issue(sign_in, backend):
    phone = new_phone()
    User.objects.create_user(phone)
    with pytest.raises(InvalidOrExpiredCode):
        sign_in(phone, backend=backend())
    assert not Token.objects.exists()
    assert not RefreshToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_backend_that_knows_of_no_such_thing_issues_as_it_always_has(sign_in):
    phone = new_phone()
    User.objects.create_user(phone)
    assert sign_in(phone, backend=Older()).issued.token


def test_a_sign_in_is_not_tried_again_while_the_database_is_away(monkeypatch):
    tries = []

    def away(*_, **__):
        tries.append(1)
        raise OperationalError("away")

    monkeypatch.setattr(tokens, "_sign_in", away)
    with pytest.raises(OperationalError):
        tokens.sign_in(as_phone(new_phone()), OpaqueTokens(), None, {})
    assert len(tries) == 1


@pytest.mark.parametrize("is_anothers", [False, True])
def test_whoever_loses_the_number_between_the_statements_of_a_sign_in_gets_no_session(monkeypatch, is_anothers):
    phone = as_phone(new_phone())
    user = User.objects.create_user(phone)
    before = tokens.issue(tokens.current(), user, None)
    issue = tokens.issue

    def issue_and_change(*args):
        issued = issue(*args)
        User.objects.filter(pk=user.pk).update(phone=new_phone())
        if is_anothers:
            User.objects.create_user(phone)
        return issued

    monkeypatch.setattr(adapter, "_can_sign_in_at_once", lambda *_: False)
    monkeypatch.setattr(tokens, "issue", issue_and_change)
    with pytest.raises(InvalidOrExpiredCode):
        tokens.sign_in(phone, tokens.current(), None, {})
    assert [session.id for session in tokens.sessions.of(user)] == [before.session]
