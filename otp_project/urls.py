"""Addresses of the ready service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from otp_app import passwords
from otp_app.health import healthz, readyz

from .schema import SchemaView

passwords.limit(admin.site)
handler400 = "otp_app.web.problems.bad_request"
handler404 = "otp_app.web.problems.not_found"

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("admin/", admin.site.urls),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/", include("otp_app.urls")),
    path("", RedirectView.as_view(pattern_name="otp_web:phone")),
    path("", include("otp_app.web.urls")),
]
