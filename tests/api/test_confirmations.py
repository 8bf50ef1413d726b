"""POST /api/confirm/ and /api/confirm/verify/, and the views of a host that want a confirmation."""

import pytest
from django.http import JsonResponse
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from otp_app import tokens
from otp_app.accounts import confirmations as kept
from otp_app.api.authentication import TokenAuthentication
from otp_app.api.confirmations import Confirmed, confirmed
from otp_app.api.views import OtpView
from otp_app.models import Confirmation
from otp_app.users import lost_phone
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db

CONTEXT = {"amount": "1 200 000 UZS", "payee": "Choyxona"}


def what_is_paid(request):
    return {"amount": request.GET["amount"], "payee": "Choyxona"}


class Pay(APIView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated, Confirmed("payment", context=what_is_paid))

    def post(self, request):
        return Response({"paid": request.GET["amount"]})


class Erase(OtpView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (Confirmed("erase"),)

    def post(self, request):
        return Response({"erased": True})


class Add(Erase):
    permission_classes = (Confirmed("add_email"),)


@confirmed("payment", context=what_is_paid)
def pay(request):
    return JsonResponse({"paid": request.GET["amount"]})


urlpatterns = [
    path("pay/", Pay.as_view()),
    path("erase/", Erase.as_view()),
    path("add/", Add.as_view()),
    path("plain/", pay),
    path("api/", include("otp_app.urls")),
]


@pytest.fixture(autouse=True)
def declared(settings):
    settings.OTP_POLICIES = {"payment": {}, "erase": {}}
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def post(client, user):
    """Post as the user."""
    bearer = {"authorization": f"Bearer {tokens.current().issue(user, None).token}"}

    def send(path, body=None, **headers):
        return client.post(path, body or {}, content_type="application/json", headers=bearer | headers)

    return send


@pytest.fixture
def confirm(post, outbox):
    def make(purpose="payment", context=CONTEXT):
        sent = post("/api/confirm/", {"purpose": purpose, "context": context}).json()
        answer = {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code}
        return post("/api/confirm/verify/", answer).json()["confirmation"]

    return make


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_code_becomes_a_confirmation(post, user, outbox, slash):
    sent = post(f"/api/confirm{slash}", {"purpose": "payment", "context": CONTEXT})
    assert sent.json() == {
        "message": "OTP sent successfully",
        "challenge_id": Confirmation.objects.get().challenge.hex,
        "expires_in": 300,
        "resend_in": 60,
    }
    body = {"challenge_id": sent.json()["challenge_id"], "otp": outbox[-1].code}
    answer = post(f"/api/confirm/verify{slash}", body)
    assert answer["Cache-Control"] == "no-store"
    assert (set(answer.json()), answer.json()["expires_in"]) == ({"confirmation", "expires_in"}, 600)
    assert kept.use(user, "payment", answer.json()["confirmation"], CONTEXT)


def test_the_same_request_under_an_idempotency_key_sends_one_message(post, outbox):
    body = {"purpose": "payment", "context": CONTEXT}
    first, again = (post("/api/confirm/", body, idempotency_key="k1") for _ in range(2))
    assert first.content == again.content
    assert len(outbox) == 1


def test_an_idempotency_key_is_one_of_its_user_whatever_the_address(post, client, outbox, django_user_model):
    body = {"purpose": "erase"}
    first = post("/api/confirm/", body, idempotency_key="k1", x_forwarded_for="192.0.2.1").json()
    other = django_user_model.objects.create_user(new_phone())
    bearer = {"authorization": f"Bearer {tokens.current().issue(other, None).token}", "idempotency-key": "k1"}
    theirs = client.post("/api/confirm/", body, content_type="application/json", headers=bearer).json()
    assert theirs["challenge_id"] != first["challenge_id"]
    assert [message.to for message in outbox][1:] == [other.phone]
    again = post("/api/confirm/", body, idempotency_key="k1", x_forwarded_for="198.51.100.1")
    assert (again.json(), len(outbox)) == (first, 2)


def test_the_context_may_be_left_out(post, outbox):
    assert post("/api/confirm/", {"purpose": "erase"}, accept_language="en").status_code == 200
    assert outbox[-1].body.endswith("Never share it.")


@pytest.mark.parametrize("address", ["/api/confirm/", "/api/confirm/verify/"])
def test_whoever_has_not_signed_in_confirms_nothing(client, address):
    assert client.post(address, {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"context": {}}, "purpose"),
        ({"purpose": "login"}, "purpose"),
        ({"purpose": "payment", "context": "5 UZS"}, "context"),
        ({"purpose": "payment", "context": {"payee": "a\nb"}}, "context.payee"),
        ({"purpose": "payment", "phone": "+998901234567"}, "phone"),
    ],
)
def test_what_is_not_of_the_form_is_named(post, body, member):
    refused = post("/api/confirm/", body)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert set(refused.json()["errors"]) == {member}


