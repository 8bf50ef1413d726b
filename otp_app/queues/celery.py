"""Celery: workers deliver. The broker, Redis or RabbitMQ, is told a challenge's id and nothing else.

Nothing is lost with a broker: the send is in the database, and what no worker takes on a sweep does. So publishing is
tried once and briefly, and a request never fails for it.
"""

import logging
import time

from celery import shared_task
from kombu.pools import producers

from ..challenges import Grant
from ..delivery import sweeper

logger = logging.getLogger("otp_app.queues.celery")

TIMEOUT = 1  # seconds to connect to the broker, and for each of its answers
PAUSE = 5  # seconds for which a broker that failed is left alone, so that not every request waits for it

# Acknowledged when done: the id of a worker that was killed is handed to another one. To be given an id twice costs a
# query. No retry of Celery's: what raised stays queued in the database.
deliver = shared_task(name="otp_app.deliver", ignore_result=True, acks_late=True, reject_on_worker_lost=True)(
    sweeper.drive
)


@shared_task(name="otp_app.sweep", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def sweep() -> None:
    """For Celery beat, every ten seconds or so."""
    sweeper.sweep()


@shared_task(name="otp_app.purge", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery ships no types
def purge() -> None:
    """For Celery beat, every hour or so."""
    sweeper.purge()


class CeleryQueue:
    """Publishes to the current Celery app, whose workers have imported this module."""

    at_once = False

    def __init__(self) -> None:
        self._left_alone_until = 0.0  # by time.monotonic; 0: the broker is well

    def enqueue(self, grant: Grant) -> None:
        now = time.monotonic()
        if now < self._left_alone_until:
            return
        if self._left_alone_until:
            self._left_alone_until = now + PAUSE  # this request tries it, and the others do not wait with us
        try:
            _publish(grant.challenge.id)
        except Exception as error:  # noqa: BLE001  (each transport has errors of its own)
            self._left_alone_until = time.monotonic() + PAUSE
            # Only the type: the text may quote the broker's address with its password.
            logger.error("not queued, left to the sweep: %s", type(error).__name__)  # noqa: TRY400
        else:
            self._left_alone_until = 0.0


def _publish(challenge_id: str) -> None:
    # On connections of our own: workers wait for messages for longer than a request may wait for the broker.
    once = {"max_retries": 0, "retry_on_timeout": False}
    patience = dict.fromkeys(("socket_connect_timeout", "socket_timeout", "read_timeout", "write_timeout"), TIMEOUT)
    connection = deliver.app.connection_for_write(connect_timeout=TIMEOUT, transport_options=once | patience)
    with producers[connection].acquire(block=True, timeout=TIMEOUT) as producer:
        deliver.apply_async((challenge_id,), producer=producer, retry=False)
