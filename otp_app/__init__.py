"""Sign people in to Django by phone number.

A person sends a phone number, gets a one-time code by SMS, sends it back and holds an auth token.

Quickstart::

    INSTALLED_APPS = [..., "rest_framework", "otp_app"]
    AUTH_USER_MODEL = "otp_app.User"            # or keep your own and name OTP_USER_PHONE_FIELD
    TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_PHONE_NUMBER = ...
    OTP_ALLOWED_REGIONS = ["UZ"]

    urlpatterns = [path("api/", include("otp_app.urls"))]

The front door for Python callers is :mod:`otp_app.services`; :mod:`otp_app.conf` has every setting.
"""

__version__ = "0.1.0"
