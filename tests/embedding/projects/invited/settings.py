from base.settings import *

INSTALLED_APPS += ["invited"]
AUTH_USER_MODEL = "invited.Member"
OTP_ACCOUNTS = "invited.accounts.InvitedAccounts"
OTP_SIGN_UP = "invited"
