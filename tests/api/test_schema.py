"""The OpenAPI document describes exactly what the API does, with examples that are true."""

import re

import jsonschema
import pytest
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.test import override_settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from otp_app import phones
from otp_app.accounts import confirmations as kept
from otp_app.api import problems
from otp_app.errors import InvalidPhone, ProofRequired
from otp_app.limits import proof_of_work

BODY = "method_not_allowed too_large unsupported_media_type limited unavailable"
NUMBER = "invalid_request invalid_phone region_not_allowed invalid_or_expired_code"
KEY = "request_in_progress idempotency_key_reused"
TOKEN = "not_authenticated method_not_allowed unavailable"
CODES = {  # what an endpoint can answer beside success
    ("/api/send-otp/", "post"): f"{NUMBER} undeliverable_phone proof_required {BODY} {KEY} delivery_failed",
    ("/api/verify-otp/", "post"): f"{NUMBER} profile_required is_this_you second_factor_required {BODY} {KEY} "
    "phone_taken",
    ("/api/challenges/{challenge_id}/", "get"): "invalid_or_expired_code method_not_allowed unavailable",
    ("/api/token/", "post"): "invalid_request invalid_or_expired_code method_not_allowed too_large "
    "unsupported_media_type unavailable",
    ("/api/token/refresh/", "post"): "invalid_request not_authenticated refresh_reused method_not_allowed too_large "
    "unsupported_media_type unavailable",
    ("/api/countries/", "get"): "method_not_allowed",
    (
        "/api/confirm/",
        "post",
    ): f"invalid_request region_not_allowed undeliverable_phone not_authenticated proof_required "
    f"second_factor_required number_too_new {BODY} {KEY} delivery_failed",
    ("/api/confirm/verify/", "post"): f"invalid_request invalid_or_expired_code not_authenticated {BODY}",
    ("/api/authenticator/", "get"): TOKEN,
    ("/api/authenticator/", "post"): f"{TOKEN} confirmation_required not_found",
    ("/api/authenticator/", "delete"): f"{TOKEN} confirmation_required not_found last_way_in",
    ("/api/authenticator/verify/", "post"): f"invalid_request invalid_or_expired_code not_authenticated {BODY}",
    ("/api/recovery-codes/", "post"): f"{TOKEN} confirmation_required not_found",
    ("/api/email/", "get"): TOKEN,
    ("/api/email/", "post"): f"invalid_request not_authenticated confirmation_required {BODY} delivery_failed",
    ("/api/email/", "delete"): f"{TOKEN} confirmation_required not_found",
    ("/api/email/verify/", "post"): "invalid_request invalid_or_expired_code not_authenticated method_not_allowed "
    "too_large unsupported_media_type unavailable",
    ("/api/passkeys/", "get"): f"{TOKEN} not_found",
    ("/api/passkeys/begin/", "post"): f"{TOKEN} invalid_request confirmation_required not_found",
    ("/api/passkeys/finish/", "post"): "invalid_request invalid_or_expired_code not_authenticated not_found "
    "method_not_allowed too_large unsupported_media_type unavailable",
    ("/api/passkeys/sign-in/begin/", "post"): "not_found method_not_allowed",
    ("/api/passkeys/sign-in/finish/", "post"): f"invalid_request invalid_or_expired_code not_found {BODY}",
    ("/api/passkeys/{passkey_id}/", "delete"): f"{TOKEN} confirmation_required not_found last_way_in",
    ("/api/phone/", "post"): f"{NUMBER} undeliverable_phone not_authenticated confirmation_required proof_required "
    f"{BODY} {KEY} delivery_failed",
    ("/api/phone/verify/", "post"): f"invalid_request invalid_or_expired_code not_authenticated phone_taken {BODY}",
    ("/api/second-phone/", "get"): TOKEN,
    ("/api/second-phone/", "post"): f"{NUMBER} undeliverable_phone not_authenticated confirmation_required "
    f"proof_required {BODY} {KEY} delivery_failed",
    ("/api/second-phone/", "delete"): f"{TOKEN} confirmation_required not_found",
    ("/api/second-phone/verify/", "post"): f"invalid_request invalid_or_expired_code not_authenticated phone_taken "
    f"{BODY}",
    ("/api/recovery/", "post"): f"invalid_request invalid_phone region_not_allowed not_found {BODY}",
    ("/api/recovery/verify/", "post"): "invalid_request invalid_or_expired_code not_found method_not_allowed too_large "
    "unsupported_media_type unavailable",
    ("/api/recovery/phone/", "post"): f"{NUMBER} undeliverable_phone not_found recovery_waits proof_required {BODY} "
    f"{KEY} delivery_failed",
    ("/api/recovery/phone/verify/", "post"): "invalid_request invalid_or_expired_code not_found recovery_waits "
    f"phone_taken {BODY}",
    ("/api/me/", "get"): TOKEN,
    ("/api/me/", "patch"): "invalid_request not_authenticated method_not_allowed too_large unsupported_media_type "
    "unavailable",
    ("/api/me/", "delete"): f"{TOKEN} confirmation_required erasure_refused limited",
    ("/api/me/export/", "get"): TOKEN,
    ("/api/me/events/", "get"): TOKEN,
    ("/api/sessions/", "get"): TOKEN,
    ("/api/sessions/{session_id}/", "delete"): f"{TOKEN} not_found",
    ("/api/sessions/end-others/", "post"): TOKEN,
    ("/api/logout/", "post"): TOKEN,
    ("/api/logout-everywhere/", "post"): TOKEN,
}
SESSIONS = {  # whose requests end some
    *("/api/logout/", "/api/logout-everywhere/"),
    *("/api/sessions/{session_id}/", "/api/sessions/end-others/"),
}
PERSONS = {"/api/me/", "/api/me/export/", "/api/me/events/"}
FACTORS = {
    "/api/email/",
    "/api/email/verify/",
    "/api/authenticator/",
    "/api/authenticator/verify/",
    "/api/recovery-codes/",
}
PASSKEYS = {f"/api/passkeys/{address}" for address in ("", "begin/", "finish/", "{passkey_id}/")}
CONFIRMING = {"/api/confirm/", "/api/confirm/verify/"}
CHANGING = {"/api/phone/", "/api/phone/verify/", "/api/second-phone/", "/api/second-phone/verify/"}
STATUSES = {  # of the contract
    "invalid_request": 400,
    "invalid_phone": 400,
    "region_not_allowed": 400,
    "undeliverable_phone": 400,
    "invalid_or_expired_code": 400,
    "profile_required": 400,
    "not_authenticated": 401,
    "refresh_reused": 401,
    "sign_in_again": 401,
    "permission_denied": 403,
    "confirmation_required": 403,
    "second_factor_required": 403,
    "number_too_new": 403,
    "recovery_waits": 403,
    "proof_required": 403,
    "is_this_you": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "last_way_in": 409,
    "phone_taken": 409,
    "request_in_progress": 409,
    "erasure_refused": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_key_reused": 422,
    "limited": 429,
    "internal_error": 500,
    "delivery_failed": 503,
    "unavailable": 503,
}

