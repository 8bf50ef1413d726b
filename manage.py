#!/usr/bin/env python
"""Django's command line. Without a configured SECRET_KEY these are somebody's first minutes: development mode."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "otp_project.settings")
    os.environ.setdefault("OTP_FIRST_MINUTES", "1")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
