from base.settings import *

INSTALLED_APPS += ["profiles"]
OTP_ACCOUNTS = "profiles.accounts.ProfileAccounts"
