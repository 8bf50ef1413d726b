"""Name the pages. Include them by ``path("", include("otp_app.web.urls"))``; set ``LOGIN_URL = "otp_web:phone"``."""

from django.urls import path

from . import account, brand, notices, phone_and_code, views

app_name = "otp_web"

urlpatterns = [
    path("login/", views.phone, name="phone"),
    path("login/code/", phone_and_code.enter, name="elsewhere"),
    path("login/<int:number>/", views.code, name="code"),
    path("login/<int:number>/send/", views.send, name="send"),
    path("login/<int:number>/extend/", views.extend, name="extend"),
    path("login/<int:number>/state/", views.state, name="state"),
    path("login/brand.css", brand.stylesheet, name="brand"),
    path("n/<str:value>", notices.notice, name="notice"),  # as short as it can be, for an SMS
    path("account/", account.account, name="account"),
    path("account/continue/", account.continue_to_destination, name="continue"),
    path("account/sign-out/", account.sign_out, name="sign-out"),
    path("account/sign-out-everywhere/", account.sign_out_everywhere, name="sign-out-everywhere"),
]
