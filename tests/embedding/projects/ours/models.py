from django.db import models

from otp_app.users import AbstractPhoneUser


class Member(AbstractPhoneUser):
    city = models.CharField(max_length=50, blank=True)
