"""What must never be written down is looked for in every table, every line of output and every answer (I7)."""

import base64
import hashlib
import re

import pytest

from .running import POSTGRESQL, SECRET_KEY, running
from .talking import code_of, get, phone, post, send, verify, wrong

pytestmark = pytest.mark.each_database

TWILIO_TOKEN = "5d8f0a1c9b7e4e6fa2c3d4e5f6071829"
# Of a code. All that is looked through holds some ten other numbers of so many digits: that one of them is one of the
# twelve codes, read forwards or backwards, happens once in forty million runs (10 * 12 * 2 of 10**10).
LENGTH = 10


class Seen:
    """Everything that came out of one service on which people signed in, failed to and signed out."""

    def __init__(self, service):
        self.service = service
        self.answers, self.codes, self.tokens = [], [], []

    def do(self, answer):
        self.answers.append(f"{answer.status} {answer.headers} {answer.body.decode()}")
        return answer

    def live(self):
        """One person: a code, sent again, three slips, signed in twice, looked at himself and out."""
        service, number = self.service, phone()
        challenge_id = self.do(send(service, number)).json["challenge_id"]
        service.clock.advance(61)
        self.do(send(service, number, challenge_id=challenge_id))
        code = code_of(service, challenge_id)
        self.codes.append(code)
        for n in range(3):
            self.do(verify(service, number, wrong(code, n), challenge_id))
        self.do(verify(service, number, f"{code} ", challenge_id))
        self.do(post(service, "/api/verify-otp/", {"phone": code, "otp": code, "challenge_id": code, "extra": code}))
        signed_in = verify(service, number, code, challenge_id)  # the one answer that holds the token
        token = signed_in.json["token"]
        assert signed_in.headers["cache-control"] == "no-store"
        self.answers.append(f"{signed_in.headers} {signed_in.body.decode().replace(token, '')}")
        self.tokens.append(token)
        self.do(verify(service, number, code, challenge_id))
        for scheme in ("Bearer", "Token"):
            assert self.do(get(service, "/api/me/", headers={"Authorization": f"{scheme} {token}"})).status == 200
        self.do(get(service, "/api/me/", headers={"Authorization": f"Bearer {token}x"}))
        self.do(get(service, "/api/nothing/", headers={"Authorization": f"Bearer {token}"}))
        if len(self.tokens) % 2:
            out = self.do(post(service, "/api/logout/", headers={"Authorization": f"Bearer {token}"}))
            assert out.status == 204
            assert self.do(get(service, "/api/me/", headers={"Authorization": f"Bearer {token}"})).status == 401

    def database(self):
        """Every cell of every table, as text."""
        cells = []
        for table in self.service.database.tables():
            for row in self.service.database.rows(f'SELECT * FROM "{table}"'):
                cells += [cell.hex() if isinstance(cell, bytes | memoryview) else str(cell) for cell in row]
        return "\n".join(cells)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    environment = {
        "TWILIO_ACCOUNT_SID": "AC" + 32 * "0",
        "TWILIO_PHONE_NUMBER": "+15005550006",
        "OTP_CODE_LENGTH": str(LENGTH),
    }
    with running(tmp_path_factory.mktemp("secrets"), TWILIO_AUTH_TOKEN=TWILIO_TOKEN, **environment) as service:
        seen = Seen(service)
        for _ in range(12):
            seen.live()
        for path in ("/healthz", "/readyz", "/admin/login/", "/api/schema/", "/api/docs/", "/api/send-otp/"):
            seen.do(get(service, path))
        seen.do(get(service, "/", headers={"Host": "evil.example"}))  # in development Django shows its settings
        seen.do(get(service, "/nothing/"))
        service.manage("otp_purge")
        yield seen


@pytest.fixture(params=["database", "output", "answers"])
def text(request, seen):
    text = {
        "database": seen.database,
        "output": lambda: seen.service.output,
        "answers": lambda: "\n".join(seen.answers),
    }
    found = text[request.param]()
    assert len(found) > 10_000  # that much there is to be looked through
    return found


def test_no_code_is_written_down(seen, text):
    numbers = set(re.findall(rf"(?<!\d)\d{{{LENGTH}}}(?!\d)", text))
    assert numbers.isdisjoint(seen.codes)
    assert numbers.isdisjoint(code[::-1] for code in seen.codes)


def test_no_fast_hash_of_a_code_is_written_down(seen, text):
    for code in seen.codes:
        assert base64.b64encode(code.encode()).decode() not in text
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
            digest = hashlib.new(name, code.encode())
            assert digest.hexdigest() not in text.lower()
            assert base64.b64encode(digest.digest()).decode() not in text


def test_no_token_is_written_down(seen, text):
    for token in seen.tokens:
        assert token not in text
        assert token.removeprefix("otp_") not in text
        assert token[4:24] not in text


def test_no_key_is_written_down(text):
    for secret in (SECRET_KEY, TWILIO_TOKEN):
        assert secret not in text
        assert secret[-20:] not in text


def test_the_search_would_have_found_what_it_looks_for(seen):
    """Numbers, digests and ids are where they should be, so the dumps hold what was stored."""
    database, stored = seen.database(), [hashlib.sha256(token.encode()).hexdigest() for token in seen.tokens]
    assert sum(digest in database for digest in stored) == 6  # the other six have signed out
    assert "+998" in database
    assert "otp_app_challenge" in seen.service.output  # the SQL of DEBUG level
    assert ("jsonb" in seen.service.output) == POSTGRESQL
    assert seen.service.outbox_file.read_text().count(seen.codes[0]) >= 2