def test_a_wrong_code_is_answered_as_everywhere(post, outbox):
    sent = post("/api/confirm/", {"purpose": "payment"}).json()
    wrong = {"challenge_id": sent["challenge_id"], "otp": other_than(outbox[-1].code)}
    refused = post("/api/confirm/verify/", wrong)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")


def test_a_code_where_a_factor_shall_answer_is_wrong_also_of_a_user_without_a_number(post, user):
    begun = kept.begin(user, "erase", "{}", "0" * 32, "passkey")
    type(user).objects.update(phone=lost_phone())
    refused = post("/api/confirm/verify/", {"challenge_id": begun, "otp": "123456"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")


# the views that want one


@pytest.mark.parametrize("address", ["/pay/?amount=1 200 000 UZS", "/erase/"])
@pytest.mark.parametrize("headers", [{}, {"otp-confirmation": ""}, {"otp-confirmation": "é"}])
def test_without_a_confirmation_a_view_says_for_what_it_wants_one(post, address, headers):
    refused = post(address, **headers)
    purpose = "erase" if "erase" in address else "payment"
    assert (refused.status_code, refused.json()["status"]) == (403, 403)
    assert (refused.json()["code"], refused.json()["purpose"]) == ("confirmation_required", purpose)


def test_a_confirmation_opens_a_view_once(post, confirm):
    header = {"otp-confirmation": confirm()}
    address = "/pay/?amount=1 200 000 UZS"
    assert post(address, **header).json() == {"paid": "1 200 000 UZS"}
    assert post(address, **header).status_code == 403


def test_a_confirmation_opens_a_view_of_ours(post, confirm):
    assert post("/erase/", **{"otp-confirmation": confirm("erase")}).json() == {"erased": True}


def test_a_confirmed_payment_pays_for_no_other_and_is_still_good_for_its_own(post, confirm):
    header = {"otp-confirmation": confirm()}
    assert post("/pay/?amount=9 200 000 UZS", **header).json()["code"] == "confirmation_required"
    assert post("/erase/", **header).json()["purpose"] == "erase"
    assert post("/pay/?amount=1 200 000 UZS", **header).status_code == 200


@pytest.mark.parametrize(("context", "status"), [({"text": "your order of today"}, 403), ({}, 200)])
def test_what_changes_the_account_is_confirmed_by_a_message_that_showed_nothing_else(post, confirm, context, status):
    """Whoever has stolen a token could else have its owner confirm a passkey by the code for an order."""
    assert post("/add/", **{"otp-confirmation": confirm("add_email", context)}).status_code == status


def test_a_view_asks_for_a_user_first(client):
    assert client.post("/pay/?amount=1").status_code == 401
    assert client.post("/erase/").status_code == 401


def test_a_plain_view_is_guarded_as_well(client, user, confirm):
    address = "/plain/?amount=1 200 000 UZS"
    assert client.post(address).json()["code"] == "not_authenticated"
    header = {"otp-confirmation": confirm()}
    client.force_login(user)
    assert client.post("/plain/?amount=9", headers=header).json()["purpose"] == "payment"
    assert client.post(address, headers=header).json() == {"paid": "1 200 000 UZS"}
    assert client.post(address, headers=header).status_code == 403


@pytest.mark.parametrize(
    ("address", "purpose", "method"),
    [
        ("recovery-codes/", "recovery_codes", "get"),
        ("passkeys/begin/", "add_passkey", "get"),
        (f"passkeys/{32 * '0'}/", "remove_passkey", "post"),
        ("second-phone/", "remove_second_phone", "put"),
    ],
)
def test_a_method_that_there_is_not_uses_no_confirmation_up(client, user, confirm, settings, address, purpose, method):
    settings.OTP_PASSKEY_RP_ID = "example.com"
    value = confirm(purpose, {})
    headers = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "otp-confirmation": value}
    assert getattr(client, method)(f"/api/{address}", headers=headers).status_code == 405
    assert kept.use(user, purpose, value)
