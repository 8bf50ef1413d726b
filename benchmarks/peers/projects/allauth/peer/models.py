from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    phone = models.CharField(max_length=16, unique=True, null=True)  # noqa: DJ001  # NULL is unique any number of times
    phone_verified = models.BooleanField(default=False)
