"""Route the ready service."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from otp_app import handlers
from otp_app.api.jwks import jwks
from otp_app.health import healthz, readyz

from .schema import READ, SchemaView

handler400 = "otp_app.handlers.bad_request"
handler404 = "otp_app.handlers.not_found"
handler500 = "otp_app.handlers.server_error"

urlpatterns = [
    path("api/", include("otp_app.urls")),  # first, because most requests go there
    path("healthz", healthz),
    path("readyz", readyz),
    path(".well-known/jwks.json", jwks),
    path("admin/", admin.site.urls),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=READ), name="docs"),
    re_path("^api/(?!docs$|schema$)", handlers.not_found),  # DEBUG has a page of its own for what is not here
    path("", RedirectView.as_view(pattern_name="otp_web:phone")),
    path("", include("otp_app.web.urls")),
]
