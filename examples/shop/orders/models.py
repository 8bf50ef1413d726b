"""What was bought."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Order(models.Model):
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="orders")
    title = models.CharField(max_length=100)
    placed = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-placed"]

    def __str__(self):
        return self.title
