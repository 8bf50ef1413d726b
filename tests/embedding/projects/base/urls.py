"""The addresses of each of these projects."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("otp_app.urls")),
    path("", include("otp_app.web.urls")),
    path("admin/", admin.site.urls),
]
