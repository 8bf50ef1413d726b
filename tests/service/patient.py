"""The service's settings, with providers whose replies are waited for until the deadline, and for long after it."""

from otp_app.providers import http
from otp_project.settings import *  # noqa: F403

http.READ_TIMEOUT = 60
