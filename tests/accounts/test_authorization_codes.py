"""Authorization codes with PKCE: what goes back to a site, who may fetch what it stands for, and how often."""

import hashlib
import threading

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from otp_app import services, stores, tokens
from otp_app.accounts import authorization_codes
from otp_app.delivery import sweeper
from otp_app.errors import InsideTransaction, InvalidOrExpiredCode, Unavailable
from otp_app.models import AuthorizationCode, Token
from tests.factories import new_phone
from tests.races import race
from tests.sites import BACK, VERIFIER, answer_in, challenge_of, new_site, requested

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return new_site()


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


def code_for(user, site, **changed):
    return answer_in(authorization_codes.issue(requested(site, **changed), user))["code"]


def redeem(site, code, **changed):
    """As the site that got the code would."""
    asked = {"client": site.pk, "redirect_uri": BACK, "code": code, "code_verifier": VERIFIER}
    return authorization_codes.redeem(**(asked | changed))


# issued


def test_the_state_comes_back_as_it_was_and_is_left_out_when_there_was_none(site, user):
    answer = answer_in(authorization_codes.issue(requested(site, state="a b&c=d#ц"), user))
    assert answer["state"] == "a b&c=d#ц"
    assert set(answer_in(authorization_codes.issue(requested(site), user))) == {"code"}


def test_an_address_with_a_query_of_its_own_keeps_it(user):
    site = new_site(redirect_uris=BACK + "?shop=1")
    address = authorization_codes.issue(requested(site, state="s"), user)
    assert address.startswith(BACK + "?shop=1&code=")
    assert set(answer_in(address)) == {"shop", "code", "state"}


def test_only_the_sha_256_of_a_code_is_in_the_table(site, user):
    code = code_for(user, site)
    (row,) = AuthorizationCode.objects.values()
    assert bytes(row["digest"]) == hashlib.sha256(code.encode()).digest()
    assert code not in str(row)
    assert VERIFIER not in str(row)


def test_no_two_codes_are_the_same_and_each_has_256_bits(site, user):
    codes = {code_for(user, site) for _ in range(20)}
    assert len(codes) == 20
    assert {len(code) for code in codes} == {43}


# redeemed


def test_the_right_verifier_gets_whom_the_code_stands_for_once(site, user):
    code = code_for(user, site)
    assert redeem(site, code) == user
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


@pytest.mark.parametrize(
    "verifier",
    [
        "another-verifier-of-a-thief.~_" + 40 * "x",
        VERIFIER + "x",
        VERIFIER[:-1],
        VERIFIER.upper(),
        VERIFIER + "\n",
        "",
        "é" * 43,
        "\ud800" * 43,
        challenge_of(VERIFIER),
    ],
)
def test_a_wrong_verifier_gets_nothing_and_makes_the_code_worthless(site, user, verifier):
    code = code_for(user, site)
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code, code_verifier=verifier)
    assert not AuthorizationCode.objects.exists()
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


@pytest.mark.parametrize(("length", "good"), [(42, False), (43, True), (128, True), (129, False)])
def test_a_verifier_has_the_length_of_the_standard_even_if_its_hash_is_right(site, user, length, good):
    verifier = "v" * length
    code = code_for(user, site, code_challenge=challenge_of(verifier))
    if good:
        assert redeem(site, code, code_verifier=verifier) == user
    else:
        with pytest.raises(InvalidOrExpiredCode):
            redeem(site, code, code_verifier=verifier)


@pytest.mark.parametrize("wrong", ["client", "redirect_uri"])
def test_another_client_or_address_than_the_codes_gets_nothing_and_burns_it(site, user, wrong):
    other = new_site(name="Another", redirect_uris=f"{BACK}\nhttps://other.example.com/")
    changed = {"client": other.pk, "redirect_uri": "https://other.example.com/"}[wrong]
    code = code_for(user, site)
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code, **{wrong: changed})
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("who", ["client", "user"])
def test_who_was_deactivated_meanwhile_gets_nothing(site, user, who):
    code = code_for(user, site)
    one = {"client": site, "user": user}[who]
    one.is_active = False
    one.save()
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


