"""Django's tasks framework: whichever of its backends TASKS names delivers. It is told a challenge's id."""

import logging

from ..challenges import Grant
from ..delivery import sweeper

try:
    from django.tasks import task  # Django 6
except ImportError:
    from django_tasks import task  # type: ignore[no-redef]  # its backport

logger = logging.getLogger("otp_app.queues.tasks")


@task
def deliver(challenge_id: str) -> None:
    """What a worker does with an id."""
    sweeper.drive(challenge_id)


class TasksQueue:
    """Enqueues to the default backend of TASKS."""

    at_once = False

    def enqueue(self, grant: Grant) -> None:
        try:
            deliver.enqueue(grant.challenge.id)
        except Exception as error:  # noqa: BLE001  (each backend has errors of its own)
            # The send is in the database, so nothing is lost. Only the type: a text may quote addresses and passwords.
            logger.error("not queued, left to the sweep: %s", type(error).__name__)  # noqa: TRY400
