"""Test what every token backend must do."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore

from ...db import clock
from ...errors import NotAuthenticated
from .values import new_phone


class TokenContract:
    """Test a token backend. A subclass has the fixture ``backend``; ``new_user`` too, if users are made otherwise."""

    pytestmark = pytest.mark.django_db

    @pytest.fixture
    def new_user(self):
        return lambda: get_user_model().objects.create_user(new_phone())

    @pytest.fixture
    def user(self, new_user):
        return new_user()

    @pytest.fixture
    def ask(self, rf):
        """Return a function that makes a request of a client that holds what it was issued."""

        def ask(held=None):
            headers = {"authorization": f"Bearer {held['token']}"} if held and held["token"] else {}
            request = rf.get("/", headers=headers)
            request.session = SessionStore(held["session"] if held else None)
            return request

        return ask

    @pytest.fixture
    def sign_in(self, backend, ask):
        def sign_in(user):
            request = ask()
            issued = backend.issue(user, request)
            assert issued.expires_in > 0
            request.session.save()
            return {
                "token": issued.token,
                "session": request.session.session_key,
                "refresh_token": issued.refresh_token,
            }

        return sign_in

    @pytest.fixture
    def holder(self, backend, ask):
        """Return a function that tells who may go on with what was issued: by a new token, where there is a refresh.

        A token that is verified without a query is good to its end, so whether it was revoked shows there.
        """

        def holder(held):
            if not hasattr(backend, "refresh"):
                return backend.authenticate(ask(held))
            try:
                issued = backend.refresh(held["refresh_token"], ask())
            except NotAuthenticated:
                return None
            return backend.authenticate(ask({"token": issued.token, "session": None}))

        return holder

    def test_who_holds_what_was_issued_is_the_user(self, backend, sign_in, ask, user, new_user):
        other = new_user()
        assert backend.authenticate(ask(sign_in(user))) == user
        assert backend.authenticate(ask(sign_in(other))) == other

    def test_who_holds_nothing_is_nobody(self, backend, ask):
        assert backend.authenticate(ask()) is None

    def test_it_tells_when_the_user_signed_in_and_nothing_of_anybody_else(self, backend, sign_in, ask, user, new_user):
        if not hasattr(backend, "auth_time"):
            pytest.skip("it does not know when a user signed in")
        before, held, after = clock.instant(), sign_in(user), clock.instant()
        second = timedelta(seconds=1)  # some know no less
        assert before - second < backend.auth_time(ask(held), user) <= after
        assert backend.auth_time(ask(held), new_user()) is None
        assert backend.auth_time(ask(), user) is None

    def test_what_was_revoked_is_worth_nothing_and_another_sign_in_stays(self, backend, sign_in, ask, holder, user):
        first, second = sign_in(user), sign_in(user)
        request = ask(first)
        backend.revoke(request)
        request.session.save()
        assert holder(first) is None
        assert holder(second) == user

    def test_signing_out_everywhere_ends_all_of_a_user_and_of_nobody_else(
        self, backend, sign_in, holder, user, new_user
    ):
        other = new_user()
        held = [sign_in(user), sign_in(user), sign_in(other)]
        backend.revoke_all(user)
        assert [holder(one) for one in held] == [None, None, other]

    def test_what_is_prepared_for_nobody_yet_is_good_as_soon_as_its_row_is_the_users(self, backend, ask, user):
        prepared = backend.issuing()
        if prepared is None:
            pytest.skip("it needs a user to begin with")
        if not callable(prepared.issued):  # else there is no token before
            assert backend.authenticate(ask({"token": prepared.issued.token, "session": None})) is None
        prepared.model.objects.create(**prepared.row, user=user)
        held = {"token": prepared.issued_to(user).token, "session": None}
        assert backend.authenticate(ask(held)) == user

    def test_revoking_nothing_is_no_error(self, backend, ask):
        backend.revoke(ask())

    def test_a_deactivated_user_is_nobody(self, sign_in, holder, user):
        held = sign_in(user)
        user.is_active = False
        user.save()
        assert holder(held) is None

    def test_a_purge_spares_the_living(self, backend, sign_in, holder, user):
        held = sign_in(user)
        assert backend.purge() == 0
        assert holder(held) == user

    def test_a_refresh_token_gives_a_new_pair(self, backend, sign_in, ask, user):
        if not hasattr(backend, "refresh"):
            pytest.skip("it has no refresh tokens")
        first = sign_in(user)
        second = backend.refresh(first["refresh_token"], ask())
        third = backend.refresh(second.refresh_token, ask())
        for issued in (second, third):
            assert backend.authenticate(ask({"token": issued.token, "session": None})) == user
            assert issued.expires_in > 0

    def test_what_is_no_refresh_token_is_refused(self, backend, sign_in, ask, user):
        if not hasattr(backend, "refresh"):
            pytest.skip("it has no refresh tokens")
        for wrong in ("", "x", "ü", "otr_x", sign_in(user)["token"]):
            with pytest.raises(NotAuthenticated):
                backend.refresh(wrong, ask())
