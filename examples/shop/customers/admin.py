"""The staff fills in a customer's mobile."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from .models import Customer


@admin.register(Customer)
class CustomerAdmin(UserAdmin):
    list_display = ("username", "mobile", "first_name", "last_name", "is_staff")
    fieldsets = (*UserAdmin.fieldsets, ("Phone", {"fields": ("mobile",)}))
