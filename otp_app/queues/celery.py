"""Deliver by Celery workers. The broker, Redis or RabbitMQ, gets a challenge's id and nothing else.

Nothing is lost with a broker: the send is in the database, and a sweep delivers what no worker claims. So publishing is
tried once and briefly, and a request never fails because of it.
"""

import logging
import time

from celery import shared_task
from kombu.pools import producers

from ..challenges import Grant
from ..delivery import sweeper

logger = logging.getLogger("otp_app.queues.celery")

BROKER_TIMEOUT_SECONDS = 1  # to connect to the broker, and for each of its answers
BROKER_PAUSE_SECONDS = 5  # for which nothing is published after a failure, so that not every request waits

# Acknowledged when done: the id of a worker that was killed goes to another one, and an id that comes twice costs a
# query. Celery does not retry: a send whose delivery raised stays queued in the database.
deliver = shared_task(name="otp_app.deliver", ignore_result=True, acks_late=True, reject_on_worker_lost=True)(
    sweeper.deliver_safely
)


@shared_task(name="otp_app.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """Sweep, for Celery beat, every ten seconds or so."""
    sweeper.sweep()


@shared_task(name="otp_app.purge", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def purge() -> None:
    """Purge, for Celery beat, every hour or so."""
    sweeper.purge()


class CeleryQueue:
    """Publish to the current Celery app, whose workers have imported this module."""

    at_once = False

    def __init__(self) -> None:
        self._paused_until = 0.0  # by time.monotonic; 0: the broker works

    def enqueue(self, grant: Grant) -> None:
        now = time.monotonic()
        if now < self._paused_until:
            return
        if self._paused_until:
            self._paused_until = (
                now + BROKER_PAUSE_SECONDS
            )  # this request tries the broker; the others do not wait for it
        try:
            _publish(grant.challenge.id)
        except Exception as error:  # noqa: BLE001  (each transport has errors of its own)
            self._paused_until = time.monotonic() + BROKER_PAUSE_SECONDS
            # Only the type: the text may quote the broker's address with its password.
            logger.error("not queued, left to the sweep: %s", type(error).__name__)  # noqa: TRY400
        else:
            self._paused_until = 0.0


def _publish(challenge_id: str) -> None:
    # On connections of our own: workers wait longer for messages than a request may wait for the broker.
    once = {"max_retries": 0, "retry_on_timeout": False}
    timeouts = dict.fromkeys(
        ("socket_connect_timeout", "socket_timeout", "read_timeout", "write_timeout"), BROKER_TIMEOUT_SECONDS
    )
    connection = deliver.app.connection_for_write(
        connect_timeout=BROKER_TIMEOUT_SECONDS, transport_options=once | timeouts
    )
    with producers[connection].acquire(block=True, timeout=BROKER_TIMEOUT_SECONDS) as producer:
        deliver.apply_async((challenge_id,), producer=producer, retry=False)
