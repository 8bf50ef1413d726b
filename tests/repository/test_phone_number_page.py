"""docs/phone-number.md: its requests and answers are those of the API, and its message is the one that is sent."""

import json
import re

import pytest

from otp_app import tokens
from otp_app.accounts import number_changes
from otp_app.models import SecondPhone
from tests.factories import new_phone
from tests.programs import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.requests]

PAGE = (ROOT / "docs" / "phone-number.md").read_text(encoding="utf-8")
BLOCKS = list(map(json.loads, re.findall(r"(?ms)^```json\n(.*?)^```$", PAGE)))
CONFIRM, CHANGE, CHANGED, CONFIRM_SECOND, SECOND, ADDED, BY_SECOND = BLOCKS
(MESSAGE,) = re.findall(r"(?ms)^```text\n(.*?)^```$", PAGE)


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user(new_phone())


@pytest.fixture
def post(client, user):
    headers = {"authorization": f"Bearer {tokens.current().issue(user, None).token}", "accept-language": "en"}
    return lambda path, body: client.post(
        f"/api/{path}/", body, content_type="application/json", headers=headers
    ).json()


def test_the_number_of_the_page_is_confirmed_proven_and_changed(user, post, outbox):
    asked = post("confirm", CONFIRM)
    assert (outbox[-1].to, outbox[-1].body) == (user.phone, MESSAGE.strip().replace("123456", outbox[-1].code))
    answer = {"challenge_id": asked["challenge_id"], "otp": outbox[-1].code}
    sent = post("phone", CHANGE | {"confirmation": post("confirm/verify", answer)["confirmation"]})
    assert outbox[-1].to == CHANGE["phone"]
    changed = post("phone/verify", {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code})
    assert set(changed) == set(CHANGED)
    assert changed["user"] == CHANGED["user"] | {"id": user.pk}


def test_the_second_number_of_the_page_is_added_and_confirms_the_change(user, post, outbox):
    def confirmed(body, to):
        asked = post("confirm", body)
        assert outbox[-1].to == to
        return post("confirm/verify", {"challenge_id": asked["challenge_id"], "otp": outbox[-1].code})["confirmation"]

    def proven(path, body):
        sent = post(path, body)
        assert outbox[-1].to == body["phone"]
        return post(f"{path}/verify", {"challenge_id": sent["challenge_id"], "otp": outbox[-1].code})

    confirmation = confirmed(CONFIRM_SECOND, user.phone)
    assert proven("second-phone", SECOND | {"confirmation": confirmation}) == ADDED
    SecondPhone.objects.update(verified_at=1)
    changed = proven("phone", CHANGE | {"confirmation": confirmed(BY_SECOND, SECOND["phone"])})
    assert changed["user"] == CHANGED["user"] | {"id": user.pk}


def test_the_page_says_how_long_each_period_is():
    hours = [period // 3_600_000 for period in (number_changes.UNDO_MS, number_changes.NEW_MS)]
    assert re.findall(r"\*\*For (\d+) hours\*\*", PAGE) == list(map(str, hours))
    assert number_changes.KEPT_MS == 4 * 24 * 3_600_000
