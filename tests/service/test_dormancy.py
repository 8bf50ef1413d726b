"""Ninety idle days, played by the clock file of a running service."""

import pytest

from .talking import Call, code_of, phone, send


@pytest.fixture(params=["sql_service", "redis_service"])
def service(request):
    return request.getfixturevalue(request.param)


def sign_in(service, number, **more):
    """Ask for a code, and return what sends it in."""
    challenge_id = send(service, number).json["challenge_id"]
    body = {"phone": number, "otp": code_of(service, challenge_id), "challenge_id": challenge_id} | more
    return lambda **answer: Call(service, "/api/verify-otp/", body | answer)()


@pytest.mark.each_database
def test_another_device_is_asked_after_ninety_days_and_the_number_then_has_a_new_account(service):
    number = phone()
    first = sign_in(service, number)()
    service.clock.advance(91 * 24 * 3600)
    known = sign_in(service, number, device=first.json["device"])()
    assert known.json["user"]["id"] == first.json["user"]["id"]
    service.clock.advance(91 * 24 * 3600)
    answer = sign_in(service, number)
    asked = answer()
    assert (asked.status, asked.code, asked.json["factors"]) == (403, "is_this_you", [])
    new = answer(account="new")
    assert new.json["user"]["is_new"] is True
    assert new.json["user"]["id"] != first.json["user"]["id"]
    again = sign_in(service, number, device=known.json["device"])()
    assert again.json["user"] == new.json["user"] | {"is_new": False}
