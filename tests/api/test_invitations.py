"""Where sign-ups are not open to all, nobody can tell from outside who may get in; who may not gets no message."""

import pytest
from django.contrib.auth import get_user_model

from otp_app.delivery import dispatch, routing
from otp_app.models import Delivery
from otp_app.providers.base import NotAccepted, Rejected
from otp_app.queues import background
from tests import members
from tests.factories import new_phone
from tests.remote import remotes

pytestmark = [pytest.mark.django_db, pytest.mark.requests]


class Waiting:
    """A queue whose workers come later."""

    at_once = False
    given = []  # noqa: RUF012

    def enqueue(self, grant):
        self.given.append(grant.challenge.id)


@pytest.fixture(autouse=True)
def _invited(settings):
    settings.OTP_SIGN_UP = "invited"
    settings.OTP_ACCOUNTS = members.path(members.Guests)


@pytest.fixture(autouse=True)
def background_now(monkeypatch):
    """Do in the same thread what belongs after the answer: a test's transaction is seen in no other."""
    monkeypatch.setattr(background, "run", background._run_safely)


@pytest.fixture
def known():
    return get_user_model().objects.create_user(new_phone()).phone


MOST = 5  # checks or sends that are left


def post(client, name, body):
    return client.post(f"/api/{name}/", body, content_type="application/json")


def rounded(answer):
    """Round seconds that are left, of which a slow machine takes up to fifteen; leave numbers of checks and sends."""
    seconds = {name: value for name, value in answer.items() if isinstance(value, int) and value > MOST}
    return answer | {name: (value + 15) // 20 for name, value in seconds.items()}


def story(client, clock, phone):
    """Return what is seen of a phone from outside: sends, their states, sends again, another channel, a wrong code."""
    seen = []

    def see(response):
        answer = response.json()
        challenge_id = answer.pop("challenge_id", None)
        answer.pop("detail", None)  # it has the seconds as words
        assert answer.pop("phone", phone) == phone  # what the asker has typed
        seen.append((response.status_code, sorted(response.headers), rounded(answer)))
        return challenge_id

    challenge_id = see(post(client, "send-otp", {"phone": phone}))
    for channel in ({}, {"channel": "call"}):
        again = {"phone": phone, "challenge_id": challenge_id, **channel}
        see(client.get(f"/api/challenges/{challenge_id}/"))
        see(post(client, "send-otp", again | {"channel": "call"}))
        clock.advance(120)
        see(post(client, "send-otp", again))
    see(client.get(f"/api/challenges/{challenge_id}/"))
    see(post(client, "verify-otp", {"phone": phone, "otp": "000000", "challenge_id": challenge_id}))
    see(post(client, "send-otp", {"phone": phone}))
    return seen


BEHAVIOURS = {"works": None, "fails": NotAccepted("down"), "rejects": Rejected("no such number")}
BOTH = {"*": {"sms": ["remote"], "call": ["remote"]}}


@pytest.mark.parametrize("behaviour", [*BEHAVIOURS, "is reported as undelivered"])
@pytest.mark.parametrize("queue", ["otp_app.queues.inline.InlineQueue", "tests.api.test_invitations.Waiting"])
def test_the_story_of_who_may_get_in_is_that_of_who_may_not(
    client, clock, known, settings, each_store, behaviour, queue
):
    settings.OTP_QUEUE = queue
    with remotes(routes=BOTH) as remote:
        if error := BEHAVIOURS.get(behaviour):
            remote.fail(error)
        if behaviour not in BEHAVIOURS:
            deliver = background._run_safely

            def deliver_and_report(work, grant):
                deliver(work, grant)
                Delivery.objects.update(status=Delivery.Status.UNDELIVERED)

            settings_of = pytest.MonkeyPatch()
            settings_of.setattr(background, "run", deliver_and_report)
        stories = [story(client, clock, phone) for phone in (known, members.INVITED, new_phone())]
        if behaviour not in BEHAVIOURS:
            settings_of.undo()
    assert [status for status, *_ in stories[0]] == [200, 200, 429, 200, 200, 429, 200, 200, 400, 429]
    assert stories[0] == stories[1] == stories[2]


def test_who_may_not_get_in_gets_no_message_and_no_worker_and_no_sweep_sends_one(client, clock, known, settings):
    settings.OTP_QUEUE = "tests.api.test_invitations.Waiting"
    Waiting.given.clear()
    with remotes() as remote:
        ids = [
            post(client, "send-otp", {"phone": phone}).json()["challenge_id"]
            for phone in (known, members.INVITED, new_phone())
        ]
        assert Waiting.given == ids[:2]
        for challenge_id in ids:
            dispatch.deliver(challenge_id)
        assert [message.to for _, message in remote.sent] == [known, members.INVITED]
    assert Delivery.objects.get(challenge=ids[2]).provider == routing.NO_PROVIDER


def test_within_the_request_nothing_is_sent_to_them_either(client, known, outbox):
    for phone in (known, members.INVITED, new_phone()):
        assert post(client, "send-otp", {"phone": phone}).status_code == 200
    assert [message.to for message in outbox] == [known, members.INVITED]


def test_the_code_that_they_might_guess_signs_nobody_up(client, outbox, monkeypatch):
    phone = new_phone()
    with monkeypatch.context() as invited:
        invited.setattr(members.Guests, "may_sign_up", lambda *_: True)
        post(client, "send-otp", {"phone": phone})
    refused = post(client, "verify-otp", {"phone": phone, "otp": outbox[-1].code})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_or_expired_code")
    assert not get_user_model().objects.exists()


def test_a_failure_is_told_where_anybody_may_sign_up(client, settings):
    settings.OTP_SIGN_UP, settings.OTP_ACCOUNTS = "open", "otp_app.accounts.Accounts"
    with remotes() as remote:
        remote.fail(NotAccepted("down"))
        assert post(client, "send-otp", {"phone": new_phone()}).status_code == 503
