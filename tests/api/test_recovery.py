"""The way back by e-mail: whole stories by the API, played by the clock."""

import re
from types import SimpleNamespace

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from otp_app import accounts, services, stores, tokens
from otp_app.accounts import confirmations, devices, events, recoveries
from otp_app.challenges import codes, random_id
from otp_app.factors import emails
from otp_app.flows import confirmations as confirming
from otp_app.flows import number_changes
from otp_app.flows import recovery as flow
from otp_app.models import Authenticator, EmailAddress, NumberChange, Recovery, SecurityEvent, Token
from otp_app.queues import background
from otp_app.signals import phone_changed
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

EMAIL = "Person@example.com"
HOUR, DAY = 3600, 24 * 3600
WAIT = 72 * HOUR


@pytest.fixture(autouse=True)
def plain(settings):
    settings.OTP_WAITS, settings.OTP_PUBLIC_URL = (), "https://login.example.com"


@pytest.fixture
def user(django_user_model, clock):
    """Somebody who has signed in once, and has proven an address more than a week ago."""
    user = django_user_model.objects.create_user(new_phone())
    sign_in(user.phone)
    Token.objects.all().delete()
    proven(user)
    clock.advance(8 * DAY)
    user.refresh_from_db()
    return user


def proven(user, email=EMAIL):
    EmailAddress.objects.filter(user=user).delete()
    now = stores.current().now()
    return EmailAddress.objects.create(user=user, email=email, checks_left=0, created_at=now, verified_at=now)


@pytest.fixture
def post(client):
    def send(path, body, **headers):
        options = {"content_type": "application/json", "headers": {"accept-language": "en"} | headers}
        return client.post(f"/api/{path}/", body, **options)

    return send


@pytest.fixture
def ask(post, user):
    return lambda **more: post("recovery", {"phone": user.phone, "email": EMAIL} | more)


@pytest.fixture
def begin(post, ask):
    """Ask, and answer with the code from the mail; return the value."""

    def run():
        asked = ask().json()
        verified = post("recovery/verify", {"challenge_id": asked["challenge_id"], "otp": sent_code()})
        assert verified.status_code == 200, verified.content
        return verified.json()["recovery"]

    return run


@pytest.fixture
def send(post):
    return lambda value, phone, **more: post("recovery/phone", {"recovery": value, "phone": phone} | more)


@pytest.fixture
def proof(send, outbox):
    """Return the body that gives a new number, whose code was sent."""

    def make(value, phone):
        sent = send(value, phone)
        assert sent.status_code == 200, sent.content
        return {"recovery": value, "challenge_id": sent.json()["challenge_id"], "otp": outbox[-1].code}

    return make


@pytest.fixture
def finish(post):
    return lambda body: post("recovery/phone/verify", body)


def sent_code():
    return re.search("[0-9]{6}", next(each for each in reversed(mail.outbox) if "code" in each.subject).body)[0]


def sign_in(phone):
    challenge = services.send_code(phone=phone).challenge
    return services.sign_in(phone=phone, code=codes.code_for(challenge), challenge_id=challenge.id)


def kinds(user):
    return [event.kind for event in events.of(user)]


def code_of(response):
    return response.status_code, response.json()["code"]


GONE = (400, "invalid_or_expired_code")


# the story


