"""An e-mail address for notices is proven by a code that goes there."""

import re
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from otp_app import notices, tokens
from otp_app.accounts import confirmations, events
from otp_app.challenges import random_id
from otp_app.delivery import sweeper
from otp_app.factors import authenticators, emails
from otp_app.models import Authenticator, EmailAddress
from tests.factories import new_phone, other_than
from tests.races import race

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

EMAIL = "person@example.com"


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def ask(client, user):
    """Ask as the user, with a confirmation where one is named."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}

    def request(method, path, body=None, confirmed="", **headers):
        if confirmed:
            row = confirmations.open_for(user, confirmations.begin(user, confirmed, "{}", random_id()))
            headers["otp-confirmation"] = confirmations.confirm(row)
        given = [] if method == "get" else [body or {}]
        options = {"content_type": "application/json", "headers": bearer | headers}
        return getattr(client, method)(f"/api/{path}/", *given, **options)

    return request


def begin(ask, email=EMAIL, **headers):
    return ask("post", "email", {"email": email}, confirmed="add_email", **headers)


@pytest.fixture
def confirmed(user):
    """Return a value that confirms the addition of an address."""
    row = confirmations.open_for(user, confirmations.begin(user, "add_email", "{}", random_id()))
    return {"otp-confirmation": confirmations.confirm(row)}


@pytest.mark.parametrize("wrong", [{"email": "person@"}, {}, {"email": EMAIL, "more": 1}])
def test_a_mistyped_address_does_not_use_the_confirmation_up(ask, confirmed, wrong):
    assert ask("post", "email", wrong, **confirmed).status_code == 400
    assert ask("post", "email", {"email": EMAIL}, **confirmed).status_code == 200
    assert ask("post", "email", {"email": EMAIL}, **confirmed).json()["code"] == "confirmation_required"


def test_a_mail_that_could_not_be_sent_does_not_use_it_up_either(ask, confirmed, monkeypatch):
    def fail(*_):
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", fail)
        assert ask("post", "email", {"email": EMAIL}, **confirmed).json()["code"] == "delivery_failed"
    assert ask("post", "email", {"email": EMAIL}, **confirmed).status_code == 200


def sent_code():
    return re.search("[0-9]{6}", mail.outbox[-1].body)[0]


def verify(ask, begun, code):
    return ask("post", "email/verify", {"challenge_id": begun.json()["challenge_id"], "otp": code})


def kinds(user):
    return [event.kind for event in events.of(user)]


def test_an_address_is_kept_after_its_code(ask, user):
    begun = begin(ask)
    assert (set(begun.json()), begun.json()["expires_in"]) == ({"challenge_id", "expires_in"}, 600)
    (message,) = mail.outbox
    assert (message.to, message.subject) == ([EMAIL], "OTP: your code")
    assert ask("get", "email").json() == {"email": ""}
    assert verify(ask, begun, sent_code()).json() == {"email": EMAIL}
    assert ask("get", "email").json() == {"email": EMAIL}
    assert kinds(user) == ["email_added"]
    assert str(EmailAddress.objects.get()) == str(user.pk)


@pytest.mark.parametrize(("language", "words"), [("ru", "ваш код"), ("uz", "kodingiz")])
def test_the_mail_speaks_the_persons_language(ask, language, words):
    begin(ask, **{"accept-language": language})
    assert words in mail.outbox[-1].body


def test_a_new_address_takes_the_place_of_the_old_when_it_is_proven(ask, user):
    verify(ask, begin(ask), sent_code())
    begun = begin(ask, "other@example.com")
    assert emails.find(user) == EMAIL
    verify(ask, begun, sent_code())
    assert emails.find(user) == "other@example.com"
    assert EmailAddress.objects.count() == 1


def test_a_code_is_good_once_and_for_its_own_address(ask, user):
    first = begin(ask)
    code = sent_code()
    other = begin(ask, "other@example.com")
    assert verify(ask, other, code).status_code == 400
    assert verify(ask, first, code).status_code == 200
    assert verify(ask, first, code).json()["code"] == "invalid_or_expired_code"


def test_five_checks_are_all(ask, user):
    begun = begin(ask)
    for _ in range(5):
        assert verify(ask, begun, other_than(sent_code())).json()["code"] == "invalid_or_expired_code"
    assert verify(ask, begun, sent_code()).status_code == 400
    assert not emails.find(user)


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "\ud800", "１２３４５６"])
def test_a_mistyped_code_costs_no_check(ask, code):
    refused = verify(ask, begin(ask), code)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"otp"})
    assert EmailAddress.objects.get().checks_left == 5


def test_it_ends_after_ten_minutes(ask, clock):
    begun = begin(ask)
    clock.advance(601)
    assert verify(ask, begun, sent_code()).status_code == 400


@pytest.mark.parametrize("challenge_id", ["x", "0" * 32])
def test_an_unknown_one_is_refused(ask, challenge_id):
    body = {"challenge_id": challenge_id, "otp": "123456"}
    assert ask("post", "email/verify", body).json()["code"] == "invalid_or_expired_code"


def test_another_users_is_unknown_and_loses_no_check(ask, django_user_model):
    theirs = emails.begin(django_user_model.objects.create_user(new_phone()), EMAIL)
    refused = ask("post", "email/verify", {"challenge_id": theirs, "otp": sent_code()})
    assert refused.status_code == 400
    assert EmailAddress.objects.get().checks_left == 5


@pytest.mark.parametrize("change", [{"email": "thief@example.com"}, {"nonce": "0" * 32}])
def test_a_changed_row_has_another_code(ask, user, change):
    begun = begin(ask)
    EmailAddress.objects.update(**change)
    assert verify(ask, begun, sent_code()).status_code == 400
    assert not emails.find(user)


def test_a_code_from_before_a_rotation_of_the_key_is_right_after_it(ask, settings):
    begun = begin(ask)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, " + 50 * "y"
    assert verify(ask, begun, sent_code()).status_code == 200


@pytest.mark.parametrize("email", ["x", "a@b", "a@example.com\nBcc: b@example.com", "a@\ud800.com", 5, "", 255 * "a"])
def test_what_is_no_address_gets_no_mail(ask, email):
    refused = begin(ask, email)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"email"})
    assert not mail.outbox


@pytest.mark.parametrize("method", ["post", "delete"])
def test_each_change_wants_a_confirmation_of_its_own(ask, method):
    assert ask(method, "email", {"email": EMAIL}).json()["code"] == "confirmation_required"
    assert ask(method, "email", {"email": EMAIL}, confirmed="change_phone").status_code == 403
    assert not mail.outbox


def test_it_can_be_removed(ask, user):
    verify(ask, begin(ask), sent_code())
    assert ask("delete", "email", confirmed="remove_email").status_code == 204
    assert ask("delete", "email", confirmed="remove_email").status_code == 404
    assert kinds(user) == ["email_removed", "email_added"]


def told_of_its_loss():
    return [each for each in mail.outbox if each.subject == "OTP: your account no longer has this e-mail address"]


def test_an_address_that_is_replaced_is_told_so_and_not_by_which_one(ask):
    verify(ask, begin(ask), sent_code())
    assert not told_of_its_loss()
    verify(ask, begin(ask, "other@example.com"), sent_code())
    (message,) = told_of_its_loss()
    assert message.to == [EMAIL]
    assert message.body.startswith("Another e-mail address has taken the place of this one in your account at OTP.")
    assert "example.com" not in message.body


def test_the_same_address_proven_again_is_no_other_one(ask):
    for spelling in (EMAIL, EMAIL.capitalize()):
        verify(ask, begin(ask, spelling), sent_code())
    assert ask("get", "email").json() == {"email": EMAIL.capitalize()}
    assert not told_of_its_loss()


def test_an_address_that_is_removed_is_told_so_once(ask):
    verify(ask, begin(ask), sent_code())
    begin(ask, "other@example.com")
    for _ in range(2):
        ask("delete", "email", confirmed="remove_email")
    (message,) = told_of_its_loss()
    assert message.to == [EMAIL]
    assert message.body.startswith("This e-mail address was removed from your account at OTP.\n\nIt was not you?")


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("ru", "OTP: этого адреса больше нет в вашей учётной записи", "Это не вы?"),
        ("uz", "OTP: bu manzil endi hisobingizda yoʻq", "Bu siz emasmi?"),
    ],
)
def test_what_it_is_told_is_in_the_persons_language(ask, language, subject, words):
    spoken = {"accept-language": language}
    verify(ask, begin(ask), sent_code())
    begun = begin(ask, "other@example.com", **spoken)
    ask("post", "email/verify", {"challenge_id": begun.json()["challenge_id"], "otp": sent_code()}, **spoken)
    ask("delete", "email", confirmed="remove_email", **spoken)
    told = [message for message in mail.outbox if message.subject == subject]
    assert [message.to for message in told] == [[EMAIL], ["other@example.com"]]
    assert all(words in message.body for message in told)
    assert told[0].body != told[1].body


def test_a_mail_server_that_is_down_keeps_nobody_from_replacing_and_removing(ask, user, monkeypatch, caplog):
    verify(ask, begin(ask), sent_code())
    begun, code = begin(ask, "other@example.com"), sent_code()

    def refuse(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert verify(ask, begun, code).json() == {"email": "other@example.com"}
    assert ask("delete", "email", confirmed="remove_email").status_code == 204
    assert kinds(user) == ["email_removed", "email_added", "email_added"]
    assert caplog.text.count("not delivered: DeliveryFailed") == 2
    assert "example.com" not in caplog.text


def test_an_account_sends_five_mails_a_day(ask, clock):
    assert [begin(ask, f"a{number}@example.com").status_code for number in range(6)] == [200] * 5 + [429]
    clock.advance(25 * 3600)
    assert begin(ask).status_code == 200


def test_a_mail_server_that_refuses_is_said_and_leaves_nothing(ask, monkeypatch):
    def refuse(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    assert begin(ask).json()["code"] == "delivery_failed"
    assert not EmailAddress.objects.exists()


def test_the_log_says_why_a_mail_was_not_sent_and_not_to_whom(ask, monkeypatch, caplog):
    def refuse(*_):
        raise SMTPRecipientsRefused({EMAIL: (550, b"no")})

    monkeypatch.setattr(notices, "_told", {})  # or another test has used up its minute
    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    begin(ask)
    (said,) = [record.getMessage() for record in caplog.records if record.name == "otp_app.mails"]
    assert "SMTPRecipientsRefused" in said
    assert EMAIL not in said


def test_where_django_has_mailers_nothing_else_is_asked_for(ask, settings):
    settings.MAILERS = {"default": {"BACKEND": settings.EMAIL_BACKEND}}
    del settings.EMAIL_TIMEOUT  # Django 6.1 then has none, and raises
    assert begin(ask).status_code == 200
    assert mail.outbox[-1].to == [EMAIL]


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_with_the_right_code_one_counts_and_guesses_never_overshoot(ask, user):
    begun, code = begin(ask), sent_code()
    assert race(lambda _: verify(ask, begun, code).status_code, 4).count(200) == 1
    begun, code = begin(ask), sent_code()
    race(lambda _: verify(ask, begun, other_than(code)).status_code, 5)
    assert verify(ask, begun, code).status_code == 400


def test_whom_another_request_has_overtaken_after_the_code_is_refused(ask, user, monkeypatch):
    begun = begin(ask)
    paid_for = emails._paid_for

    def slowly(*args):
        row = paid_for(*args)
        EmailAddress.objects.update(verified_at=1)
        return row

    monkeypatch.setattr(emails, "_paid_for", slowly)
    assert verify(ask, begun, sent_code()).status_code == 400
    assert emails.find(user) == EMAIL


def test_what_was_begun_and_never_proven_is_purged_after_a_day(ask, user, clock):
    verify(ask, begin(ask), sent_code())
    begin(ask, "other@example.com")
    authenticators.begin(user)
    clock.advance(25 * 3600)
    Authenticator.objects.update(created_at=timezone.now() - timedelta(hours=25))
    sweeper.purge()
    assert EmailAddress.objects.get().email == EMAIL
    assert not Authenticator.objects.exists()
