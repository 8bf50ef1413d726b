"""The ready service, configured by the environment, then by ``.env``. Every name stands in ``.env.example``."""

import os
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from otp_app.conf import Conf

from .secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))


def _text(name: str, default: str = "") -> str:
    """A text of the environment, or of the file that NAME_FILE names: such files tend to end in a line break."""
    return str(env.str(name, default=default)).strip()


def _integer(name: str, default: int) -> int:
    try:
        return int(env.int(name, default=default))
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {env.str(name)!r}.") from None


# Development is switched on by `make run`, and by manage.py as long as nobody has configured a SECRET_KEY.
_configured = _text("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=not _configured and "OTP_FIRST_MINUTES" in os.environ)
if _configured:
    SECRET_KEY = _configured
elif DEBUG:
    SECRET_KEY = kept_secret(BASE_DIR / ".secret_key")
else:
    raise ImproperlyConfigured("Set SECRET_KEY (50 random characters or more), or DEBUG=1 for development.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

HOST = env.str("HOST", default="127.0.0.1")
PORT = _integer("PORT", default=8000)
WEB_CONCURRENCY = _integer("WEB_CONCURRENCY", default=2)  # processes
THREADS = _integer("THREADS", default=16)  # of each process

INSTALLED_APPS = [
    "django.contrib.admin",
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
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
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
    database: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")
    database["ATOMIC_REQUESTS"] = env.bool("ATOMIC_REQUESTS", default=False)
    options = database.setdefault("OPTIONS", {})
    if "sqlite" in database["ENGINE"]:
        # WAL lets readers and a writer work at once; IMMEDIATE takes the write lock when a transaction begins.
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        options |= {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas}
    elif "postgresql" in database["ENGINE"]:
        # One connection for each thread at the most, so no thread waits for another's; 503 after 5 s without one.
        size = _integer("DATABASE_POOL", default=THREADS)
        options["pool"] = {"min_size": 1, "max_size": size, "timeout": 5}
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "otp_app.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("uz", "Oʻzbekcha"), ("ru", "Русский")]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # set it to collect them for another server
WHITENOISE_USE_FINDERS = True  # no collectstatic needed before the first start
WHITENOISE_AUTOREFRESH = False

# TLS ends at the proxy in front, which also redirects (see SILENCED_SYSTEM_CHECKS).
if _integer("OTP_TRUSTED_PROXIES", default=0):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = _integer("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_SUBDOMAINS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # HSTS for all subdomains, and
    "security.W021",  # its preload list: a promise only the owner of the domain can make (SECURE_HSTS_SUBDOMAINS)
    "security.W008",  # the redirect to https is the proxy's; SECURE_SSL_REDIRECT=1 makes it ours
]

CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/.*$"

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}  # for the views of the documentation
SPECTACULAR_SETTINGS = {
    "TITLE": "Sign-in by phone",
    "DESCRIPTION": "Send a code to a phone number, verify it, hold a token.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # else it asks validator.swagger.io
    "COMPONENT_SPLIT_REQUEST": True,
}

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        "null": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "django.security.DisallowedHost": {
            "handlers": ["null"],
            "propagate": False,
        },  # anybody could fill the log with its tracebacks
    },
}

TWILIO_ACCOUNT_SID = _text("TWILIO_ACCOUNT_SID")
TWILIO_AUTH_TOKEN = _text("TWILIO_AUTH_TOKEN")
TWILIO_PHONE_NUMBER = _text("TWILIO_PHONE_NUMBER")
TWILIO_API_BASE_URL = _text("TWILIO_API_BASE_URL")


def _otp_settings() -> dict[str, Any]:
    """Every OTP_* setting of the environment, read as the type of its default; lists are comma-separated."""
    readers = {bool: env.bool, int: lambda name: _integer(name, 0), str: _text}
    found: dict[str, Any] = {}
    for name, default in vars(Conf).items():
        if not name.isupper() or not {f"OTP_{name}", f"OTP_{name}_FILE"} & set(os.environ):
            continue
        if name == "WAITS":
            found[f"OTP_{name}"] = env.list(f"OTP_{name}", cast=int)
        elif type(default) in readers:
            found[f"OTP_{name}"] = readers[type(default)](f"OTP_{name}")
    return found


globals().update(_otp_settings())
OTP_ALLOWED_REGIONS = env.list("OTP_ALLOWED_REGIONS", default=[])
OTP_PROVIDER_CALLS = _integer("OTP_PROVIDER_CALLS", default=max(1, THREADS // 2))
