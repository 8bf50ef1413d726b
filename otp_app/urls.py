"""Route the API: ``path("api/", include("otp_app.urls"))``."""

from django.urls import path

from .api import causes, confirmations, number_changes, sessions, views
from .db.transactions import without_transactions
from .delivery import webhooks

app_name = "otp_app"

_VIEWS = {
    "countries": ("countries", views.CountriesView.as_view()),
    "send-otp": ("send-otp", views.SendView.as_view()),
    "verify-otp": ("verify-otp", views.VerifyView.as_view()),
    "challenge": ("challenges/<str:challenge_id>", views.ChallengeView.as_view()),
    "token": ("token", views.ExchangeView.as_view()),
    "refresh": ("token/refresh", views.RefreshView.as_view()),
    "confirm": ("confirm", confirmations.ConfirmView.as_view()),
    "confirm-verify": ("confirm/verify", confirmations.ConfirmVerifyView.as_view()),
    "phone": ("phone", number_changes.PhoneView.as_view()),
    "phone-verify": ("phone/verify", number_changes.PhoneVerifyView.as_view()),
    "me": ("me", views.MeView.as_view()),
    "sessions": ("sessions", sessions.SessionsView.as_view()),
    "end-others": ("sessions/end-others", sessions.EndOthersView.as_view()),
    "session": ("sessions/<str:session_id>", sessions.SessionView.as_view()),
    "logout": ("logout", views.LogoutView.as_view()),
    "logout-everywhere": ("logout-everywhere", views.LogoutEverywhereView.as_view()),
    "errors": ("errors", causes.ErrorsView.as_view()),
    "webhook": ("webhooks/<str:alias>", webhooks.webhook),
}
# With and without the closing slash: Django's redirect would lose the body of a POST.
urlpatterns = [
    path(f"{address}{slash}", without_transactions(view), name=name if slash else f"{name}-bare")
    for name, (address, view) in _VIEWS.items()
    for slash in ("/", "")
]
