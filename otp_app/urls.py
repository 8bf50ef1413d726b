"""``path("api/", include("otp_app.urls"))``."""

from django.urls import path

from .api import views
from .transactions import without_transactions

app_name = "otp_app"

_VIEWS = {
    "send-otp": views.SendView,
    "verify-otp": views.VerifyView,
    "me": views.MeView,
    "logout": views.LogoutView,
    "logout-everywhere": views.LogoutEverywhereView,
}
# With and without the closing slash: Django's redirect would lose the body of a POST.
urlpatterns = [
    path(f"{name}{slash}", without_transactions(view.as_view()), name=name if slash else f"{name}-bare")
    for name, view in _VIEWS.items()
    for slash in ("/", "")
]
