"""Who buys here."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class Customer(AbstractUser):
    mobile = models.CharField(max_length=16, unique=True, null=True, blank=True, help_text="As +998901234567.")
