from base.settings import *

SILENCED_SYSTEM_CHECKS = ["otp_app.W002"]  # nobody chooses a user name here
