"""Deliver by Django's tasks framework, in the backend that TASKS names. It gets a challenge's id and nothing else."""

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
    """Deliver the newest send of a challenge, in a worker."""
    sweeper.deliver_safely(challenge_id)


class TasksQueue:
    """Enqueue to the default backend of TASKS."""

    at_once = False

    def enqueue(self, grant: Grant) -> None:
        try:
            deliver.enqueue(grant.challenge.id)
        except Exception as error:  # noqa: BLE001  (each backend has errors of its own)
            # The send is in the database, so nothing is lost. Only the type: a text may quote addresses and passwords.
            logger.error("not queued, left to the sweep: %s", type(error).__name__)  # noqa: TRY400
