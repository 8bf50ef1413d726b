"""The WSGI application, for any WSGI server; ``python -m otp_project`` runs it under granian."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
application = get_wsgi_application()

from otp_app.apps import warm  # noqa: E402  (the settings must be loaded first)

warm()
