"""Sessions that are ended in one process are ended in the others."""

import pytest

from .talking import Call, code_of, get, phone, send, verify

pytestmark = [pytest.mark.each_database, pytest.mark.requests]

ASKED = 40  # new connections, which the kernel spreads over the two processes


def test_an_ended_session_is_worth_nothing_in_any_process(service):
    number = phone()
    held = []
    for _ in range(2):
        challenge_id = send(service, number).json["challenge_id"]
        token = verify(service, number, code_of(service, challenge_id), challenge_id).json["token"]
        held.append({"Authorization": f"Bearer {token}"})
    other, own = held
    assert {get(service, "/api/me/", headers=other).status for _ in range(ASKED)} == {200}  # in whatever process
    (ended,) = (each for each in get(service, "/api/sessions/", headers=own).json["sessions"] if not each["current"])
    assert Call(service, f"/api/sessions/{ended['id']}/", method="DELETE", headers=own)().status == 204
    assert {get(service, "/api/me/", headers=other).status for _ in range(ASKED)} == {401}
    assert {get(service, "/api/me/", headers=own).status for _ in range(ASKED)} == {200}
