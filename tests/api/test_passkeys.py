"""/api/passkeys/: to add, list and remove one, to sign in by one, and what else a passkey answers."""

import json
from uuid import uuid4

import pytest

from otp_app import tokens
from otp_app.accounts import confirmations, events
from otp_app.bodies import MAX_API_BYTES
from otp_app.factors import passkeys as kept
from otp_app.models import Passkey, Token, User
from tests.factories import new_phone
from tests.passkeys import Authenticator, relying_party  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.requests, pytest.mark.usefixtures("relying_party")]

ADDRESSES = [
    ("get", ""),
    ("post", "begin/"),
    ("post", "finish/"),
    ("post", "sign-in/begin/"),
    ("post", "sign-in/finish/"),
    ("delete", "0/"),
]


@pytest.fixture
def user():
    return User.objects.create_user(new_phone())


@pytest.fixture
def ask(client, user):
    """Ask as the user, with a confirmation of ``confirmed``, or as a stranger."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}"}

    def request(method, address, body=None, confirmed="", stranger=False):
        headers = {"accept-language": "en"} if stranger else dict(bearer)
        if confirmed:
            row = confirmations.open_for(user, confirmations.begin(user, confirmed, "{}", uuid4().hex))
            headers["otp-confirmation"] = confirmations.confirm(row)
        options = {"content_type": "application/json", "headers": headers}
        return getattr(client, method)(f"/api/{address}", *([] if method == "get" else [body or {}]), **options)

    return request


@pytest.fixture
def authenticator(user):
    authenticator = Authenticator()
    kept.add(user, authenticator.create(kept.creation_options(user, "x")), "Firefox")
    return authenticator


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_passkey_is_added_after_a_confirmation_and_signs_in(ask, user, slash):
    begun = ask("post", f"passkeys/begin{slash}", confirmed="add_passkey")
    assert (begun.status_code, begun["Cache-Control"]) == (200, "no-store")
    authenticator = Authenticator()
    made = {"credential": authenticator.create(begun.json()["options"]), "name": "my phone"}
    added = ask("post", f"passkeys/finish{slash}", made)
    assert (added.status_code, added.json()["name"], added.json()["used_at"]) == (200, "my phone", None)
    options = ask("post", f"passkeys/sign-in/begin{slash}", stranger=True).json()["options"]
    body = {"credential": authenticator.get(options)}
    answer = ask("post", f"passkeys/sign-in/finish{slash}", body, stranger=True)
    assert answer["Cache-Control"] == "no-store"
    assert set(answer.json()) == {"token", "expires_in", "user", "device"}
    assert answer.json()["user"] == {"id": user.pk, "phone": user.phone, "is_new": False}
    assert tokens.authenticate(answer.json()["token"]) == user
    (listed,) = ask("get", f"passkeys{slash}").json()["passkeys"]
    assert (listed["id"], listed["backed_up"]) == (added.json()["id"], False)
    assert listed["used_at"] > listed["created_at"]


@pytest.mark.parametrize("name", ["\ud800", "\0", "a\u202eb", " "], ids=["half", "null", "turned", "blank"])
def test_a_name_that_cannot_be_shown_is_refused(ask, user, name):
    begun = ask("post", "passkeys/begin/", confirmed="add_passkey").json()
    body = {"credential": Authenticator().create(begun["options"]), "name": name}
    refused = ask("post", "passkeys/finish/", body)
    assert (refused.status_code, set(refused.json()["errors"])) == (400, {"name"})
    assert ask("post", "passkeys/finish/", body | {"name": "my phone"}).status_code == 200


def test_without_a_phone_there_is_no_value_for_the_device(ask, user, authenticator):
    User.objects.update(phone="")
    options = ask("post", "passkeys/sign-in/begin/", stranger=True).json()["options"]
    answer = ask("post", "passkeys/sign-in/finish/", {"credential": authenticator.get(options)}, stranger=True)
    assert answer.json()["user"]["phone"] == ""
    assert "device" not in answer.json()


def test_without_a_confirmation_nothing_is_begun_and_nothing_removed(ask, authenticator):
    (row,) = Passkey.objects.all()
    begun, removed = ask("post", "passkeys/begin/"), ask("delete", f"passkeys/{row.pk.hex}/")
    assert [(each.status_code, each.json()["purpose"]) for each in (begun, removed)] == [
        (403, "add_passkey"),
        (403, "remove_passkey"),
    ]
    assert ask("delete", f"passkeys/{row.pk.hex}/", confirmed="add_passkey").status_code == 403


def test_a_passkey_is_removed_once_and_only_by_its_owner(ask, authenticator):
    (row,) = Passkey.objects.all()
    other = User.objects.create_user(new_phone())
    theirs = kept.add(other, Authenticator().create(kept.creation_options(other, "x")), "")
    assert ask("delete", f"passkeys/{theirs.pk.hex}/", confirmed="remove_passkey").json()["code"] == "not_found"
    assert ask("delete", f"passkeys/{row.pk.hex}/", confirmed="remove_passkey").status_code == 204
    assert ask("delete", f"passkeys/{row.pk.hex}/", confirmed="remove_passkey").status_code == 404
    assert [each.pk for each in Passkey.objects.all()] == [theirs.pk]


def test_nobody_finishes_what_another_user_has_begun(ask, user):
    other = User.objects.create_user(new_phone())
    made = Authenticator().create(kept.creation_options(other, "x"))
    refused = ask("post", "passkeys/finish/", {"credential": made})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_where_no_relying_party_is_known_there_are_no_passkeys(ask, settings, method, address):
    settings.OTP_PASSKEY_RP_ID = ""
    refused = ask(method, f"passkeys/{address}", {"credential": {}})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "address"), [each for each in ADDRESSES if "sign-in" not in each[1]])
def test_a_stranger_adds_sees_and_removes_nothing(ask, method, address):
    assert ask(method, f"passkeys/{address}", {"credential": {}}, stranger=True).status_code == 401


@pytest.mark.parametrize("body", [{}, {"credential": "x"}, {"credential": None}, {"credential": {}, "phone": "x"}])
def test_what_is_not_of_the_form_is_named(ask, body):
    refused = ask("post", "passkeys/sign-in/finish/", body, stranger=True)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("credential", [{}, {"id": "AA"}, {"id": "AA", "response": {"clientDataJSON": "\ud800"}}])
def test_an_answer_that_is_none_is_answered_as_a_wrong_code(client, credential):
    body = json.dumps({"credential": credential})
    refused = client.post("/api/passkeys/sign-in/finish/", body, content_type="application/json")
    assert refused.status_code == 400
    assert not Token.objects.exists()


def test_strangers_who_begin_many_sign_ins_write_nothing(ask, django_assert_num_queries):
    with django_assert_num_queries(0):
        challenges = {
            ask("post", "passkeys/sign-in/begin/", stranger=True).json()["options"]["challenge"] for _ in range(3)
        }
    assert len(challenges) == 3


def test_a_long_answer_fits_into_a_body(ask):
    """Of an authenticator with an RSA key of 2048 bits, whose client adds to the answer what a page could read."""
    key = "x" * 392  # SubjectPublicKeyInfo of 294 bytes
    added = {"authenticatorData": "x" * 480, "publicKey": key, "publicKeyAlgorithm": -257, "transports": ["internal"]}
    options = ask("post", "passkeys/begin/", confirmed="add_passkey").json()["options"]
    made = Authenticator().create(options)
    made["response"] |= added | {"attestationObject": made["response"]["attestationObject"] + "x" * 300}
    made |= {"authenticatorAttachment": "platform", "clientExtensionResults": {"credProps": {"rk": True}}}
    assert len(json.dumps({"credential": made, "name": "x" * 64})) < MAX_API_BYTES * 0.75


class TestAsAFactor:
    def test_staff_adds_none_by_a_code_alone(self, ask, user, outbox):
        User.objects.update(is_staff=True)
        for purpose in ("add_passkey", "remove_passkey"):
            assert ask("post", "confirm/", {"purpose": purpose}).json()["code"] == "second_factor_required"
        assert outbox == []

    def test_a_confirmation_is_answered_by_a_passkey_without_a_message(self, ask, authenticator, outbox):
        begun = ask("post", "confirm/", {"purpose": "add_passkey", "by": "passkey"}).json()
        factor = {"by": "passkey", "answer": authenticator.get(begun["options"])}
        body = {"challenge_id": begun["challenge_id"], "factor": factor}
        answer = ask("post", "confirm/verify/", body)
        assert (answer.status_code, set(answer.json())) == (200, {"confirmation", "expires_in"})
        assert outbox == []
        assert ask("post", "confirm/verify/", body).status_code == 400

    def test_what_is_signed_for_one_confirmation_confirms_no_other(self, ask, authenticator, settings):
        settings.OTP_POLICIES = {"payment": {}}
        first, second = (
            ask("post", "confirm/", {"purpose": "payment", "by": "passkey", "context": {"amount": amount}}).json()
            for amount in ("1 UZS", "9 UZS")
        )
        factor = {"by": "passkey", "answer": authenticator.get(first["options"])}
        refused = ask("post", "confirm/verify/", {"challenge_id": second["challenge_id"], "factor": factor})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")
        body = {"challenge_id": first["challenge_id"], "factor": factor}
        assert ask("post", "confirm/verify/", body).status_code == 200

    def test_where_no_code_stands_alone_a_passkey_comes_along(self, ask, user, authenticator, settings, outbox):
        settings.OTP_CODE_ALONE = False
        sent = ask("post", "send-otp/", {"phone": user.phone}, stranger=True).json()
        body = {"phone": user.phone, "challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
        asked = ask("post", "verify-otp/", body, stranger=True)
        assert (asked.status_code, asked.json()["code"]) == (403, "second_factor_required")
        (offered,) = asked.json()["factors"]
        assert offered["by"] == "passkey"
        factor = {"by": "passkey", "answer": authenticator.get(offered["options"])}
        answer = ask("post", "verify-otp/", body | {"factor": factor}, stranger=True)
        assert (answer.status_code, answer.json()["user"]["id"]) == (200, user.pk)

    def test_a_copy_is_refused_and_its_owner_may_read_of_it(self, ask, user, authenticator):
        begun = ask("post", "confirm/", {"purpose": "add_passkey", "by": "passkey"}).json()
        authenticator.count = 1
        factor = {"by": "passkey", "answer": authenticator.get(begun["options"])}
        assert (
            ask("post", "confirm/verify/", {"challenge_id": begun["challenge_id"], "factor": factor}).status_code == 400
        )
        assert [event.kind for event in events.of(user)] == ["passkey_cloned"]
