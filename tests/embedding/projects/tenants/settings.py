from base.settings import *

INSTALLED_APPS += ["tenants"]
AUTH_USER_MODEL = "tenants.Guest"
OTP_ACCOUNTS = "tenants.accounts.TenantAccounts"
