"""Clients of the API that nobody has seen before, and what they are answered."""

import itertools

import altcha
from django.test import Client

from otp_app import stores

MINUTE, HOUR = 60, 3600  # seconds
addresses = (
    f"{high}.{low}.2.1" for high, low in itertools.product(range(20, 120), range(255))
)  # each of another network


def post(name, body, address=None, client=None, **headers):
    """Post from a new address, unless one is given."""
    extra = {"content_type": "application/json", "headers": headers, "REMOTE_ADDR": address or next(addresses)}
    return (client or Client()).post(f"/api/{name}/", body, **extra)


def send(phone, address=None, client=None, **body):
    return post("send-otp", {"phone": phone, **body}, address, client)


def verify(phone, otp, address=None, client=None, **body):
    return post("verify-otp", {"phone": phone, "otp": otp, **body}, address, client)


def solved(response):
    """Return the solution of the task that this refusal asks for."""
    assert code(response) == "proof_required"
    task = altcha.Challenge.from_dict(response.json()["altcha"])
    return altcha.Payload(task, altcha.solve_challenge(task)).to_base64()


def proven(phone, address=None, **body):
    """Send a code, and solve the task if one is asked for."""
    response = send(phone, address, **body)
    return send(phone, address, **body, proof=solved(response)) if response.status_code == 403 else response


def code(response):
    return response.json().get("code", "sent")


def kazakh(n):
    """Return the n-th of many numbers of Kazakhstan, each with another prefix."""
    return f"+7701{n:03d}4567"


def used(limits, name, phone=""):
    """Return how much is used of the limit with that name."""
    limit = next(limit for limit in limits.limits if limit.name == name)
    return stores.current().usage([limit], phone=phone)[0].used
