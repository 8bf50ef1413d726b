"""Route the API: ``path("api/", include("otp_app.urls"))``."""

from django.urls import path

from .api import (
    causes,
    confirmations,
    emails,
    factors,
    me,
    number_changes,
    passkeys,
    recovery,
    second_phones,
    sessions,
    views,
)
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
    "me": ("me", me.MeView.as_view()),
    "me-export": ("me/export", me.ExportView.as_view()),
    "me-events": ("me/events", me.EventsView.as_view()),
    "authenticator": ("authenticator", factors.AuthenticatorView.as_view()),
    "authenticator-verify": ("authenticator/verify", factors.AuthenticatorVerifyView.as_view()),
    "recovery-codes": ("recovery-codes", factors.RecoveryCodesView.as_view()),
    "email": ("email", emails.EmailView.as_view()),
    "email-verify": ("email/verify", emails.EmailVerifyView.as_view()),
    "phone": ("phone", number_changes.PhoneView.as_view()),
    "phone-verify": ("phone/verify", number_changes.PhoneVerifyView.as_view()),
    "second-phone": ("second-phone", second_phones.SecondPhoneView.as_view()),
    "second-phone-verify": ("second-phone/verify", second_phones.SecondPhoneVerifyView.as_view()),
    "recovery": ("recovery", recovery.RecoveryView.as_view()),
    "recovery-verify": ("recovery/verify", recovery.RecoveryVerifyView.as_view()),
    "recovery-phone": ("recovery/phone", recovery.RecoveryPhoneView.as_view()),
    "recovery-phone-verify": ("recovery/phone/verify", recovery.RecoveryPhoneVerifyView.as_view()),
    "sessions": ("sessions", sessions.SessionsView.as_view()),
    "end-others": ("sessions/end-others", sessions.EndOthersView.as_view()),
    "session": ("sessions/<str:session_id>", sessions.SessionView.as_view()),
    "passkeys": ("passkeys", passkeys.PasskeysView.as_view()),
    "passkey-begin": ("passkeys/begin", passkeys.PasskeyBeginView.as_view()),
    "passkey-finish": ("passkeys/finish", passkeys.PasskeyFinishView.as_view()),
    "passkey-sign-in-begin": ("passkeys/sign-in/begin", passkeys.PasskeySignInBeginView.as_view()),
    "passkey-sign-in-finish": ("passkeys/sign-in/finish", passkeys.PasskeySignInFinishView.as_view()),
    "passkey": ("passkeys/<str:passkey_id>", passkeys.PasskeyView.as_view()),
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