NEW = '{"text": "+998901234568"}'


def make():
    return SchemaGenerator().get_schema(public=True)


@pytest.fixture(scope="module")
def document():
    return make()


def operations(document):
    return {(path, method): told for path, item in document["paths"].items() for method, told in item.items()}


def component(document, name):
    """Return a validator of one component; its references lead into the same document."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())


def members(document, name):
    """Return the names of the members that a component describes."""
    return set(document["components"]["schemas"][name]["properties"])


def bodies(operation):
    """Return every body of an operation as (status, media type, content); the status of its request is None."""
    parts = [(None, operation.get("requestBody", {})), *operation["responses"].items()]
    return [(status, name, content) for status, part in parts for name, content in part.get("content", {}).items()]


def examples(operation, status):
    content = operation["responses"][str(status)]["content"]["application/problem+json"]
    return {example["value"]["code"]: example["value"] for example in content["examples"].values()}


def test_the_document_is_valid_openapi_3_1_and_made_without_a_warning(document):
    validate_schema(document)
    assert document["openapi"].startswith("3.1.")
    assert not GENERATOR_STATS


def test_the_document_lists_exactly_the_endpoints_with_their_closing_slash(document):
    assert set(operations(document)) == set(CODES)


@pytest.mark.parametrize("endpoint", CODES, ids=lambda endpoint: endpoint[0])
def test_every_error_of_an_endpoint_has_an_example_with_its_own_code_and_status(document, endpoint):
    operation = operations(document)[endpoint]
    told = {}
    for status in (status for status in operation["responses"] if status >= "400"):
        for code, value in examples(operation, status).items():
            assert value["status"] == int(status)
            told[code] = int(status)
    assert told == {code: STATUSES[code] for code in CODES[endpoint].split()}


def test_the_codes_of_the_contract_are_all_there_are(document):
    assert set(document["components"]["schemas"]["ProblemCode"]["enum"]) == set(problems.TITLES) == set(STATUSES)


def test_every_example_is_of_the_form_it_is_an_example_of(document):
    seen = 0
    for operation in operations(document).values():
        for _, _, content in bodies(operation):
            name = content["schema"]["$ref"].rpartition("/")[2]
            for example in content["examples"].values():
                component(document, name).validate(example["value"])
                seen += 1
    assert seen > 30


def test_requests_are_json_and_errors_are_problems(document):
    for operation in operations(document).values():
        for status, media_type, content in bodies(operation):
            error = status is not None and status >= "400"
            assert media_type == ("application/problem+json" if error else "application/json")
            assert not error or content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_links_lead_from_a_send_to_what_may_follow_with_the_members_it_takes(document):
    told = operations(document)
    links = told["/api/send-otp/", "post"]["responses"]["200"]["links"]
    assert {link["operationId"] for link in links.values()} == {"verify_otp", "send_otp", "challenge"}
    for link in links.values():
        assert link["operationId"] in {operation["operationId"] for operation in told.values()}
        members = link.get("requestBody") or link["parameters"]
        assert members["challenge_id"] == "$response.body#/challenge_id"
        assert members.get("phone") == ("$request.body#/phone" if "requestBody" in link else None)
    assert not [
        path for (path, _), other in told.items() if "links" in str(other["responses"]) and path != "/api/send-otp/"
    ]


def test_the_server_is_where_the_document_comes_from(document):
    assert [server["url"] for server in document["servers"]] == ["/"]


def test_the_task_of_a_problem_is_typed(document):
    assert document["components"]["schemas"]["Problem"]["properties"]["altcha"] == {
        "$ref": "#/components/schemas/OtpTask"
    }


def test_refusals_that_end_by_themselves_document_retry_after_and_401_documents_its_challenge(document):
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            always = status >= "400" and all("retry_after" in told for told in examples(operation, status).values())
            assert always or status not in ("429", "503")
            names = {"Retry-After"} if always else set()
            names |= {"WWW-Authenticate"} if status == "401" else set()
            assert set(answer.get("headers", ())) == names
            assert all(header["required"] for header in answer.get("headers", {}).values())


def test_only_the_endpoints_for_people_who_are_signed_in_ask_for_a_token(document):
    asking = {path for (path, _), operation in operations(document).items() if operation.get("security")}
    assert asking == {*PERSONS, *SESSIONS, "/api/sessions/", *CONFIRMING, *CHANGING, *FACTORS, *PASSKEYS}
    assert document["components"]["securitySchemes"]["otpToken"]["scheme"] == "bearer"


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"phone": "+998901234567"}, True),
        ({"phone": "+998 (90) 123-45-67", "challenge_id": "x", "channel": "sms"}, True),
        ({}, False),
        ({"phone": 998901234567}, False),
        ({"phone": "998901234567"}, False),
        ({"phone": "+99890123456\u0667"}, False),
        ({"phone": "+998901234567", "channel": "pigeon"}, False),
        ({"phone": "+998901234567", "challenge_id": ""}, False),
        ({"phone": "+998901234567", "challenge_id": 65 * "x"}, False),
        ({"phone": "+998901234567", "challengeid": "x"}, False),
    ],
)
def test_the_form_of_a_send_is_that_of_the_contract(document, body, good):
    assert component(document, "SendRequest").is_valid(body) is good


@pytest.mark.parametrize("spelling", ["+998901234567", "+998 90 123 45 67", "+998(90)123-45-67", "+(998) 90.123.45.67"])
def test_every_spelling_of_a_number_that_is_accepted_is_documented(document, spelling):
    assert phones.parse(spelling) == "+998901234567"
    assert component(document, "SendRequest").is_valid({"phone": spelling})


def test_the_task_of_a_proof_of_work_is_described_member_by_member(document):
    form, task = component(document, "OtpTask"), proof_of_work.make_task()
    assert component(document, "Problem").is_valid(problems.body(ProofRequired(task)))
    form.validate(task)
    for name in task["parameters"]:
        rest = {other: value for other, value in task["parameters"].items() if other != name}
        assert not form.is_valid(task | {"parameters": rest})
        assert not form.is_valid(task | {"parameters": rest | {name: None}})
    assert not form.is_valid(task | {"parameters": task["parameters"] | {"more": 1}})
    assert not form.is_valid({"parameters": task["parameters"]})


@pytest.mark.parametrize("name", ["OTP_DEFAULT_REGION", "OTP_ALLOWED_REGIONS"])
@pytest.mark.parametrize(
    "spelling", ["901234567", "90 123-45-67", "(90) 123 45 67", "tel:90 123 45 67", "+998901234567"]
)
def test_the_national_form_is_documented_where_it_is_accepted(settings, name, spelling):
    setattr(settings, name, "UZ")
    assert phones.parse(spelling) == "+998901234567"
    assert component(make(), "SendRequest").is_valid({"phone": spelling})


@pytest.mark.parametrize("spelling", ["tel:+998901234567", "00 998 90 123 45 67", " +998\u00a0(90) 123\u20114567"])
def test_a_spelling_is_documented_if_it_is_accepted_and_no_other(spelling):
    try:
        accepted = phones.parse(spelling) == "+998901234567"
    except InvalidPhone:
        accepted = False
    assert component(make(), "SendRequest").is_valid({"phone": spelling}) == accepted
    assert not component(make(), "SendRequest").is_valid({"phone": "90 123 45 67"})


@override_settings(OTP_CODE_LENGTH=8, OTP_REQUIRE_CHALLENGE_ID=True)
def test_the_form_of_a_check_follows_the_settings():
    form = component(make(), "VerifyRequest")
    body = {"phone": "+998901234567", "otp": "12345678", "challenge_id": "x"}
    assert form.is_valid(body)
    assert not form.is_valid(body | {"otp": "123456"})
    assert not form.is_valid(body | {"otp": "1234567\u0668"})
    assert not form.is_valid({"phone": "+998901234567", "otp": "12345678"})


@override_settings(OTP_TOKEN_BACKEND="otp_app.tokens.session.SessionTokens")
def test_with_sessions_the_proof_is_a_cookie_and_a_change_without_csrf_token_is_a_documented_403():
    document = make()
    validate_schema(document)
    assert not GENERATOR_STATS
    told = operations(document)
    assert document["components"]["securitySchemes"]["otpToken"]["in"] == "cookie"
    assert set(examples(told["/api/logout/", "post"], 403)) == {"permission_denied"}
    refusing = {path for (path, _), operation in told.items() if "403" in operation["responses"]}
    assert refusing == {
        *SESSIONS,
        *CONFIRMING,
        *CHANGING,
        *PASSKEYS - {"/api/passkeys/"},
        *FACTORS,
        "/api/me/",
        "/api/send-otp/",
        "/api/verify-otp/",
        "/api/recovery/phone/",
        "/api/recovery/phone/verify/",
    }  # for proofs, of work or not
    [answer] = told["/api/verify-otp/", "post"]["responses"]["200"]["content"]["application/json"]["examples"].values()
    assert answer["value"]["token"] is None
    component(document, "OtpVerified").validate(answer["value"])


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("0b7e", True),
        ('"quoted, with spaces"', True),
        (255 * "k", True),
        ("", False),
        (256 * "k", False),
        ("\u00e9", False),
    ],
)
def test_the_form_of_an_idempotency_key_is_documented_for_sends_and_verifications_alone(document, key, good):
    told = {
        path: parameter
        for (path, _), operation in operations(document).items()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header" and parameter["name"] != "Otp-Confirmation"
    }
    sends = {"/api/phone/", "/api/second-phone/", "/api/recovery/phone/"}
    assert set(told) == {"/api/send-otp/", "/api/verify-otp/", "/api/confirm/", *sends}
    for parameter in told.values():
        assert (parameter["name"], parameter.get("required", False)) == ("Idempotency-Key", False)
        assert jsonschema.Draft202012Validator(parameter["schema"]).is_valid(key) is good


@pytest.mark.django_db(transaction=True)
def test_a_whole_sign_in_and_a_confirmation_are_answered_in_the_documented_forms(client, outbox, document, clock):
    phone = "+998901234567"
    sent = client.post("/api/send-otp/", {"phone": phone}, "application/json")
    component(document, "OtpSent").validate(sent.json())
    told = client.get(f"/api/challenges/{sent.json()['challenge_id']}/")
    component(document, "OtpState").validate(told.json())
    check = {"phone": phone, "otp": outbox[-1].code, "challenge_id": sent.json()["challenge_id"]}
    verified = client.post("/api/verify-otp/", check, "application/json")
    component(document, "OtpVerified").validate(verified.json())
    headers = {"authorization": f"Bearer {verified.json()['token']}"}
    clock.advance(3600)
    asked = client.post("/api/confirm/", {"purpose": "change_phone"}, "application/json", headers=headers)
    component(document, "OtpConfirming").validate(asked.json())
    assert set(asked.json()) <= members(document, "OtpConfirming")
    check = {"otp": outbox[-1].code, "challenge_id": asked.json()["challenge_id"]}
    confirmed = client.post("/api/confirm/verify/", check, "application/json", headers=headers)
    component(document, "OtpConfirmed").validate(confirmed.json())
    row = kept.open_for(user := get_user_model().objects.get(), kept.begin(user, "change_phone", NEW, 32 * "0"))
    body = {"phone": "+998901234568", "confirmation": kept.confirm(row)}
    asked = client.post("/api/phone/", body, "application/json", headers=headers)
    component(document, "OtpSent").validate(asked.json())
    check = {"otp": outbox[-1].code, "challenge_id": asked.json()["challenge_id"]}
    changed = client.post("/api/phone/verify/", check, "application/json", headers=headers)
    component(document, "OtpPhoneChanged").validate(changed.json())
    component(document, "OtpCountries").validate(client.get("/api/countries/").json())
    bearer = {"Authorization": f"Bearer {verified.json()['token']}"}
    me = client.get("/api/me/", headers=bearer).json()
    component(document, "OtpMe").validate(me)
    assert set(me) == members(document, "OtpMe") == {"id", "phone", "full_name", "language"}
    assert client.post("/api/logout/", headers=bearer).status_code == 204
    after = client.get("/api/me/", headers=bearer)
    assert after.status_code == 401
    component(document, "Problem").validate(after.json())


@pytest.mark.django_db
def test_the_documentation_page_asks_no_foreign_host_for_anything(client):
    page = client.get("/api/docs/").content.decode()
    script = client.get("/api/docs/?script=").content.decode()
    assert 'validatorUrl": null' in script  # left out, it is a validator on the internet
    for text in (page, script):
        assert not re.findall(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", text, re.IGNORECASE)
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(addresses) == 5
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)


@pytest.mark.django_db
def test_everything_the_documentation_page_loads_is_served(client):
    page = client.get("/api/docs/").content.decode()
    for address in re.findall(r"""(?:src|href)=["']([^"']+)""", page):
        if address.startswith("/static/"):
            assert finders.find(address.removeprefix("/static/"))
        else:
            assert client.get(address.replace("&amp;", "&")).status_code == 200


def test_a_view_of_a_project_that_only_borrows_our_manners_is_described_by_that_project():
    from otp_app.api.schema import OtpViewExtension
    from otp_app.api.views import OtpView

    class Own(OtpView):
        pass

    assert OtpViewExtension(Own.as_view()).view_replacement() is Own


def test_what_a_passkey_signs_for_a_confirmation_is_described(document):
    assert {"challenge_id", "by", "expires_in", "options"} <= members(document, "OtpConfirming")
