from base.settings import *

INSTALLED_APPS += ["ours"]
AUTH_USER_MODEL = "ours.Member"
SUPERUSER = {"phone": "+12025550100"}