@pytest.mark.usefixtures("each_store")
@pytest.mark.django_db(transaction=True)
def test_who_has_lost_the_number_gets_a_new_one_into_the_account(ask, post, send, finish, user, outbox, clock):
    old, new = user.phone, new_phone()
    asked = ask()
    assert (set(asked.json()), asked.json()["expires_in"]) == ({"challenge_id", "expires_in"}, 600)
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([EMAIL], "OTP: your code")
    begun = post("recovery/verify", {"challenge_id": asked.json()["challenge_id"], "otp": sent_code()})
    value = begun.json()["recovery"]
    assert begun.json() == {"recovery": value, "retry_after": WAIT, "expires_in": WAIT + 7 * DAY}
    assert begun["Cache-Control"] == "no-store"
    assert (outbox[-1].to, outbox[-1].body.splitlines()[0]) == (
        old,
        "OTP: somebody gets into your account by e-mail. Not you? Stop it.",
    )
    assert mail.outbox[-1].subject == "OTP: somebody wants a new number for your account"
    assert "72 hours" in mail.outbox[-1].body
    clock.advance(WAIT - HOUR)
    waits = send(value, new)
    assert code_of(waits) == (403, "recovery_waits")
    assert 0 < waits.json()["retry_after"] <= HOUR
    assert waits["Retry-After"] == str(waits.json()["retry_after"])
    clock.advance(HOUR + 1)
    sent = send(value, new)
    assert (sent.json()["phone"], outbox[-1].to) == (new, new)
    body = {"recovery": value, "challenge_id": sent.json()["challenge_id"], "otp": outbox[-1].code}
    assert finish(body).json() == {"phone": new}
    user.refresh_from_db()
    assert user.phone == new
    assert kinds(user)[:3] == ["sessions_ended", "number_changed", "recovery_begun"]
    assert (outbox[-1].to, outbox[-1].body.splitlines()[0][:26]) == (old, "OTP: your account has anot")
    assert sign_in(new).user == user
    assert code_of(finish(body)) == GONE
    assert str(Recovery.objects.get()) == str(user.pk)


def test_all_sessions_and_devices_end_and_the_project_is_told(begin, proof, finish, user, clock):
    told = []

    def receive(sender, user, old, new, **_):
        told.append((user, old, new))

    phone_changed.connect(receive)
    old, device = user.phone, devices.issue(user.phone, stores.current().now())
    token = tokens.current().issue(user, None).token
    value = begin()
    clock.advance(WAIT + 1)
    assert finish(proof(value, phone := new_phone())).status_code == 200
    assert told == [(user, old, phone)]
    assert tokens.authenticate(token) is None
    assert devices.recognise(old, device) == ""
    phone_changed.disconnect(receive)


def test_the_old_number_undoes_it_by_its_link_as_any_change(begin, proof, finish, user, clock):
    old, value = user.phone, begin()
    clock.advance(WAIT + 1)
    body = proof(value, new_phone())
    finish(body)
    assert number_changes.undo(change_id=body["challenge_id"])
    user.refresh_from_db()
    assert user.phone == old


