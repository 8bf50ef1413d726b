"""Set up the service's admin, and Celery for the Celery queue; without that queue Celery is not imported."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ServiceAdminConfig(AdminConfig):
    default_site = "otp_project.admin.ServiceAdmin"


class QueueConfig(AppConfig):
    name = "otp_project"

    def ready(self) -> None:
        """Make our Celery app the current one, or the queue would publish to a broker that nobody configured."""
        from .celery import app  # the import makes it current

        app.connection_for_write().get_transport_cls()  # imports its client, so that no request has to
