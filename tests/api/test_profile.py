"""The members of a sign-up in POST /api/verify-otp/, and what the accounts show of a user."""

import pytest
from django.contrib.auth import get_user_model

from tests import members
from tests.api.test_schema import component, make
from tests.factories import new_phone

pytestmark = pytest.mark.django_db


def post(client, name, body):
    return client.post(f"/api/{name}/", body, content_type="application/json")


@pytest.fixture
def asking(settings):
    settings.OTP_ACCOUNTS = members.path(members.Asking)


@pytest.fixture
def body(client, outbox):
    phone = new_phone()
    post(client, "send-otp", {"phone": phone})
    return {"phone": phone, "otp": outbox[-1].code}


def test_somebody_new_is_asked_for_what_is_missing_and_comes_again_with_it(asking, client, body):
    asked = post(client, "verify-otp", body)
    assert (asked.status_code, asked.json()["code"]) == (400, "profile_required")
    assert asked.json()["errors"] == {
        "profile.full_name": ["This field is required."],
        "profile.consent": ["This field is required."],
    }
    answer = post(client, "verify-otp", body | {"profile": {"full_name": "A Name", "consent": True}})
    user = get_user_model().objects.get(phone=body["phone"])
    assert answer.json()["user"] == {"id": user.pk, "phone": user.phone, "is_new": True, "full_name": "A Name"}
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    me = client.get("/api/me/", headers=headers).json()
    assert me == {"id": user.pk, "phone": user.phone, "full_name": "A Name"}


@pytest.mark.parametrize(
    ("profile", "errors"),
    [
        ({"full_name": "A Name"}, {"profile.consent": ["This field is required."]}),
        ("A Name", {"profile": ["This must be a JSON object."]}),
        (None, {"profile": ["This must be a JSON object."]}),
    ],
)
def test_a_profile_that_is_not_valid_is_refused_before_the_code_is_looked_at(asking, client, body, profile, errors):
    refused = post(client, "verify-otp", body | {"otp": "000000", "profile": profile})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["errors"] == errors


@pytest.mark.parametrize("profile", [{"language": "\ud800"}, {"\udfff": "A Name"}, {"full_name": [{"a": "\ud800"}]}])
def test_a_profile_with_half_of_a_surrogate_pair_is_refused_and_not_quoted(asking, client, body, profile):
    refused = post(client, "verify-otp", body | {"profile": profile})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    assert refused.json()["errors"] == {"profile": ["This is not valid JSON."]}


def test_where_no_profile_is_taken_the_member_is_unknown(client, body):
    refused = post(client, "verify-otp", body | {"profile": {}})
    assert refused.json()["errors"] == {"profile": ["This field is unknown."]}


def test_the_document_has_the_members_where_there_are_any(settings):
    def schema():
        document = make()
        return document, document["components"]["schemas"]["VerifyRequest"]["properties"]

    assert "profile" not in schema()[1]
    settings.OTP_ACCOUNTS = members.path(members.Asking)
    document, properties = schema()
    name = properties["profile"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["required"] == ["consent", "full_name"]
    component(document, name).validate({"full_name": "A Name", "consent": True})
