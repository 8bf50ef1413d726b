"""The contract of queues, and what each does when its broker or backend fails."""

import json
import threading
from base64 import b64decode
from contextlib import contextmanager
from importlib.util import find_spec

import pytest
from django.test import override_settings

from otp_app import services
from otp_app.challenges import Grant
from otp_app.models import Delivery
from otp_app.queues import celery, tasks
from otp_app.testing.contracts.queues import QueueContract
from otp_project.celery import app
from tests import valkey
from tests.factories import new_challenge, new_phone
from tests.programs import ROOT, run
from tests.remote import remotes

pytestmark = pytest.mark.django_db(transaction=True)

BACKENDS = f"{'django.tasks' if find_spec('django.tasks') else 'django_tasks'}.backends"


@pytest.fixture
def remote():
    with remotes() as providers:
        yield providers


class Inline:
    path = "otp_app.queues.inline.InlineQueue"

    def deliver(self, challenge_id):
        """Do nothing, because ``enqueue`` has delivered already."""

    def carried(self):
        return []


class OverCelery:
    """Messages go through a broker in this process, and are read from it as they are."""

    path = "otp_app.queues.celery.CeleryQueue"

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(app.conf, "broker_url", "memory://")
        with app.connection_for_read() as connection:
            app.amqp.queues["celery"](connection.default_channel).declare()
            connection.default_channel.queue_purge("celery")

    def deliver(self, challenge_id):
        celery.deliver.apply((challenge_id,))

    @contextmanager
    def broken(self):
        with self._monkeypatch.context() as patch:
            patch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
            yield

    def carried(self):
        found = []
        with app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
            while queue.qsize():
                message = queue.get_nowait()
                message.ack()
                assert message.headers["task"] == "otp_app.deliver"
                args, kwargs, _ = message.payload
                found.append((tuple(args), kwargs))
        return found


class OverTasks:
    path = "otp_app.queues.tasks.TasksQueue"

    def __init__(self, settings):
        settings.TASKS = {"default": {"BACKEND": f"{BACKENDS}.dummy.DummyBackend"}}
        tasks.deliver.get_backend().clear()

    def deliver(self, challenge_id):
        tasks.deliver.call(challenge_id)

    @contextmanager
    def broken(self):
        with override_settings(TASKS={"default": {"BACKEND": "tests.queues.test_queues.Broken"}}):
            yield

    def carried(self):
        backend = tasks.deliver.get_backend()
        found = [(tuple(result.args), result.kwargs) for result in backend.results]
        backend.clear()
        return found


class TestQueue(QueueContract):
    @pytest.fixture(params=["inline", "celery", "tasks"])
    def harness(self, request, settings, monkeypatch):
        made = {"inline": Inline, "celery": lambda: OverCelery(monkeypatch), "tasks": lambda: OverTasks(settings)}
        return made[request.param]()


def test_the_whole_of_celerys_message_tells_neither_code_nor_phone(monkeypatch, remote):
    with valkey.running() as server:
        monkeypatch.setattr(app.conf, "broker_url", server.url)
        grant = Grant(new_challenge(), 0, 0)
        celery.CeleryQueue().enqueue(grant)
        (held,) = server.command("LRANGE", "celery", 0, -1)
        message = json.loads(held)
        args, kwargs, embedded = json.loads(b64decode(message["body"]))
        assert (args, kwargs, set(embedded.values())) == ([grant.challenge.id], {}, {None})
        assert message["headers"]["argsrepr"] == f"('{grant.challenge.id}',)"
        assert grant.challenge.phone.lstrip("+") not in str(held)
        assert grant.challenge.nonce not in str(held)


