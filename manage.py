#!/usr/bin/env python
"""Django's command line. Without a configured SECRET_KEY these are somebody's first minutes: development mode.

``manage.py otp_key`` prints a new SECRET_KEY. It is answered here, for Django's own commands need a SECRET_KEY already.
"""

import os
import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["otp_key"]:
        from otp_project.secret import fresh_secret

        sys.stdout.write(f"{fresh_secret()}\n")
        sys.exit()

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
    os.environ.setdefault("OTP_FIRST_MINUTES", "1")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
