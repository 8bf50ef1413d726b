"""Web processes, Celery workers, PostgreSQL and Valkey, all real, any of which but the servers may be killed."""

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

from tests import valkey
from tests.clock import Clock
from tests.gateway import gateway
from tests.service.conftest import ROOM
from tests.service.running import ROOT, Database, Service
from tests.service.talking import get

from .company import ACCOUNTS, TOKEN, Company

WORKERS = 2
LEASE = 15  # seconds


class Cluster:
    """``store`` is "sql" or "redis". Everything it prints is in ``output``."""

    def __init__(self, folder, store, server, company, gate):
        self.folder, self.store, self.server, self.company = folder, store, server, company
        self.plan, self.deaths_file = folder / "plan", folder / "deaths"
        self.plan.write_text("")
        self.deaths_file.write_text("")
        self.database = Database(folder)
        self.service = Service(folder, self.database, server if store == "redis" else None)
        self.clock: Clock = self.service.clock
        self.service.environment |= {
            **ROOM,
            "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
            "FAULT_PLAN": str(self.plan),
            "FAULT_DEATHS": str(self.deaths_file),
            "CELERY_BROKER_URL": server.url,
            "LOG_LEVEL": "INFO",
            "OTP_OUTBOX_FILE": "",
            "OTP_ALLOWED_REGIONS": "UZ",
            "OTP_CODE_LENGTH": "10",  # so that a code that is found somewhere is not there by chance
            "OTP_QUEUE": "otp_app.queues.celery.CeleryQueue",
            "OTP_LEASE": str(LEASE),
            "OTP_PROVIDER_DEADLINE": "5",  # an Idempotency-Key whose request died is free again after five more
            "OTP_CIRCUIT_FAILURES": "1000000",  # circuits have tests of their own; here every message counts
            "OTP_PUBLIC_URL": f"http://127.0.0.1:{self.service.port}",
            "OTP_PROVIDERS": json.dumps([_provider(name, gate.url) for name in ACCOUNTS]),
        }
        self.workers = [None] * WORKERS
        self.killed = 0

    @property
    def output(self):
        return self.service.output + "".join(path.read_text() for path in sorted(self.folder.glob("worker-*")))

    def start(self):
        self.service.start()
        self.revive()

    def revive(self):
        """Whatever is dead lives again."""
        self.plan.write_text("")
        for number, process in enumerate(self.workers):
            if process is None or process.poll() is not None:
                self.workers[number] = self._work(number)
        until = time.monotonic() + 180
        while not self._answers():
            assert time.monotonic() < until, self.service.output[-4000:]
            if self.service.process.poll() is not None:  # killed, or given up after too many deaths of its workers
                self.service.start()
            time.sleep(0.1)

    def _answers(self):
        try:
            return get(self.service, "/readyz").status == 200
        except OSError:
            return False

    def _work(self, number):
        command = [sys.executable, "-m", "celery", "-A", "otp_project", "worker", "--concurrency", "2", "-l", "INFO"]
        with (self.folder / f"worker-{number}").open("ab") as output:
            return subprocess.Popen(
                [*command, "-n", f"worker{number}@torture", "--without-gossip", "--without-mingle"],
                cwd=ROOT,
                env=self.service.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_one(self, chance: random.Random):
        """SIGKILL to a process of the cluster: a web worker, the web's main process, a Celery worker or its child."""
        kind = chance.choice(["web worker", "web worker", "web", "worker", "worker child", "worker child"])
        if kind == "web worker":
            victims = self.service.workers()
        elif kind == "web":
            self.service.kill()
            victims = []
        else:
            alive = [process for process in self.workers if process.poll() is None]
            mothers = [process.pid for process in alive]
            victims = mothers if kind == "worker" else [pid for mother in mothers for pid in _children(mother)]
        if victims:
            _kill(chance.choice(victims), whole=kind == "worker")
        self.killed += 1
        return kind

    def deaths(self):
        """How many processes have died at a named place, and were killed from outside."""
        return len(self.deaths_file.read_text().splitlines()) + self.killed

    def redeliver(self, stop: threading.Event):
        """As a broker does that is not sure whether anybody has heard: the newest ids again, three times each."""
        broker = Celery(broker=self.server.url, set_as_current=False)
        newest = "SELECT REPLACE(CAST(challenge AS text), '-', '') FROM otp_app_delivery ORDER BY id DESC LIMIT 3"
        with closing(self.database.connect()) as connection:
            while not stop.wait(0.05):
                for (challenge,) in connection.execute(newest).fetchall() * 3:
                    broker.send_task("otp_app.deliver", [challenge], ignore_result=True)
        broker.close()

    def sweep(self):
        return self.service.manage("otp_sweep")

    def stop(self):
        for process in self.workers:
            if process and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
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


def _kill(pid, *, whole):
    with suppress(ProcessLookupError):  # it has just died by itself
        (os.killpg if whole else os.kill)(pid, signal.SIGKILL)


@contextmanager
def cluster(folder, store, seed):
    """A running one, surely gone afterwards."""
    company = Company(seed)
    with valkey.running() as server, gateway() as gate:
        gate.answer = company.answer
        made = Cluster(folder, store, server, company, gate)
        try:
            made.start()
            yield made
        finally:
            company.finish()
            made.stop()
