"""The service's settings, in processes that may die at a fault point."""

from otp_project.settings import *  # noqa: F403

INSTALLED_APPS += ["tests.torture.apps.FaultsConfig"]  # noqa: F405
