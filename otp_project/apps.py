"""In force when OTP_QUEUE is the Celery queue; nobody else pays for importing Celery."""

from django.apps import AppConfig


class QueueConfig(AppConfig):
    name = "otp_project"

    def ready(self) -> None:
        """Without an app of ours the queue would publish to a broker that nobody configured."""
        from .celery import app  # by which it is the current one

        app.connection_for_write().get_transport_cls()  # imports its client, so that no request has to
