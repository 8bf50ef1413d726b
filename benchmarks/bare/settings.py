"""A project with nothing in it but a few views, under the same server: no middleware, no models, no session."""

import os

import environ

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
HOST, PORT, THREADS, WEB_CONCURRENCY = "127.0.0.1", int(os.environ["PORT"]), 16, 2
INSTALLED_APPS = ["rest_framework"]
ROOT_URLCONF = "benchmarks.bare.urls"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,  # else DRF wants django.contrib.auth
}
DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}}
