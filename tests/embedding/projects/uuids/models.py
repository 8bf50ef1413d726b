import uuid

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models


class ActiveManager(UserManager):
    def get_queryset(self):
        return super().get_queryset().filter(is_active=True)


class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True)

    objects = ActiveManager()
