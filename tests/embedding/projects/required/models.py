from django.contrib.auth.models import AbstractUser
from django.db import models


class Reader(AbstractUser):
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True)
    born = models.DateField()
    agreed = models.BooleanField()
