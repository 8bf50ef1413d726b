from base.settings import *

INSTALLED_APPS += ["required"]
AUTH_USER_MODEL = "required.Reader"
OTP_ACCOUNTS = "required.accounts.ReaderAccounts"
SUPERUSER = {"username": "staff", "born": "1980-01-01", "agreed": True}
PROFILE = {"born": "2001-02-03", "agreed": True}
