"""Requests to send a code under an Idempotency-Key, and processes that die while they answer one."""

import json

KEY = "0b7e4d2a-5d0c-4d6e-9a51-6a7d3c1f2e90"
LEASE = 16  # seconds, a little more than the real one


class Died(BaseException):
    """Stand for the end of the process at this place."""


def ask(client, body, key=KEY, name="send-otp", **headers):
    headers |= {} if key is None else {"Idempotency-Key": key}
    raw = body if isinstance(body, str) else json.dumps(body)
    return client.post(f"/api/{name}/", raw, content_type="application/json", headers=headers)


def code(response):
    return response.status_code, response.json().get("code")


def dying(monkeypatch, owner, name, *, before):
    """Make the process die at the call of ``owner.name``: before it, or else after it."""
    real = getattr(owner, name)

    def die(*args, **kwargs):
        if not before:
            real(*args, **kwargs)
        raise Died

    monkeypatch.setattr(owner, name, die)
