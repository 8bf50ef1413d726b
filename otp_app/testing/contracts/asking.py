"""Call a store as the services do."""

from ...limits import request_limits
from .values import new_challenge


def open_one(store, client=None, **values):
    challenge = new_challenge(**values)
    return store.open(challenge, sending(challenge, client))


def sending(challenge, client=None, **limits):
    return request_limits.for_send(challenge.phone, client, checks=challenge.checks, device=challenge.device, **limits)


def check(store, challenge, *, by_id=True, client=None):
    wanted = challenge.id if by_id else None
    return store.spend_check(challenge.phone, challenge.purpose, wanted, request_limits.for_check(client))


def send_again(store, challenge, client=None, claims=None, channel="sms"):
    taken = request_limits.for_send(challenge.phone, client, device=challenge.device)
    how = {"device": challenge.device, "language": "uz", "channel": channel}
    return store.spend_send(challenge.phone, challenge.purpose, challenge.id, taken, claims, **how)