@pytest.mark.parametrize("gone", ["client", "user"])
def test_what_is_deleted_takes_its_codes_along(site, user, gone):
    code = code_for(user, site)
    {"client": site, "user": user}[gone].delete()
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


def test_a_code_lives_for_a_minute_by_the_stores_clock(site, user, clock, each_store):
    young, old = code_for(user, site), code_for(user, site)
    clock.advance(30)
    assert redeem(site, young) == user
    clock.advance(30)
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, old)


def test_the_project_says_how_long_it_lives(site, user, clock, settings):
    settings.OTP_AUTHORIZATION_TTL = 10
    code = code_for(user, site)
    clock.advance(10)
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


@given(st.text(max_size=70), st.text(max_size=140))
def test_no_text_is_ever_an_error_of_the_program(code, verifier):
    with pytest.raises(InvalidOrExpiredCode):
        authorization_codes.redeem(client="x", redirect_uri="x", code=code, code_verifier=verifier)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_bring_a_code_at_once_one_is_signed_in(site, user):
    code = code_for(user, site)
    results = race(lambda _: redeem(site, code), 20)
    assert [result for result in results if not isinstance(result, Exception)] == [user]
    assert sum(isinstance(result, InvalidOrExpiredCode) for result in results) == 19


@pytest.mark.django_db(transaction=True)
def test_one_of_them_also_when_all_have_found_it_before_the_first_one_takes_it(site, user, monkeypatch):
    code, found = code_for(user, site), threading.Barrier(8)
    monkeypatch.setattr(authorization_codes, "require_none", lambda alias: found.wait(30))  # asked in between
    results = race(lambda _: redeem(site, code), 8)
    assert [result for result in results if not isinstance(result, Exception)] == [user]
    assert sum(isinstance(result, InvalidOrExpiredCode) for result in results) == 7


@pytest.mark.django_db(transaction=True)
def test_within_a_transaction_a_code_is_not_taken_for_its_rollback_would_bring_it_back(site, user):
    code = code_for(user, site)
    with transaction.atomic(), pytest.raises(InsideTransaction, match="non_atomic_requests"):
        redeem(site, code)
    assert redeem(site, code) == user


def test_the_service_gives_the_user_and_a_token(site, user, rf):
    code = code_for(user, site)
    asked = {"client": site.pk, "redirect_uri": BACK, "code": code, "code_verifier": VERIFIER}
    found, issued = services.exchange(**asked)
    assert found == user
    request = rf.get("/", headers={"authorization": f"Bearer {issued.token}"})
    assert tokens.current().authenticate(request) == user
    with pytest.raises(InvalidOrExpiredCode):
        services.exchange(**asked)
    assert Token.objects.count() == 1


# purged


def test_a_purge_deletes_what_nobody_fetched_in_time_and_nothing_else(site, user, clock, each_store):
    code_for(user, site)
    clock.advance(61)
    young = code_for(user, site)
    authorization_codes.purge(stores.current().now())
    assert AuthorizationCode.objects.count() == 1
    assert redeem(site, young) == user


def test_the_purge_of_everything_purges_these_too(site, user, clock):
    code_for(user, site)
    clock.advance(61)
    sweeper.purge()
    assert not AuthorizationCode.objects.exists()


def test_signing_out_everywhere_ends_codes_under_way(site, user):
    code = code_for(user, site)
    services.sign_out_everywhere(user=user)
    with pytest.raises(InvalidOrExpiredCode):
        redeem(site, code)


def test_a_store_that_is_down_spends_no_code(site, user, monkeypatch):
    code = code_for(user, site)

    class Down:
        def now(self):
            raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(authorization_codes.stores, "current", Down)
        with pytest.raises(Unavailable):
            redeem(site, code)
    assert redeem(site, code) == user
