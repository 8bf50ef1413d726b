"""The service's settings, whatever the machine's environment and .env say. DATABASE_URL chooses the database."""

import os
import tempfile

for name in [name for name in os.environ if name.startswith(("OTP_", "TWILIO_"))]:
    del os.environ[name]
os.environ["STATIC_ROOT"] = f"{tempfile.gettempdir()}/otp-tests-no-static"  # whatever stands in that of the service
os.environ |= {"ENV_FILE": os.devnull, "DEBUG": "0", "SECRET_KEY": "the suite's own key, " + 50 * "x"}
os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or (
    f"sqlite:///{tempfile.gettempdir()}/otp-tests-{os.getpid()}.sqlite3"
)

from otp_project.settings import *  # noqa: E402, F403
from otp_project.settings import DATABASES, INSTALLED_APPS, SILENCED_SYSTEM_CHECKS  # noqa: E402

OTP_WRITE_BEHIND = 0  # what was sent is in the database when the answer comes; later has tests of its own
# There is no proxy before the suite's clients, its messages cost nothing, and its staff signs in by password alone.
SILENCED_SYSTEM_CHECKS = [*SILENCED_SYSTEM_CHECKS, "otp_app.W010", "otp_app.W014", "otp_app.W017"]
OTP_PROVIDERS = [{"ALIAS": "memory", "BACKEND": "otp_app.providers.memory.MemoryProvider"}]
INSTALLED_APPS = [  # whose tokens the adapters issue
    *INSTALLED_APPS,
    "rest_framework.authtoken",
    "knox",
    "rest_framework_simplejwt.token_blacklist",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "postgresql" in DATABASES["default"]["ENGINE"]:  # whatever plpgsql finds wrong with a function is an error
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    _options["options"] = f"{_options.get('options', '')} -c plpgsql.extra_errors=all"

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, for threads of a test each have a connection of their own.
    DATABASES["default"]["TEST"] = {"NAME": f"{tempfile.gettempdir()}/otp-tests-{os.getpid()}-test.sqlite3"}

WHITENOISE_AUTOREFRESH = True  # else each client of a test looks through all static files before its first request
OTP_WRITE_BEHIND = 0  # most tests look at once at what became of a send
OTP_STAFF_SECOND_FACTOR = False  # has tests of its own; elsewhere staff signs in to the admin by password alone
OTP_PROOFS = False  # what is asked for proofs of work has tests of its own; elsewhere limits are small on purpose
# Tests ask from few networks and answer little: what is about the amounts of buckets sets its own.
OTP_UNCONVERTED_PER_PREFIX_DAY = OTP_SENDS_PER_PREFIX_DAY = 1000
OTP_UNCONVERTED_PER_SUBNET_DAY = OTP_UNCONVERTED_PER_NETWORK_DAY = 1000
