"""Who reads here: by e-mail, by phone, or by both."""

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models


class ReaderManager(BaseUserManager):
    """Make readers who sign in by e-mail."""

    def create_user(self, email, password=None, **fields):
        reader = self.model(email=self.normalize_email(email), **fields)
        reader.set_password(password)
        reader.save(using=self._db)
        return reader

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Reader(AbstractUser):
    """Somebody with an e-mail address, a phone, or both. What is missing is NULL, of which there may be many."""

    username = None
    email = models.EmailField(unique=True, null=True, blank=True)
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True, help_text="As +998901234567.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = ReaderManager()

    def __str__(self):
        return self.get_full_name() or self.email or self.phone or ""
