"""Web processes, a sweep, Celery workers, PostgreSQL and Valkey, all real: all but the two servers may be killed."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress

from celery import Celery

from otp_app.testing.clock import Clock
from otp_app.testing.contracts.gateway import gateway
from tests import journal, valkey
from tests.service.conftest import UNREACHED_LIMITS
from tests.service.running import ROOT, Database, Service
from tests.service.talking import get

from .company import ACCOUNTS, TOKEN, Company

LEASE = 15  # seconds
_SWEEP = {"sweep": ["manage.py", "otp_sweep", "--every", "1"]}
_CELERY = ["-m", "celery", "-A", "otp_project", "worker", "--concurrency", "2", "-l", "INFO"]
_CELERY += ["--without-gossip", "--without-mingle"]
_WORKERS = {f"worker{number}": [*_CELERY, "-n", f"worker{number}@torture"] for number in (1, 2)}


_BESIDE = {"celery": _SWEEP | _WORKERS, "inline": _SWEEP}  # the web, by the queue
_VICTIMS = {
    "celery": ("web worker", "web worker", "web", "helper", "child of a helper", "child of a helper"),
    "inline": ("web worker", "web worker", "web", "helper"),
}
_QUEUES = {"celery": "otp_app.queues.celery.CeleryQueue", "inline": "otp_app.queues.inline.InlineQueue"}


class Cluster:
    """``queue`` is "celery" or "inline", ``store`` "sql" or "redis". Everything it prints is in ``output``."""

    def __init__(self, folder, queue, store, server, company, gate):
        self.folder, self.queue, self.store, self.server, self.company = folder, queue, store, server, company
        self.plan, self.deaths_file = folder / "plan", folder / "deaths"
        self.plan.write_text("")
        self.deaths_file.write_text("")
        self.database = Database(folder)
        self.service = Service(folder, self.database, server if store == "redis" else None)
        self.clock: Clock = self.service.clock
        self.service.environment |= {
            **UNREACHED_LIMITS,
            "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
            "FAULT_PLAN": str(self.plan),
            "FAULT_DEATHS": str(self.deaths_file),
            "CELERY_BROKER_URL": server.url,
            "LOG_LEVEL": "INFO",
            "OTP_OUTBOX_FILE": "",
            "OTP_ALLOWED_REGIONS": "UZ",
            "OTP_CODE_LENGTH": "10",  # so that a code that is found somewhere is not there by chance
            "OTP_QUEUE": _QUEUES[queue],
            "OTP_LEASE": str(LEASE),
            "OTP_PROVIDER_DEADLINE": "5",  # an Idempotency-Key whose request died is free again after five more
            "OTP_CIRCUIT_FAILURES": "1000000",  # circuits have tests of their own; here every message counts
            "OTP_PUBLIC_URL": f"http://127.0.0.1:{self.service.port}",
            "OTP_PROVIDERS": json.dumps([_provider(name, gate.url) for name in ACCOUNTS]),
        }
        self.helpers = {}
        self.killed = 0
        self._stopped = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise)

    @property
    def output(self):
        return self.service.output + "".join(path.read_text() for path in sorted(self.folder.glob("helper-*")))

    def start(self):
        self.service.start()
        self._supervisor.start()
        self.revive()

    def _supervise(self):
        """Start the web again whenever it has ended, as it does after too many deaths of its workers."""
        while not self._stopped.wait(0.2):
            if self.service.process.poll() is not None:
                self.service.launch()

    def revive(self):
        """Whatever is dead lives again."""
        self.plan.write_text("")
        for name in _BESIDE[self.queue].keys() - self._alive().keys():
            self.helpers[name] = self._help(name)
        until = time.monotonic() + 180
        while not self._answers():
            assert time.monotonic() < until, self.service.output[-4000:]
            time.sleep(0.1)

    def _answers(self):
        try:
            return get(self.service, "/readyz").status == 200
        except OSError:
            return False

    def _alive(self):
        """The helpers that nobody has killed, by name."""
        return {name: process for name, process in self.helpers.items() if process.poll() is None}

    def _help(self, name):
        with (self.folder / f"helper-{name}").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *_BESIDE[self.queue][name]],
                cwd=ROOT,
                env=self.service.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_one(self, chance: random.Random):
        """SIGKILL to a process of the cluster: a web worker, the web as a whole, a helper or a child of one."""
        kind = chance.choice(_VICTIMS[self.queue])
        victims = {
            "web worker": self.service.workers,
            "web": lambda: [self.service.process],
            "helper": lambda: list(self._alive().values()),
            "child of a helper": lambda: [pid for mother in self._alive().values() for pid in _children(mother.pid)],
        }[kind]()
        if victims:
            _kill(chance.choice(victims))
        self.killed += 1
        return kind

    def deaths(self):
        """How many processes have died at a named place, and were killed from outside."""
        return len(self.deaths_file.read_text().splitlines()) + self.killed

    def redeliver(self, stop: threading.Event):
        """As a broker does that is not sure whether anybody has heard: the newest ids again, three times each."""
        if self.queue != "celery":
            return
        broker = Celery(broker=self.server.url, set_as_current=False)
        newest = "SELECT REPLACE(CAST(challenge AS text), '-', '') FROM otp_app_delivery ORDER BY id DESC LIMIT 3"
        with closing(self.database.connect()) as connection:
            while not stop.wait(0.05):
                for (challenge,) in connection.execute(newest).fetchall() * 3:
                    broker.send_task("otp_app.deliver", [challenge], ignore_result=True)
        broker.close()

    def settles_within(self, seconds):
        """Whether in this time every send comes to an end and into the database, and every report to its send."""
        until = time.monotonic() + seconds
        while self._unsettled():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def _unsettled(self):
        left = ("otp_app_delivery WHERE status = 'queued'", "otp_app_event WHERE delivery_id IS NULL")
        rows = sum(self.database.value(f"SELECT COUNT(*) FROM {what}") for what in left)
        return rows + self.server.command("ZCARD", journal.KEY)

    def used(self):
        """What is used of the limits in which all sends meet, as the store of the service tells it."""
        command = [sys.executable, "-m", "tests.torture.sender"]
        done = subprocess.run(command, cwd=ROOT, env=self.service.environment, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def stop(self):
        if self._supervisor.ident:
            self._stopped.set()
            self._supervisor.join()
        for process in self.helpers.values():
            _kill(process)
        self.service.kill()
        self.database.drop()


def _provider(name, url):
    options = {"account_sid": ACCOUNTS[name], "auth_token": TOKEN, "sender": "+15005550006", "base_url": url}
    return {
        "ALIAS": name,
        "BACKEND": "otp_app.providers.twilio.TwilioProvider",
        "OPTIONS": options,
        "PRICE": "0.05",
    }


def _children(pid):
    listing = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, mother in map(str.split, listing.splitlines()) if mother == str(pid)]


def _kill(victim):
    """A process by its id, or one that we have started, with its children; then nobody takes it for alive."""
    with suppress(ProcessLookupError):  # it has just died by itself
        if isinstance(victim, int):
            os.kill(victim, signal.SIGKILL)
        else:
            os.killpg(victim.pid, signal.SIGKILL)
            victim.wait()


@contextmanager
def cluster(folder, queue, store, seed):
    """A running one, surely gone afterwards."""
    company = Company(seed)
    with valkey.running() as server, gateway() as gate:
        gate.answer = company.answer
        made = Cluster(folder, queue, store, server, company, gate)
        try:
            made.start()
            yield made
        finally:
            company.finish()
            made.stop()
