"""Stand in for providers on the network: a test chooses how the ``send`` of each ends."""

import threading
import time
from contextlib import contextmanager

from otp_app.delivery import executor
from otp_app.providers.base import Provider, Receipt
from otp_app.testing.in_force import in_force

PATIENCE = 60  # seconds; no test means to wait so long


class RemoteProvider(Provider):
    """Act as tests say: ``behaviours`` maps names to functions of a message; others accept. ``sent`` keeps all."""

    title = "Remote"
    channels = frozenset({"sms", "call", "whatsapp", "telegram"})
    behaviours: dict = {}  # noqa: RUF012  (shared on purpose: the test and the provider meet in it)
    sent: list = []  # noqa: RUF012
    running: list = []  # noqa: RUF012

    def __init__(self, name="remote"):
        self.name = name

    def send(self, message):
        self.sent.append((self.name, message))
        self.running.append(message)
        try:
            return self.behaviours.get(self.name, lambda message: Receipt(f"{self.name}-{len(self.sent)}", 1))(message)
        finally:
            self.running.remove(message)


class Remotes:
    """Let a test choose how providers behave, and see what they were handed."""

    def __init__(self):
        self.release = threading.Event()  # ends calls that hang

    def behave(self, behaviour, name="remote"):
        RemoteProvider.behaviours[name] = behaviour

    def fail(self, error, name="remote"):
        def failing(message):
            raise error

        self.behave(failing, name)

    def hang(self, name="remote"):
        self.behave(lambda message: self.release.wait(PATIENCE) and Receipt(), name)

    def work(self, name="remote"):
        RemoteProvider.behaviours.pop(name, None)

    @property
    def sent(self):
        return RemoteProvider.sent

    def asked(self):
        """Return the names of the providers that were called, in order."""
        return [name for name, _ in RemoteProvider.sent]


@contextmanager
def remotes(*names, routes=None):
    """Put providers with these names in force, in this order."""
    RemoteProvider.behaviours.clear()
    RemoteProvider.sent.clear()
    entries = [
        {"ALIAS": name, "BACKEND": "tests.remote.RemoteProvider", "OPTIONS": {"name": name}, "PRICE": "0.05"}
        for name in names or ("remote",)
    ]
    remote = Remotes()
    with in_force(OTP_PROVIDERS=entries, OTP_ROUTES=routes or {}, OTP_ALLOWED_REGIONS=["UZ", "KZ", "US"]):
        try:
            yield remote
        finally:
            remote.release.set()
            until = time.monotonic() + PATIENCE
            while RemoteProvider.running and time.monotonic() < until:
                time.sleep(0.005)
            executor._pool.cache_clear()


def once_others_were_asked(remote, alias, times):
    """Return a behaviour that answers once the provider ``alias`` was asked ``times`` times."""

    def answer(message):
        until = time.monotonic() + PATIENCE
        while remote.asked().count(alias) < times and time.monotonic() < until:
            time.sleep(0.01)
        return Receipt("x")

    return answer
