from base.settings import *

INSTALLED_APPS += ["replica"]
AUTH_USER_MODEL = "replica.Member"
DATABASES |= {"replica": {"ENGINE": "django.db.backends.sqlite3", "NAME": "replica.sqlite3"}}
DATABASE_ROUTERS = ["replica.router.Router"]
