"""The hosted page: ``path("", include("otp_app.web.urls"))``. It works without JavaScript; with it, it is kinder."""
