"""The front door for coroutines is the same door: same arguments, results and errors, in a thread."""

import asyncio

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from otp_app import aio, tokens
from otp_app.errors import InvalidOrExpiredCode, Limited
from otp_app.models import User
from otp_app.testing import outbox as open_outbox
from tests.factories import new_phone, other_than

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_signs_in_is_known_by_the_token_and_signs_out_everywhere(outbox):
    phone = new_phone()

    async def everything():
        grant = await aio.asend_code(phone=phone)
        done = await aio.asign_in(phone=phone, code=outbox[-1].code, challenge_id=grant.challenge.id)
        known = await aio.aauthenticate(done.issued.token)
        await aio.asign_out_everywhere(user=done.user)
        return done.user, known, await aio.aauthenticate(done.issued.token)

    assert async_to_sync(everything)() == (user := User.objects.get(phone=phone), user, None)


def test_the_holder_of_a_jwt_is_read_before_the_coroutine_goes_on_and_must_be_active(settings):
    settings.OTP_TOKEN_BACKEND = "otp_app.tokens.jwt.JwtTokens"
    user = User.objects.create_user(new_phone())
    token = tokens.current().issue(user, None).token

    async def everything():
        known = await aio.aauthenticate(token)
        phone = known.phone  # no query here
        await User.objects.aupdate(is_active=False)
        return phone, await aio.aauthenticate(token)

    assert async_to_sync(everything)() == (user.phone, None)


def test_without_a_request_the_calls_of_a_process_share_one_thread_with_its_connection():
    async def everything():
        with open_outbox() as sent:
            phones = [new_phone() for _ in range(4)]
            await asyncio.gather(*(aio.asend_code(phone=phone) for phone in phones))
            answers = [aio.averify_code(phone=phone, code=sent.code(phone)) for phone in phones]
            approved = await asyncio.gather(*answers)
        await sync_to_async(connections.close_all)()
        return [challenge.phone for challenge in approved] == phones

    assert asyncio.run(everything())


def test_errors_are_those_of_the_services(outbox):
    phone = new_phone()
    async_to_sync(aio.asend_code)(phone=phone)
    with pytest.raises(Limited):
        async_to_sync(aio.asend_code)(phone=phone)
    with pytest.raises(InvalidOrExpiredCode):
        async_to_sync(aio.averify_code)(phone=phone, code=other_than(outbox[-1].code))


def test_connections_that_are_too_old_are_closed_before_and_after_a_call_also_one_that_fails(monkeypatch):
    done = []
    monkeypatch.setattr(aio, "close_old_connections", lambda: done.append("closed"))

    def fail():
        done.append("called")
        raise LookupError

    with pytest.raises(LookupError):
        async_to_sync(aio._in_thread(fail))()
    assert done == ["closed", "called", "closed"]
