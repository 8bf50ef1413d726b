"""Run the system checks and return the ids of ours that complain."""

from django.core import checks

TWILIO = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "x", "TWILIO_PHONE_NUMBER": "+12015550123"}


def ids(*, deploy=False):
    found = checks.run_checks(include_deployment_checks=deploy)
    return [message.id for message in found if message.id.startswith("otp_app") and not message.is_silenced()]
