"""Which keys are taken, and which requests hold one."""

import pytest

from otp_app.models import KeptAnswer
from tests.api.idempotency.keyed import ask, code
from tests.factories import new_phone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("key", ["k", " k", '"quoted"', 255 * "k", "a b~!"])
def test_a_key_is_any_printable_ascii(client, key):
    assert ask(client, {"phone": new_phone()}, key=key).status_code == 200


@pytest.mark.parametrize("key", ["", 256 * "k", "k\u00e9y", "tab\tbed", "nul\0", "\x7f"])
def test_what_is_no_key_is_said_to_be_none(client, remote, key):
    response = ask(client, {"phone": new_phone()}, key=key)
    assert code(response) == (400, "invalid_request")
    assert list(response.json()["errors"]) == ["Idempotency-Key"]
    assert remote.sent == []


def test_without_a_key_nothing_is_kept(client):
    ask(client, {"phone": new_phone()}, key=None)
    assert not KeptAnswer.objects.exists()


def test_what_has_not_the_right_form_holds_no_key(client):
    assert code(ask(client, {"phone": 1})) == (400, "invalid_request")
    assert not KeptAnswer.objects.exists()
    assert ask(client, {"phone": new_phone()}).status_code == 200
