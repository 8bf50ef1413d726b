"""What the store in Redis has taken on and has not yet seen in the database."""

import json

KEY = "otp:journal"


def entries(server):
    """As it keeps them, the oldest first: challenge, instant, provider, unconverted, reference."""
    return [json.loads(entry) for entry in server.command("ZRANGE", KEY, 0, -1)]


def providers(server):
    return [provider for _, _, provider, *_ in entries(server)]
