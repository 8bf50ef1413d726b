from base.settings import *

INSTALLED_APPS += ["phonenumber_field", "phone_number"]
AUTH_USER_MODEL = "phone_number.Client"
OTP_USER_PHONE_FIELD = "number"
