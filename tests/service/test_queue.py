"""The running service with Celery: real workers, a real broker, and what is left when either of them dies."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests import valkey

from .conftest import UNREACHED_LIMITS, surprises
from .running import ROOT, running
from .talking import phone, send, sending, together, verify
from .twilio_server import Twilio

PATIENCE = 120  # seconds; no test means to wait so long
DEADLINE = 6  # seconds for which a provider's answer is waited for: fewer than the 7 after which its client gives up
EXPECTED = "not queued, left to the sweep"  # without a broker
ENDED = {("sent", ""), ("unknown", "lease")}


def until(holds, what):
    begun = time.monotonic()
    while not (found := holds()):
        assert time.monotonic() - begun < PATIENCE, what() if callable(what) else what
        time.sleep(0.05)
    return found


class Worker:
    """``celery -A otp_project worker`` beside a service, in a group of its own. Called, it is killed."""

    def __init__(self, service, folder, name, *options):
        self._log = folder / f"{name}.log"
        command = [
            "-m",
            "celery",
            "-A",
            "otp_project",
            "worker",
            "--concurrency=1",
            f"--hostname={name}@tests",
            *options,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=service.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self):
        return self._log.read_text()

    def wait_until_ready(self):
        until(lambda: "ready." in self.output, lambda: self.output)
        return self

    def connect(self):
        """Nothing to connect: see ``together``."""

    def __call__(self):
        time.sleep(0.05)
        self.kill()

    def kill(self):
        """With all its processes, in the middle of whatever they do."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self):
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(PATIENCE) == 0, self.output
        return self.output


@contextmanager
def working(service, folder, *names):
    workers = [Worker(service, folder, *name.split()) for name in names]
    try:
        for worker in workers:
            worker.wait_until_ready()
        yield workers
    finally:
        for worker in workers:
            if worker._process.poll() is None:
                worker.kill()


@pytest.fixture(scope="module")
def broker():
    with valkey.running() as server:
        yield server


@pytest.fixture(scope="module")
def twilio():
    server = Twilio()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def service(broker, twilio, tmp_path_factory):
    """Its sends go to workers, who hand them to Twilio."""
    environment = {
        "LOG_LEVEL": "INFO",
        "OTP_QUEUE": "otp_app.queues.celery.CeleryQueue",
        "CELERY_BROKER_URL": broker.url,
        "OTP_PROVIDER_DEADLINE": str(DEADLINE),
        "OTP_CODE_LENGTH": "10",  # so that a code that is found somewhere is not there by chance
        **twilio.environment,
    }
    with running(tmp_path_factory.mktemp("queue"), **environment, **UNREACHED_LIMITS) as started:
        yield started
        assert [line for line in surprises(started) if EXPECTED not in line] == []


def ids(answers):
    assert {answer.status for answer in answers} == {200}
    return [answer.json["challenge_id"] for answer in answers]


def states(service, challenge_ids):
    """Status and error of the deliveries of these challenges."""
    theirs = "REPLACE(CAST(challenge AS text), '-', '')"
    rows = {
        name: (status, error)
        for name, status, error in service.database.rows(f"SELECT {theirs}, status, error FROM otp_app_delivery")
    }
    return {rows[challenge_id] for challenge_id in challenge_ids}


def sent(service, challenge_ids):
    return lambda: states(service, challenge_ids) == {("sent", "")}


def test_three_workers_deliver_every_send_once_and_live_through_the_loss_of_one(service, twilio, tmp_path):
    with working(service, tmp_path, "one", "two", "three --beat") as workers:
        number = phone()
        first = ids([send(service, number)])
        until(sent(service, first), lambda: workers[0].output)
        assert verify(service, number, twilio.code_for(number), first[0]).status == 200

        numbers = [phone() for _ in range(24)]
        calls = [sending(service, other) for other in numbers]
        second = ids(together([*calls, workers[0]])[:-1])
        # What the dead one had begun may have been heard; what it had only fetched, a sweep sees to.
        service.clock.advance(61)
        until(lambda: (service.manage("otp_sweep"), states(service, second) <= ENDED)[1], "all come to an end")
        heard = [len(twilio.received(other)) for other in numbers]
        assert max(heard) == 1
        assert sum(heard) >= len(numbers) - 1

        workers[2].end()
        output = service.output + "".join(worker.output for worker in workers)
        assert "beat: Starting" in workers[2].output
        assert not [line for line in output.splitlines() if " ERROR " in line and EXPECTED not in line]
        assert "Traceback" not in output
        assert number.removeprefix("+") not in output
        codes = [twilio.code_for(fields["To"]) for _, _, fields in twilio.requests]
        assert not [code for code in codes if code in output]


def test_without_its_broker_the_service_answers_and_a_sweep_delivers(service, twilio, broker, tmp_path):
    with working(service, tmp_path, "one") as (worker,):
        broker.stop()
        numbers = [phone() for _ in range(5)]
        lost = ids([send(service, number) for number in numbers])
        assert states(service, lost) == {("queued", "")}
        service.clock.advance(6)
        assert swept_until(service, sent(service, lost)) == 5
        assert [len(twilio.received(number)) for number in numbers] == [1] * 5

        broker.start()

        def taken_by_a_worker():
            asked = ids([send(service, phone())])
            time.sleep(0.5)
            return sent(service, asked)()

        until(taken_by_a_worker, lambda: worker.output)  # without any help of a sweep


def swept_until(service, done):
    """How many sends a sweep drove that goes on until then."""
    command = [sys.executable, "manage.py", "otp_sweep", "--every=1"]
    sweep = subprocess.Popen(command, cwd=ROOT, env=service.environment, stdout=subprocess.PIPE, text=True)
    try:
        until(done, "the sweep delivers them")
    finally:
        sweep.send_signal(signal.SIGTERM)
        output, _ = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 0
    return sum(int(number) for number in re.findall(r"Swept: (\d+) lost sends", output))


def test_a_provider_that_hangs_holds_up_no_request_and_is_asked_once_whoever_dies(service, twilio, tmp_path):
    good, slow, unheard = phone(), phone(), phone()
    with working(service, tmp_path, "one") as (worker,):
        known = ids([send(service, good)])
        until(sent(service, known), lambda: worker.output)
        with twilio.answering("hang"):
            hanging = ids([send(service, slow)])
            assert verify(service, good, twilio.code_for(good), known[0]).status == 200
            assert states(service, hanging) == {("queued", "")}  # both were answered before the provider was given up
            until(lambda: states(service, hanging) == {("unknown", "deadline")}, lambda: worker.output)
            orphan = ids([send(service, unheard)])
            until(lambda: unheard in twilio.stuck, "the provider is asked")
            worker.kill()
    assert states(service, orphan) == {("queued", "")}
    service.clock.advance(61)
    assert "1 given up as unknown" in service.manage("otp_sweep")
    assert states(service, orphan) == {("unknown", "lease")}
    assert [len(twilio.received(number)) for number in (good, slow, unheard)] == [1, 1, 1]
