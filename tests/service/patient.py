"""Wait for providers' replies until the deadline and long after it; else the service's settings."""

from otp_app.providers import http
from otp_project.settings import *  # noqa: F403

http.READ_TIMEOUT = 60
