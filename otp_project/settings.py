"""Configure the ready service by the environment, then by ``.env``; ``.env.example`` lists every name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from otp_app.conf import Conf

from . import mail
from .environment import entries, flag, integer, is_set, items, level, load, mapping, text, zone
from .secret import MIN_CHARACTERS, MIN_DIFFERENT_CHARACTERS, UNSAFE_PREFIX, is_weak, read_or_make_secret

BASE_DIR = Path(__file__).resolve().parent.parent
load(BASE_DIR / ".env")

# Development is switched on by `make run`, and by manage.py as long as nobody has configured a SECRET_KEY.
_configured = text("SECRET_KEY")
DEBUG = flag("DEBUG", default=not is_set("SECRET_KEY") and is_set("OTP_FIRST_MINUTES"))
if _configured:
    SECRET_KEY = _configured
elif DEBUG:
    SECRET_KEY = read_or_make_secret(BASE_DIR / ".secret_key")
else:
    raise ImproperlyConfigured("Set SECRET_KEY to what `manage.py otp_key` prints, or DEBUG=1 for development.")
SECRET_KEY_FALLBACKS = items("SECRET_KEY_FALLBACKS")
if not DEBUG and any(map(is_weak, (SECRET_KEY, *SECRET_KEY_FALLBACKS))):  # a signature of an old key is still valid
    raise ImproperlyConfigured(
        f"SECRET_KEY, and each of SECRET_KEY_FALLBACKS, must have at least {MIN_CHARACTERS} characters, "
        f"{MIN_DIFFERENT_CHARACTERS} of them different, and not begin with {UNSAFE_PREFIX}: set SECRET_KEY to what "
        "`manage.py otp_key` prints, and take weak ones out of SECRET_KEY_FALLBACKS."
    )
ALLOWED_HOSTS = items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = items("CSRF_TRUSTED_ORIGINS")

HOST = text("HOST", "127.0.0.1")
PORT = integer("PORT", 8000)
WEB_CONCURRENCY = integer("WEB_CONCURRENCY", 2, least=1)  # processes
THREADS = integer("THREADS", 16, least=1)  # of each process

INSTALLED_APPS = [
    "otp_project.apps.ServiceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "otp_app",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "otp_app.staff.StaffMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# Middleware for pages would be a third of what a request to the API costs.
API_MIDDLEWARE = ["otp_project.middleware.ApiMiddleware"]
ROOT_URLCONF = "otp_project.urls"
WSGI_APPLICATION = "otp_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _database() -> dict[str, Any]:
    database: dict[str, Any] = environ.Env.db_url_config(text("DATABASE_URL") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    database["ATOMIC_REQUESTS"] = flag("ATOMIC_REQUESTS")
    options = database.setdefault("OPTIONS", {})
    if "sqlite" in database["ENGINE"]:
        # WAL lets readers and a writer work at once; IMMEDIATE takes the write lock when a transaction begins.
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}
    elif "postgresql" in database["ENGINE"] and (size := integer("DATABASE_POOL", 0)):
        options["pool"] = {"min_size": 1, "max_size": size, "timeout": 5}  # 503 after 5 s without a connection
    if "pool" not in options:
        database["CONN_MAX_AGE"] = None  # each thread keeps its own: to open one costs more than to use it
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "otp_app.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LOGIN_URL = "otp_web:phone"
CSRF_FAILURE_VIEW = "otp_app.web.problems.csrf_failure"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("uz", "Oʻzbekcha"), ("ru", "Русский")]
TIME_ZONE = zone("TIME_ZONE", "UTC")
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = items("STATIC_DIR")  # a folder of yours, for a logo
STATIC_ROOT = text("STATIC_ROOT") or (None if DEBUG else str(BASE_DIR / "staticfiles"))
if not DEBUG:
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "otp_project.static.CollectedStorage"},
    }
WHITENOISE_USE_FINDERS = True  # no collectstatic needed before the first start
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # the finders have the others
WHITENOISE_AUTOREFRESH = False

# TLS ends at the proxy in front, which also redirects (see SILENCED_SYSTEM_CHECKS).
if integer("OTP_TRUSTED_PROXIES", 0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT")
SECURE_HSTS_SECONDS = integer("SECURE_HSTS_SECONDS", 0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_SUBDOMAINS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:  # by these names browsers take them over TLS only, and from no other host of the domain
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for all subdomains, and
    "security.W021",  # its preload list: a promise only the owner of the domain can make (SECURE_HSTS_SUBDOMAINS)
    "security.W008",  # the redirect to https is the proxy's; SECURE_SSL_REDIRECT=1 makes it ours
]

CORS_ALLOWED_ORIGINS = items("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = (*default_headers, "idempotency-key", "otp-confirmation")

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}  # for the views of the documentation
SPECTACULAR_SETTINGS = {
    "TITLE": "Sign-in by phone",
    "DESCRIPTION": "Send a code to a phone number, verify it, hold a token.",
    "VERSION": "1",
    "SERVERS": [{"url": "/", "description": "Where this document comes from."}],
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # else it asks validator.swagger.io
    "COMPONENT_SPLIT_REQUEST": True,
}

LOG_LEVEL = level("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    # Strangers choose the address that a line quotes, so a message is cut after so many characters.
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message:.1000}", "style": "{"}},
    "filters": {"hosts": {"()": "otp_project.hosts.RefusedHosts"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "null": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # Anybody could fill the log with their tracebacks.
        "django.security.DisallowedHost": {"filters": ["hosts"]},
        "django.security.TooManyFieldsSent": {"handlers": ["null"], "propagate": False},
    },
}

globals().update(mail.server(text("EMAIL_URL"), debug=DEBUG))
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "webmaster@localhost")

TWILIO_ACCOUNT_SID = text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = text("TWILIO_AUTH_TOKEN")
TWILIO_PHONE_NUMBER = text("TWILIO_PHONE_NUMBER")
TWILIO_API_BASE_URL = text("TWILIO_API_BASE_URL")


def _otp_settings() -> dict[str, Any]:
    """Read every OTP_* setting of the environment as the type of its default; lists are comma-separated."""
    readers: dict[type, Callable[[str], Any]] = {bool: flag, int: integer, str: text}
    found: dict[str, Any] = {}
    for name, default in vars(Conf).items():
        if not name.isupper() or not is_set(f"OTP_{name}"):
            continue
        if name == "WAITS":
            found[f"OTP_{name}"] = [int(item) for item in items(f"OTP_{name}")]
        elif type(default) in readers:
            found[f"OTP_{name}"] = readers[type(default)](f"OTP_{name}")
    return found


if text("REDIS_URL"):
    OTP_REDIS_URL = text("REDIS_URL")
    OTP_STORE = "otp_app.stores.redis.RedisStore"
globals().update(_otp_settings())
if text("OTP_TOKEN_BACKEND") not in ("", Conf.TOKEN_BACKEND):  # it may need Django's sessions
    API_MIDDLEWARE += MIDDLEWARE
OTP_ALLOWED_REGIONS = items("OTP_ALLOWED_REGIONS")
OTP_HOME_NETWORKS = items("OTP_HOME_NETWORKS")
OTP_HOME_REGIONS = items("OTP_HOME_REGIONS", ",".join(Conf.HOME_REGIONS))
OTP_NEXT_HOSTS = items("OTP_NEXT_HOSTS")
OTP_PASSKEY_ORIGINS = items("OTP_PASSKEY_ORIGINS")
OTP_TEST_NUMBERS = mapping("OTP_TEST_NUMBERS")
OTP_PROVIDERS = entries("OTP_PROVIDERS")
OTP_ROUTES = mapping("OTP_ROUTES")
OTP_LINE_CHECK = mapping("OTP_LINE_CHECK") or None
OTP_PROVIDER_CALLS = integer("OTP_PROVIDER_CALLS", max(1, THREADS // 2))
OTP_WRITE_BEHIND = integer("OTP_WRITE_BEHIND", 100)

CELERY_BROKER_URL = text("CELERY_BROKER_URL") or text("REDIS_URL").replace("unix://", "redis+socket://", 1)
if text("OTP_QUEUE") == "otp_app.queues.celery.CeleryQueue":
    if not CELERY_BROKER_URL:
        raise ImproperlyConfigured("OTP_QUEUE is Celery's: set CELERY_BROKER_URL, or REDIS_URL.")
    INSTALLED_APPS.append("otp_project.apps.QueueConfig")
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 60}  # seconds; an id that is handed out twice costs nothing
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker for ever
CELERY_IMPORTS = ["otp_app.queues.celery"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_CONCURRENCY = integer("WORKER_CONCURRENCY", 4)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a delivery does not wait for a slow one: another process takes it
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # a provider may have accepted a canceled call
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # keeps no file: the next sweep makes up for a missed one
