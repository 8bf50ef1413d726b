from base.settings import *

INSTALLED_APPS += ["uuids"]
AUTH_USER_MODEL = "uuids.Person"
