from django.contrib.auth.models import AbstractUser
from django.db import models


class Guest(AbstractUser):
    host = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("host", "phone", name="one_guest", condition=~models.Q(phone="")),
        ]
