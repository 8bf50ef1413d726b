from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class User(AbstractBaseUser, PermissionsMixin):
    """Without a user name: drfpasswordless creates users from a mobile and nothing else."""

    mobile = models.CharField(max_length=17, unique=True)
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "mobile"

    objects = BaseUserManager()

    def __str__(self) -> str:
        return self.mobile
