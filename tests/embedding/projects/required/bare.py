"""The same project before anybody has named the members of a sign-up."""

from .settings import *

OTP_ACCOUNTS = "otp_app.accounts.Accounts"
