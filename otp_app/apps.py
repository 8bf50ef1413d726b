"""Start the app: register its checks, and warm up what is slow at first use."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class OtpAppConfig(AppConfig):
    name = "otp_app"
    verbose_name = _("Sign-in by phone")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers them)

        if apps.is_installed("drf_spectacular"):
            from .api import schema  # noqa: F401  (registers itself)


def warm() -> None:
    """Load all that the first request of a process would otherwise wait for, above all the providers' clients."""
    from . import phones, providers

    phones.warm()
    for alias in providers.aliases():
        providers.get(alias)
