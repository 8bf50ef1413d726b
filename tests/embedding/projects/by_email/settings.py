from base.settings import *

INSTALLED_APPS += ["by_email"]
AUTH_USER_MODEL = "by_email.Customer"
OTP_USER_PHONE_FIELD = "mobile"
SUPERUSER = {"email": "staff@example.com"}
