"""The addresses of the library."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from readers import views

urlpatterns = [
    path("", views.card, name="card"),
    path("phone/", views.phone, name="phone"),
    path("phone/code/", views.code, name="code"),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("", include("otp_app.web.urls")),
]