def test_a_broker_that_hangs_costs_one_request_its_timeout_and_the_next_ones_nothing(monkeypatch, caplog):
    monkeypatch.setattr(celery, "BROKER_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(celery, "BROKER_PAUSE_SECONDS", 600)
    queue, grant = celery.CeleryQueue(), Grant(new_challenge(), 0, 0)
    with valkey.running() as server:
        monkeypatch.setattr(app.conf, "broker_url", server.url)
        queue.enqueue(grant)
        server.pause()
        end = threading.Timer(60, server.resume)  # who waits so long finds it well again
        end.start()
        publish, tried = celery._publish, []
        monkeypatch.setattr(celery, "_publish", lambda challenge_id: tried.append(1) or publish(challenge_id))
        queue.enqueue(grant)
        queue.enqueue(grant)
        end.cancel()
        server.resume()
    assert tried == [1]
    assert [record.getMessage() for record in caplog.records if record.name == "otp_app.queues.celery"] == [
        "not queued, left to the sweep: OperationalError"
    ]
    assert "127.0.0.1" not in caplog.text


def test_after_a_pause_one_request_tries_the_broker_again(monkeypatch):
    published, now = [], [100.0]

    def publish(challenge_id):
        published.append(challenge_id)
        if len(published) < 3:
            queue.enqueue(Grant(new_challenge(id="another"), 0, 0))  # while this one still waits
            raise OSError

    monkeypatch.setattr(celery, "_publish", publish)
    monkeypatch.setattr(celery.time, "monotonic", lambda: now[0])
    queue = celery.CeleryQueue()
    queue._paused_until = 100.0
    for at, tries in ((100, 1), (104, 1), (105, 2), (109, 2), (110, 3), (110, 4)):
        now[0] = float(at)
        queue.enqueue(Grant(new_challenge(id="one"), 0, 0))
        assert len(published) == tries
    assert set(published) == {"one"}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_a_broker_that_is_not_there_fails_no_request(monkeypatch, url, caplog):
    monkeypatch.setattr(app.conf, "broker_url", url)
    celery.CeleryQueue().enqueue(Grant(new_challenge(), 0, 0))
    assert "not queued, left to the sweep" in caplog.text


def test_a_backend_of_tasks_that_fails_fails_no_request(settings, caplog):
    settings.TASKS = {"default": {"BACKEND": "tests.queues.test_queues.Broken"}}
    tasks.TasksQueue().enqueue(Grant(new_challenge(), 0, 0))
    assert "not queued, left to the sweep: InvalidTaskBackend" in caplog.text


def test_the_immediate_backend_delivers_at_once(settings, remote):
    settings.TASKS = {"default": {"BACKEND": f"{BACKENDS}.immediate.ImmediateBackend"}}
    settings.OTP_QUEUE = OverTasks.path
    services.send_code(phone=new_phone())
    assert Delivery.objects.get().status == "sent"


@pytest.mark.parametrize(
    ("named", "broker"),
    [
        ({"CELERY_BROKER_URL": "amqp://host//", "REDIS_URL": "redis://host/0"}, "amqp://host//"),
        ({"REDIS_URL": "rediss://host/0"}, "rediss://host/0"),
        ({"REDIS_URL": "unix:///run/valkey.sock"}, "redis+socket:///run/valkey.sock"),
        ({}, ""),
    ],
)
def test_the_service_takes_its_broker_from_the_environment_or_does_not_start(named, broker):
    show = "import otp_project.settings as s; print(s.CELERY_BROKER_URL)"
    fixed = {"ENV_FILE": "/dev/null", "SECRET_KEY": "abcde" * 10, "OTP_QUEUE": OverCelery.path}
    said = run("-c", show, cwd=ROOT, status=0 if named else 1, **fixed, **named)
    assert said == f"{broker}\n" if named else "CELERY_BROKER_URL, or REDIS_URL" in said


def test_beat_knows_the_tasks_it_is_to_start_and_they_do_their_work(settings, monkeypatch, remote, clock):
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
    OverCelery(monkeypatch)
    settings.OTP_QUEUE = OverCelery.path
    services.send_code(phone=new_phone())
    clock.advance(10)
    celery.sweep.apply().get()
    assert Delivery.objects.get().status == "sent"
    clock.advance(32 * 24 * 3600)
    celery.purge.apply().get()
    assert not Delivery.objects.exists()