def test_second_factors_stay_and_one_is_asked_for_at_the_next_sign_in(
    begin, proof, finish, post, user, clock, outbox, settings
):
    settings.OTP_CODE_ALONE = False
    Authenticator.objects.create(user=user, key="a", last_step=1)
    value, phone = begin(), new_phone()
    clock.advance(WAIT + 1)
    assert finish(proof(value, phone)).status_code == 200
    post("send-otp", {"phone": phone})
    refused = post("verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert code_of(refused) == (403, "second_factor_required")


def test_an_account_that_was_idle_for_long_opens_after_it(begin, proof, finish, user, clock):
    clock.advance(100 * DAY)
    value, phone = begin(), new_phone()
    clock.advance(WAIT + 1)
    assert finish(proof(value, phone)).status_code == 200
    assert sign_in(phone).user == user


def test_the_same_code_to_the_new_number_is_sent_again(begin, send, outbox, user, clock):
    value, phone = begin(), new_phone()
    clock.advance(WAIT + 1)
    first = send(value, phone).json()["challenge_id"]
    again = send(value, phone, challenge_id=first)
    assert again.json()["challenge_id"] == first
    assert outbox[-1].code == outbox[-2].code


@pytest.mark.parametrize(("language", "words"), [("ru", "вернуться"), ("uz", "qaytish")])
def test_the_mails_speak_the_persons_language(post, user, language, words):
    asked = post("recovery", {"phone": user.phone, "email": EMAIL}, **{"accept-language": language})
    code = re.search("[0-9]{6}", mail.outbox[-1].body)[0]
    assert words in mail.outbox[-1].body
    body = {"challenge_id": asked.json()["challenge_id"], "otp": code}
    assert post("recovery/verify", body, **{"accept-language": language}).status_code == 200
    assert len(mail.outbox) == 2
    assert "Somebody" not in mail.outbox[-1].body


def test_the_notice_speaks_the_language_that_the_user_has_chosen_whoever_has_begun_it(user, begin):
    user.language = "uz"
    user.save()
    begin()
    assert "pochta qutisining parolini" in mail.outbox[-1].body


# who is answered alike, and gets nothing


def nobody(user):
    return {"phone": new_phone()}


def another_address(user):
    return {"email": "other@example.com"}


def another_person(user):
    theirs = type(user).objects.create_user(new_phone())
    proven(theirs, "theirs@example.com")
    return {"email": "theirs@example.com"}


def no_address(user):
    EmailAddress.objects.all().delete()
    return {}


def not_proven(user):
    EmailAddress.objects.update(verified_at=None)
    return {}


def six_days_old(user):
    EmailAddress.objects.update(verified_at=stores.current().now() - 6 * DAY * 1000)
    return {}


def deactivated(user):
    type(user).objects.update(is_active=False)
    return {}


def staff(user):
    type(user).objects.update(is_staff=True)
    return {}


def never_signed_in(user):
    """As whose model keeps no such time."""
    type(user).objects.update(last_login=None)
    return {}


STRANGERS = [
    nobody,
    another_address,
    another_person,
    no_address,
    not_proven,
    six_days_old,
    deactivated,
    staff,
    never_signed_in,
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("make", STRANGERS)
def test_without_such_an_account_the_answers_and_the_statements_are_the_same_and_no_mail_goes(ask, post, user, make):
    def seen(body, code):
        with CaptureQueriesContext(connection) as asking:
            answer = ask(**body)
        challenge_id = answer.json()["challenge_id"]
        with CaptureQueriesContext(connection) as verifying:
            wrong = post("recovery/verify", {"challenge_id": challenge_id, "otp": code})
        shape = answer.content.replace(challenge_id.encode(), b"")
        return answer.status_code, shape, sorted(answer.headers.items()), len(asking), wrong.content, len(verifying)

    ask()
    known = seen({}, "000000" if sent_code() != "000000" else "111111")
    sent = len(mail.outbox)
    assert seen(make(user), "123456") == known
    assert len(mail.outbox) == sent


def test_the_address_may_be_written_in_other_letters_and_gets_its_mail_as_it_was_proven(ask):
    assert ask(email=EMAIL.upper()).status_code == 200
    assert mail.outbox[-1].to == [EMAIL]


def test_where_there_is_no_account_the_code_of_the_row_is_none(ask, post):
    asked = ask(phone=new_phone()).json()
    body = {"challenge_id": asked["challenge_id"], "otp": recoveries.code_of(Recovery.objects.get())}
    assert code_of(post("recovery/verify", body)) == GONE


def test_a_mail_server_that_fails_changes_no_answer(ask, monkeypatch):
    def refuse(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert ask().status_code == 200


def test_the_mail_goes_after_the_answer_where_messages_cost_money(ask, monkeypatch):
    later = []
    monkeypatch.setattr(background, "run", lambda work, subject: later.append((work, subject)))
    assert ask().status_code == 200
    assert not mail.outbox
    ((work, subject),) = later
    work(subject)
    assert mail.outbox[-1].to == [EMAIL]


def test_0_switches_it_off(post, begin, user, settings, clock):
    value = begin()
    clock.advance(WAIT + 1)
    settings.OTP_RECOVERY_WAIT = 0
    for path in ("recovery", "recovery/verify", "recovery/phone", "recovery/phone/verify"):
        assert code_of(post(path, {})) == (404, "not_found")
    with pytest.raises(flow.InvalidOrExpiredCode):
        flow.send(value=value, phone=new_phone())


@pytest.mark.parametrize(
    ("path", "body", "member"),
    [
        ("recovery", {"phone": "+998901234567"}, "email"),
        ("recovery", {"email": EMAIL}, "phone"),
        ("recovery", {"phone": "+998901234567", "email": "x"}, "email"),
        ("recovery/verify", {"challenge_id": "x"}, "otp"),
        ("recovery/verify", {"challenge_id": "x", "otp": "12345"}, "otp"),
        ("recovery/phone", {"phone": "+998901234567"}, "recovery"),
        ("recovery/phone", {"phone": "+998901234567", "recovery": 5}, "recovery"),
        ("recovery/phone/verify", {"recovery": "x", "challenge_id": "x", "otp": "1"}, "otp"),
    ],
)
def test_what_is_not_of_the_form_is_named(post, path, body, member):
    refused = post(path, body)
    assert code_of(refused) == (400, "invalid_request")
    assert set(refused.json()["errors"]) == {member}


def test_a_project_that_fails_after_the_change_keeps_no_latecomer_signed_in(
    begin, proof, finish, user, clock, monkeypatch
):
    value = begin()
    clock.advance(WAIT + 1)
    body, ended = proof(value, new_phone()), []
    monkeypatch.setattr(number_changes, "end_latecomers", ended.append)
    monkeypatch.setattr(accounts.Accounts, "changed", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finish(body)
    assert ended == [user]


# limits


def test_an_address_is_asked_for_five_times_a_day(ask, clock):
    assert [ask().status_code for _ in range(6)] == [200] * 5 + [429]
    assert ask(phone=new_phone(), email=EMAIL.lower()).status_code == 429
    assert ask(email="other@example.com").status_code == 200
    clock.advance(25 * HOUR)
    assert ask().status_code == 200


def test_whoever_knows_only_the_number_does_not_keep_its_owner_from_the_way_back(ask):
    assert {ask(email=f"a{number}@example.com").status_code for number in range(19)} == {200}
    assert ask().status_code == 200
    assert mail.outbox[-1].to == [EMAIL]


def test_a_client_asks_twenty_times_an_hour(post):
    bodies = [{"phone": new_phone(), "email": f"a{number}@example.com"} for number in range(21)]
    assert [post("recovery", body).status_code for body in bodies] == [200] * 20 + [429]


def test_a_program_is_no_client(user):
    assert flow.ask(phone=user.phone, email=EMAIL)


# the code


def test_after_five_wrong_codes_the_right_one_is_refused(ask, post, user):
    body = {"challenge_id": ask().json()["challenge_id"]}
    code = sent_code()
    for _ in range(5):
        assert code_of(post("recovery/verify", body | {"otp": other_than(code)})) == GONE
    assert code_of(post("recovery/verify", body | {"otp": code})) == GONE


def test_a_code_ends_after_ten_minutes_and_works_once(ask, post, clock):
    body = {"challenge_id": ask().json()["challenge_id"], "otp": sent_code()}
    assert post("recovery/verify", body).status_code == 200
    assert code_of(post("recovery/verify", body)) == GONE
    body = {"challenge_id": ask().json()["challenge_id"], "otp": sent_code()}
    clock.advance(601)
    assert code_of(post("recovery/verify", body)) == GONE


@pytest.mark.parametrize("challenge_id", ["x", "0" * 32])
def test_an_unknown_challenge_is_refused(post, challenge_id):
    assert code_of(post("recovery/verify", {"challenge_id": challenge_id, "otp": "123456"})) == GONE


@pytest.mark.parametrize("make", [no_address, deactivated, staff])
def test_what_has_changed_since_the_mail_ends_it(ask, post, user, make):
    body = {"challenge_id": ask().json()["challenge_id"], "otp": sent_code()}
    make(user)
    assert code_of(post("recovery/verify", body)) == GONE
    assert not SecurityEvent.objects.filter(kind="recovery_begun").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_with_the_right_code_at_once_one_begins(ask, post):
    body = {"challenge_id": ask().json()["challenge_id"], "otp": sent_code()}
    assert race(lambda _: post("recovery/verify", body).status_code, 4).count(200) == 1


def test_whom_another_request_has_overtaken_after_the_code_is_refused(ask, post, user, monkeypatch):
    body = {"challenge_id": ask().json()["challenge_id"], "otp": sent_code()}
    require = flow._require_same

    def slowly(row, user):
        require(row, user)
        Recovery.objects.update(begun_at=1)

    monkeypatch.setattr(flow, "_require_same", slowly)
    assert code_of(post("recovery/verify", body)) == GONE


def test_the_database_has_neither_the_code_nor_the_value(begin):
    value = begin()
    shown = str(Recovery.objects.values().get())
    assert value not in shown
    assert sent_code() not in shown


# whoever is in the account stops it


def signs_in(user):
    sign_in(user.phone)


def signs_in_and_out(user):
    """No session is left to tell of it."""
    sign_in(user.phone)
    Token.objects.all().delete()


def by_another_way(user):
    """As a site does that exchanges a code: no sign-in is written down."""
    tokens.current().issue(user, None)


def confirms(user):
    challenge = confirming.send(user=user, purpose="remove_email", context={}).challenge
    confirming.verify(user=user, challenge_id=challenge.id, code=codes.code_for(challenge))


def has_another_number(user):
    type(user).objects.update(phone=new_phone())


def has_another_address(user):
    proven(user, "new@example.com")


def signs_out_everywhere(user):
    """No session is left to tell of it, nor does the last sign-in."""
    services.sign_out_everywhere(user=user)


def begins_another(user):
    """The later one counts: the value of the first is worth nothing from then on."""
    row = recoveries.ask(user.phone, emails.of_way_back(user))
    assert flow.begin(challenge_id=row.pk.hex, code=recoveries.code_of(row))


STOPS = [
    signs_in,
    signs_in_and_out,
    by_another_way,
    confirms,
    has_another_number,
    has_another_address,
    begins_another,
    signs_out_everywhere,
    deactivated,
    staff,
]


@pytest.mark.parametrize("what", ["sign out", "end this one", "end the others"])
def test_whoever_ends_an_older_session_stops_it(begin, send, user, client, clock, what):
    issued = tokens.current().issue(user, None)
    clock.advance(60)
    value, headers = begin(), {"authorization": f"Bearer {issued.token}"}
    if what == "end this one":
        assert client.delete(f"/api/sessions/{issued.session}/", headers=headers).status_code == 204
    else:
        path = "logout" if what == "sign out" else "sessions/end-others"
        assert client.post(f"/api/{path}/", headers=headers).status_code == 204
    clock.advance(WAIT + 1)
    assert code_of(send(value, new_phone())) == GONE


def test_staff_who_ends_a_session_does_not_stop_it(begin, send, user, clock):
    issued = tokens.current().issue(user, None)
    clock.advance(60)
    value = begin()
    assert tokens.sessions.end(user, issued.session)
    clock.advance(WAIT + 1)
    assert send(value, new_phone()).status_code == 200


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("stop", STOPS)
def test_it_ends_when_somebody_is_in_the_account(begin, proof, send, finish, user, clock, stop, late):
    old, value = user.phone, begin()
    clock.advance(WAIT + 1 if late else HOUR)
    body = proof(value, new_phone()) if late else None
    stop(user)
    assert code_of(finish(body) if late else send(value, new_phone())) == GONE
    clock.advance(WAIT)
    assert code_of(send(value, new_phone())) == GONE
    assert not NumberChange.objects.exclude(changed_at=None).exists()
    assert stop is has_another_number or type(user).objects.get(pk=user.pk).phone == old
    assert "recovery_stopped" in kinds(user)


@pytest.mark.parametrize("backend", ["opaque.OpaqueTokens", "jwt.JwtTokens"])
def test_the_use_of_an_old_session_ends_it(begin, send, user, clock, settings, backend):
    settings.OTP_TOKEN_BACKEND = f"otp_app.tokens.{backend}"
    issued = tokens.current().issue(user, None)
    clock.advance(2 * HOUR)
    value = begin()
    clock.advance(2 * HOUR)
    if issued.refresh_token:
        tokens.refresh(issued.refresh_token, None)
    else:
        assert tokens.authenticate(issued.token)
    clock.advance(WAIT)
    assert code_of(send(value, new_phone())) == GONE


def test_a_session_that_nobody_uses_does_not(begin, send, user, clock):
    tokens.current().issue(user, None)
    clock.advance(2 * HOUR)
    value = begin()
    clock.advance(WAIT + 1)
    assert send(value, new_phone()).status_code == 200


@pytest.fixture
def as_user(client, user):
    """Ask as the user, with a confirmation where one is named."""

    def request(method, path, confirmed, body=None):
        headers = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}
        if confirmed:
            row = confirmations.open_for(user, confirmations.begin(user, confirmed, "{}", random_id()))
            headers["otp-confirmation"] = confirmations.confirm(row)
        return getattr(client, method)(f"/api/{path}/", body or {}, content_type="application/json", headers=headers)

    return request


def test_with_the_address_goes_its_recovery(as_user, begin, user):
    begin()
    assert as_user("delete", "email", "remove_email").status_code == 204
    assert Recovery.objects.get().ended_by == "address"


def test_with_another_address_it_goes_too_and_the_number_is_told_of_the_address(as_user, begin, user, outbox):
    begin()
    begun = as_user("post", "email", "add_email", {"email": "new@example.com"}).json()
    assert as_user("post", "email/verify", "", {"challenge_id": begun["challenge_id"], "otp": sent_code()})
    assert Recovery.objects.get().ended_by == "address"
    assert (outbox[-1].to, outbox[-1].code) == (user.phone, "")
    assert outbox[-1].body == "OTP: an e-mail was added to your account. Not you? Remove it."
    assert emails.of_way_back(user) is None


def test_an_undone_change_ends_what_was_begun_since(begin, user, clock):
    challenge = confirming.send(user=user, purpose="change_phone", context={"text": (phone := new_phone())}).challenge
    value = confirming.verify(user=user, challenge_id=challenge.id, code=codes.code_for(challenge))
    challenge = number_changes.send(user=user, phone=phone, confirmation=value).challenge
    number_changes.verify(user=user, challenge_id=challenge.id, code=codes.code_for(challenge))
    user.refresh_from_db()
    begin()
    assert number_changes.undo(change_id=challenge.id)
    assert Recovery.objects.get().ended_by == "use"


# the new number


def test_a_value_that_is_unknown_or_too_old_is_refused(begin, send, clock):
    assert code_of(send("x", new_phone())) == GONE
    assert code_of(send("\ud800", new_phone())) == GONE
    value = begin()
    clock.advance(WAIT + 7 * DAY + 1)
    assert code_of(send(value, new_phone())) == GONE


def test_the_number_of_the_account_is_no_new_one(begin, send, user, clock):
    value = begin()
    clock.advance(WAIT + 1)
    assert set(send(value, user.phone).json()["errors"]) == {"phone"}


def test_a_number_of_another_account_is_told_to_who_has_proven_it_and_another_one_may_follow(
    begin, proof, finish, user, clock, django_user_model
):
    django_user_model.objects.create_user(taken := new_phone())
    value = begin()
    clock.advance(WAIT + 1)
    body = proof(value, taken)
    assert code_of(finish(body | {"otp": other_than(body["otp"])})) == GONE
    assert code_of(finish(body)) == (409, "phone_taken")
    assert finish(proof(value, new_phone())).status_code == 200


def test_a_code_of_this_way_is_none_for_whoever_is_signed_in_and_the_other_way_round(
    begin, proof, finish, client, user, clock, outbox
):
    value = begin()
    clock.advance(WAIT + 1)
    body = proof(value, new_phone())
    with pytest.raises(number_changes.InvalidOrExpiredCode):
        number_changes.verify(user=user, challenge_id=body["challenge_id"], code=body["otp"])
    sent = number_changes.send_to(user=user, phone=new_phone())
    other = {"recovery": value, "challenge_id": sent.challenge.id, "otp": outbox[-1].code}
    assert code_of(finish(other)) == GONE


def test_the_wait_counts_at_the_last_step_too(begin, proof, finish, clock, settings):
    value = begin()
    clock.advance(WAIT + 1)
    body = proof(value, new_phone())
    settings.OTP_RECOVERY_WAIT = 2 * WAIT
    assert code_of(finish(body)) == (403, "recovery_waits")


def test_the_same_request_under_an_idempotency_key_sends_one_message(begin, post, clock, outbox):
    body = {"recovery": begin(), "phone": new_phone()}
    clock.advance(WAIT + 1)
    sent = len(outbox)
    first, again = (post("recovery/phone", body, **{"idempotency-key": "k1"}) for _ in range(2))
    assert first.content == again.content
    assert len(outbox) == sent + 1


@pytest.mark.django_db(transaction=True)
def test_of_two_with_the_right_code_at_once_one_gives_the_number(begin, proof, finish, user, clock):
    value, phone = begin(), new_phone()
    clock.advance(WAIT + 1)
    bodies = [proof(value, phone), proof(value, new_phone())]
    answers = race(lambda number: finish(bodies[number]).status_code, 2)
    assert sorted(answers) == [200, 400]
    user.refresh_from_db()
    assert NumberChange.objects.exclude(changed_at=None).get().new == user.phone


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_sign_in_of_the_owner_and_the_last_step_have_one_outcome(begin, proof, finish, user, clock, attempt):
    old, value = user.phone, begin()
    clock.advance(WAIT + 1)
    body = proof(value, phone := new_phone())
    challenge = services.send_code(phone=old).challenge
    enter = {"phone": old, "code": codes.code_for(challenge), "challenge_id": challenge.id}
    calls = [lambda: finish(body).status_code, lambda: services.sign_in(**enter)]
    given, entered = race(lambda number: calls[number](), 2)
    user.refresh_from_db()
    if given == 200:
        assert user.phone == phone
        assert isinstance(entered, Exception) or tokens.authenticate(entered.issued.token) is None
    else:
        assert (given, user.phone, entered.user) == (400, old, user)
        assert tokens.authenticate(entered.issued.token) == user


def test_who_signs_in_after_the_checks_and_before_the_transaction_is_seen(
    begin, proof, finish, user, clock, monkeypatch
):
    value = begin()
    clock.advance(WAIT + 1)
    body, verify = proof(value, new_phone()), number_changes.verify_code

    def slowly(*args):
        challenge = verify(*args)
        sign_in(user.phone)
        return challenge

    monkeypatch.setattr(number_changes, "verify_code", slowly)
    assert code_of(finish(body)) == GONE
    assert Token.objects.count() == 1


def test_what_the_link_stops_in_the_last_moment_gives_no_number(begin, proof, finish, user, clock, monkeypatch):
    old, value = user.phone, begin()
    clock.advance(WAIT + 1)
    body, verify = proof(value, new_phone()), number_changes.verify_code

    def slowly(*args):
        challenge = verify(*args)
        assert flow.stop(recovery_id=Recovery.objects.get().pk.hex)
        return challenge

    monkeypatch.setattr(number_changes, "verify_code", slowly)
    assert code_of(finish(body)) == GONE
    user.refresh_from_db()
    assert user.phone == old


def test_whoever_was_signing_in_while_the_number_was_given_is_signed_out(
    begin, proof, finish, user, clock, monkeypatch
):
    value = begin()
    clock.advance(WAIT + 1)
    body = proof(value, new_phone())

    def late(*args):
        tokens.current().issue(user, None)
        background.run(*args)

    monkeypatch.setattr(flow, "background", SimpleNamespace(run=late))
    assert finish(body).status_code == 200
    assert not Token.objects.exists()


# the notice


def test_the_link_stops_it_once_and_is_too_late_when_the_number_is_given(begin, proof, finish, send, user, clock):
    value = begin()
    name = Recovery.objects.get().pk.hex
    assert flow.stop(recovery_id=name)
    assert flow.stop(recovery_id=name, request=RequestFactory().get("/"))
    assert kinds(user)[:2] == ["recovery_stopped", "recovery_begun"]
    assert kinds(user).count("recovery_stopped") == 1
    assert code_of(send(value, new_phone())) == GONE
    value = begin()
    clock.advance(WAIT + 1)
    finish(proof(value, new_phone()))
    assert not flow.stop(recovery_id=Recovery.objects.get(ended_by="done").pk.hex)
    assert flow.stop(recovery_id=random_id())


def test_the_link_of_an_earlier_one_stops_the_later_one_too(begin, proof, finish, send, clock):
    begin()
    first = Recovery.objects.get().pk.hex
    value = begin()
    assert flow.stop(recovery_id=first)
    assert code_of(send(value, new_phone())) == GONE
    value = begin()
    clock.advance(WAIT + 1)
    finish(proof(value, new_phone()))
    assert not flow.stop(recovery_id=first)


def test_the_mail_has_a_link_of_its_own_and_none_where_no_page_is_served(begin, outbox, settings):
    begin()
    (link,) = re.findall("https://login.example.com/n/[^\\s]+", mail.outbox[-1].body)
    assert link not in outbox[-1].body
    settings.OTP_PUBLIC_URL = ""
    begin()
    assert "https" not in mail.outbox[-1].body
    assert "Sign in to your account" in mail.outbox[-1].body
