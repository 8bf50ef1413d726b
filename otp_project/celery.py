"""Make the Celery app: ``celery -A otp_project worker``. It reads Django's settings that begin with ``CELERY_``."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")

SWEEP_SECONDS = 10

app = Celery("otp_project")
app.set_default()  # for every thread, not only the one that imports this
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {
    "sweep": {"task": "otp_app.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
    "purge": {"task": "otp_app.purge", "schedule": crontab(minute="17")},
}


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def keep_logging(**_: Any) -> None:
    """Keep Django's LOGGING: with a receiver for this signal Celery does not set up its own."""


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def warm_up(**_: Any) -> None:
    """Load everything before the processes are forked, so that their first deliveries need not."""
    from otp_app.apps import warm

    warm()
