from django.contrib.auth.models import AbstractUser
from phonenumber_field.modelfields import PhoneNumberField


class Client(AbstractUser):
    number = PhoneNumberField(unique=True, null=True, blank=True)
