"""A project with nothing in it but a few views, under the same server: no middleware, no models, no session."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
HOST, PORT, THREADS, WEB_CONCURRENCY = "127.0.0.1", int(os.environ["PORT"]), 16, 2
# The modules of the server import models; no view uses any, and no code is sent.
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "otp_app"]
SILENCED_SYSTEM_CHECKS = ["otp_app.E010"]
ROOT_URLCONF = "benchmarks.bare.urls"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,  # else DRF wants django.contrib.auth
}
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}}
